/**
 * Paths of the upstream as the client sees them: what was removed from the beginning of a path, or
 * put before it, is found by comparing what was asked for with what was sent.
 *
 * Guarantee: a rewritten address is a path on the host that the client has asked, and never one
 * that a client reads as another host.
 */

import type { RequestFacts } from "./request-facts.js";

/** What the beginning of a path is here, and there. */
export interface PathMap {
  /** At the upstream; no slash at its end. */
  readonly sent: string;
  /** For the client. */
  readonly asked: string;
  /** The upstream got the prefix of the client's paths, and may have written it. */
  readonly isTold: boolean;
}

/** Null where the path was rewritten to another one, so that nothing is known of others. */
export function pathMap(askedUrl: string, sentUrl: string, isTold: boolean): PathMap | null {
  const asked = pathOf(askedUrl);
  const sent = pathOf(sentUrl);
  let same = 0;
  const longest = Math.min(asked.length, sent.length);
  while (same < longest && asked[asked.length - 1 - same] === sent[sent.length - 1 - same]) {
    same += 1;
  }
  const common = asked.slice(asked.length - same);
  const slash = common.indexOf("/");
  const rest = slash === -1 ? 0 : common.length - slash;
  const map = {
    sent: withoutSlash(sent.slice(0, sent.length - rest)),
    asked: withoutSlash(asked.slice(0, asked.length - rest)),
    isTold,
  };
  // A mount itself, without a slash behind it, is sent as the root.
  return rest > 0 || map.sent === "" || map.asked === "" ? map : null;
}

/** What was taken off the beginning of a path; empty where nothing was, or more was changed. */
export function removedPrefix(askedUrl: string, sentUrl: string): string {
  const map = pathMap(askedUrl, sentUrl, false);
  return map === null || map.sent !== "" ? "" : map.asked;
}

/** As the client has written it: a mount takes its own path off. */
export function askedUrlOf(req: RequestFacts): string {
  const { originalUrl } = req as { readonly originalUrl?: unknown };
  return typeof originalUrl === "string" ? originalUrl : (req.url ?? "");
}

const ORIGIN = /^https?:\/\/[^/?#]*/i;

function pathOf(url: string): string {
  const path = url.startsWith("/") ? url : url.replace(ORIGIN, "");
  const query = path.indexOf("?");
  return query === -1 ? path : path.slice(0, query);
}

function withoutSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}

/** A path of the upstream for the client; null where the client cannot reach it by this proxy. */
export function clientPath(path: string, { sent, asked, isTold }: PathMap): string | null {
  if (isTold && isBelow(path, asked)) return path;
  if (!isBelow(path, sent)) return null;
  return asked + path.slice(sent.length) || "/";
}

function isBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}

const REFERENCE = /^(?:(?:https?:)?\/\/([^/?#\\]*))?([^?#]*)(.*)$/is;

/** An address that the upstream has written; `isOwn` knows the hosts that are meant by us. */
export function clientReference(
  written: string,
  map: PathMap | null,
  isOwn: (authority: string) => boolean,
): string {
  const [, authority, path = "", rest = ""] = REFERENCE.exec(written) ?? [];
  if (authority === undefined ? !path.startsWith("/") : !isOwn(authority)) return written;
  const rooted = path.startsWith("/") ? path : `/${path}`;
  const mapped = map === null ? rooted : clientPath(rooted, map);
  if (mapped === null) return written;
  // RFC 3986 §4.2: two slashes at the beginning would name a host.
  return `${/^\/[/\\]/.test(mapped) ? "/." : ""}${mapped}${rest}`;
}
