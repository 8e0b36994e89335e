/**
 * Fields of an answer, names and values in turn, with what the options of a proxy set, remove or
 * rewrite.
 *
 * Guarantee: nothing that says where an answer ends is taken from an option; what no message can
 * hold is a fault of the configuration.
 */
import type { CookieOptions } from "../../catalog/options/answers.js";
import type { AnswerHeaders } from "../../options/answer-options.js";
import { clientPath, clientReference, type PathMap } from "../../wire/client-path.js";
import { readGivenFields } from "../../wire/request-headers.js";

/** Sets and removes fields; a text says what is wrong with them. */
export function withFields(fields: readonly string[], set: unknown): readonly string[] | string {
  const given = readGivenFields(set);
  if (typeof given === "string") return given;
  const all = without(fields, (name) => given.has(name));
  for (const [name, texts] of given) for (const text of texts) all.push(name, text);
  return all;
}

export function without(fields: readonly string[], isOut: (name: string) => boolean): string[] {
  const kept: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    if (!isOut(name.toLowerCase())) kept.push(name, fields[index + 1] as string);
  }
  return kept;
}

/** With lower-case names; repeated fields are lists. */
export function headersOf(fields: readonly string[]): AnswerHeaders {
  const headers = Object.create(null) as Record<string, string | string[]>;
  for (let index = 0; index < fields.length; index += 2) {
    const name = (fields[index] as string).toLowerCase();
    const value = fields[index + 1] as string;
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (typeof before === "string") headers[name] = [before, value];
    else before.push(value);
  }
  return headers;
}

/** Each value of the named fields, changed. */
function mapped(
  fields: readonly string[],
  isMeant: (name: string) => boolean,
  change: (value: string) => string,
): string[] {
  return fields.map((text, index) =>
    index % 2 === 1 && isMeant((fields[index - 1] as string).toLowerCase()) ? change(text) : text,
  );
}

export function withClientReferences(
  fields: readonly string[],
  map: PathMap | null,
  isOwn: (authority: string) => boolean,
): string[] {
  const isMeant = (name: string): boolean => name === "location" || name === "content-location";
  return mapped(fields, isMeant, (value) => clientReference(value, map, isOwn));
}

export function withCookies(
  fields: readonly string[],
  options: CookieOptions,
  map: () => PathMap | null,
): string[] {
  const isMeant = (name: string): boolean => name === "set-cookie";
  return mapped(fields, isMeant, (value) => changedCookie(value, options, map));
}

const ATTRIBUTE = /^\s*(domain|path)\s*=\s*(.*?)\s*$/i;

// RFC 6265 §4.1: attributes come behind the pair, in any order.
function changedCookie(
  cookie: string,
  { domain, path }: CookieOptions,
  map: () => PathMap | null,
): string {
  const [pair = "", ...attributes] = cookie.split(";");
  const isPathFixed = path === undefined || /^\s*__host-/i.test(pair);
  const changed = attributes.flatMap((attribute) => {
    const [, name, value = ""] = ATTRIBUTE.exec(attribute) ?? [];
    if (name?.toLowerCase() === "domain" && domain !== undefined) {
      return domain === false ? [] : [` Domain=${domain}`];
    }
    if (name?.toLowerCase() !== "path" || isPathFixed) return [attribute];
    return [` Path=${path === "rewrite" ? cookiePath(value, map()) : path}`];
  });
  return [pair, ...changed].join(";");
}

/** RFC 6265 §5.1.4: with a slash at its end it would not stand for the mount itself. */
function cookiePath(path: string, map: PathMap | null): string {
  if (map === null) return path;
  if (path === "/" && map.sent === "" && map.asked !== "") return map.asked;
  return clientPath(path, map) ?? path;
}
