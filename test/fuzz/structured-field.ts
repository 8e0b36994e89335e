/**
 * A small strict reader of one item of a structured field with its parameters, RFC 8941 §4.2, for
 * the tests alone: what it does not accept is not valid.
 */

export type Bare = string | number | boolean;

export interface Item {
  readonly value: Bare;
  readonly parameters: ReadonlyMap<string, Bare>;
}

const STRING = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/;
const TOKEN = /^[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/;
const INTEGER = /^-?\d{1,15}(?!\.)/;
const KEY = /^[a-z*][a-z0-9_\-.*]*/;

/** The item that a text is, null when it is none. */
export function parseItem(text: string): Item | null {
  const first = readBare(text);
  if (first === null || typeof first.value === "boolean") return null;
  const parameters = new Map<string, Bare>();
  let rest = first.rest;
  while (rest !== "") {
    if (!rest.startsWith(";")) return null;
    rest = rest.slice(1).replace(/^ +/, "");
    const [key] = KEY.exec(rest) ?? [];
    if (key === undefined) return null;
    rest = rest.slice(key.length);
    if (!rest.startsWith("=")) {
      parameters.set(key, true);
      continue;
    }
    const read = readBare(rest.slice(1));
    if (read === null) return null;
    parameters.set(key, read.value);
    rest = read.rest;
  }
  return { value: first.value, parameters };
}

function readBare(text: string): { readonly value: Bare; readonly rest: string } | null {
  const [string, inside] = STRING.exec(text) ?? [];
  if (string !== undefined && inside !== undefined) {
    return { value: inside.replace(/\\(.)/g, "$1"), rest: text.slice(string.length) };
  }
  const [integer] = INTEGER.exec(text) ?? [];
  if (integer !== undefined) return { value: Number(integer), rest: text.slice(integer.length) };
  const [token] = TOKEN.exec(text) ?? [];
  return token === undefined ? null : { value: token, rest: text.slice(token.length) };
}
