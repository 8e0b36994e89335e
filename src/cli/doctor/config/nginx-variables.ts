/**
 * What the variables of an nginx configuration hold, as far as the file defines them: `set` in
 * the blocks around a place, and the default of a `map` or a `geo`. What comes with a request is
 * not known here.
 */
import { type Directive, everywhere } from "./nginx-syntax.js";

export type Variables = Readonly<Record<string, string>>;

const VARIABLE = /\$(?:\{(\w+)\}|(\w+))/g;

/** Longer than any address or path; values that double each other would fill the memory. */
const VALUE_CHARACTERS_MAX = 8_192;

/** The text with its variables replaced; null when one is not known here, or grows too long. */
export function evaluate(text: string, variables: Variables): string | null {
  let known = true;
  let length = text.length;
  const value = text.replace(VARIABLE, (_, braced, bare) => {
    const found = variables[String(braced ?? bare)];
    length += found?.length ?? 0;
    if (found === undefined || length > VALUE_CHARACTERS_MAX) known = false;
    return known ? (found ?? "") : "";
  });
  return known ? value : null;
}

/** Variables that stand behind the host: path and query, as the client sent them. */
const PATH_AND_QUERY = /\$\{?(?:request_uri|uri|document_uri|is_args|args)\b.*$/;

/**
 * An address as nginx evaluates it for a request. Null when its host is known only once the request
 * is there; a path that is not known stays as it is written.
 */
export function addressAtRunTime(
  text: string,
  around: readonly Directive[],
  all: readonly Directive[],
): string | null {
  const variables = variablesAt(around, all);
  const [, head = "", rest = ""] = /^((?:\w+:\/\/)?[^/]*)(.*)$/.exec(text) ?? [];
  const host = evaluate(head.replace(PATH_AND_QUERY, ""), variables);
  return host === null ? null : `${host}${evaluate(rest, variables) ?? rest}`;
}

/** A variable may be made of others that were set before it. */
const DEPTH_MAX = 5;

function variablesAt(around: readonly Directive[], all: readonly Directive[]): Variables {
  let values: Readonly<Record<string, string>> = { ...defaultsOf(all), ...setIn(around) };
  for (let depth = 0; depth < DEPTH_MAX; depth += 1) {
    values = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, evaluate(value, values) ?? value]),
    );
  }
  const whole = Object.entries(values).filter(([, value]) => !value.includes("$"));
  return Object.fromEntries(whole);
}

/** nginx runs those of the server first, so that those of the location have the last word. */
function setIn(around: readonly Directive[]): Variables {
  const sets = around.toReversed().flatMap(({ block }) => block ?? []);
  return Object.fromEntries(
    sets
      .filter(({ name, args }) => name === "set" && args.length === 2)
      .map(({ args: [variable = "", value = ""] }) => [variable.slice(1), value]),
  );
}

function defaultsOf(all: readonly Directive[]): Variables {
  const tables = ["map", "geo"].flatMap((name) => everywhere(all, name));
  return Object.fromEntries(
    tables.flatMap(({ args, block }) => {
      const value = block?.find(({ name }) => name === "default")?.args[0];
      return value === undefined ? [] : [[(args.at(-1) ?? "").slice(1), value]];
    }),
  );
}

/** The values of every `map` for a request, where its source is known. */
export function mapped(all: readonly Directive[], request: Variables): Variables {
  const entries = everywhere(all, "map").flatMap(({ args: [source = "", target = ""], block }) => {
    const value = evaluate(source, request);
    if (value === null || block === null) return [];
    const row =
      block.find(
        ({ name }) => !name.startsWith("~") && name.toLowerCase() === value.toLowerCase(),
      ) ??
      block.find(({ name }) => name.startsWith("~") && fitsPattern(name, value)) ??
      block.find(({ name }) => name === "default");
    const found = row?.args[0];
    return found === undefined ? [] : [[target.slice(1), found] as const];
  });
  return Object.fromEntries(entries);
}

/** `~pattern`, and `~*pattern` for letters of any case. */
function fitsPattern(text: string, value: string): boolean {
  try {
    const caseless = text.startsWith("~*");
    return new RegExp(text.slice(caseless ? 2 : 1), caseless ? "i" : "").test(value);
  } catch {
    return false;
  }
}
