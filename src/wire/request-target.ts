/**
 * The path that may be sent to a target, out of what the client wrote in its request line.
 *
 * Guarantee: nothing in it can choose another host or climb out of the target's path prefix. It is
 * taken or refused, never rewritten, so that gateway and application see the same path.
 */

/** A path in origin-form (RFC 9112 §3.2.1), or why there is none. */
export type RequestTarget =
  | { readonly path: string; readonly authority: string | null }
  | { readonly refused: string };

const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;
// RFC 9112 §3.2 and RFC 3986 §2: nothing but visible ASCII. Node's parser of HTTP/1.1 refuses more
// than that by itself; its HTTP/2 and the hooks of an application do not.
const UNSENDABLE = /[^\x21-\x7e]|#/;
// RFC 3986 §3.2, without the user.
const AUTHORITY = /^[A-Za-z0-9._~!$&'()*+,;=%:[\]-]+$/;
const DOTS = /\.\.|%2e/i;

/** Reads a request target as Node gives it. */
export function readRequestTarget(target: string): RequestTarget {
  if (!isSendable(target)) return { refused: "a character that a request target cannot hold" };
  if (target.startsWith("/")) return checked(target, null);
  const absolute = ABSOLUTE.exec(target);
  if (absolute === null) return { refused: "a request target that is no path" };
  const [, authority = "", rest = ""] = absolute;
  if (!isAuthority(authority)) return { refused: "an authority that is no host alone" };
  // RFC 9112 §3.2.2: the authority of the absolute-form replaces Host; the target stays ours.
  return checked(rest.startsWith("/") ? rest : `/${rest}`, authority);
}

/** Whether a text is a host, with or without a port. */
export function isAuthority(text: string): boolean {
  return AUTHORITY.test(text);
}

function checked(path: string, authority: string | null): RequestTarget {
  if (climbsOut(path)) return { refused: "a path that climbs above its root" };
  return { path, authority };
}

/** Whether a path holds only what a request line can hold. */
export function isSendable(path: string): boolean {
  return !UNSENDABLE.test(path);
}

/** Whether the path leaves its root for any reader that decodes it once, slashes included. */
export function climbsOut(path: string): boolean {
  return DOTS.test(path) && climbs(path);
}

function climbs(path: string): boolean {
  const query = path.indexOf("?");
  const plain = (query === -1 ? path : path.slice(0, query))
    .replace(/%2e/gi, ".")
    .replace(/%2f|%5c|\\/gi, "/");
  let depth = 0;
  for (const segment of plain.split("/")) {
    // Some servers cut path parameters off before they look at dots.
    const name = segment.split(";", 1)[0];
    if (name === "..") depth -= 1;
    else if (name !== "" && name !== ".") depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
