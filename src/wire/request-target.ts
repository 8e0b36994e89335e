/**
 * What a request asks for, in the form in which it will be sent: every hook of the user judges by
 * this, and nothing else is sent.
 *
 * Guarantee: nothing in it can choose another host or climb out of the target's path prefix; a
 * target in absolute-form is put into origin-form before any hook sees the request (RFC 9112
 * §3.2.2), its authority in the place of Host; what `rewritePath` returns can change the path and
 * the query, and never the host. A wrong result of the hook is our side's fault.
 */
import type { Failure } from "../core/failure.js";
import { isPromise, swallow } from "./hook-result.js";
import { isHttp2, type RequestFacts } from "./request-facts.js";

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
  if (UNSENDABLE.test(target)) return { refused: "a character that a request target cannot hold" };
  if (!target.startsWith("/")) return readAbsolute(target);
  if (DOTS.test(target) && climbs(target)) {
    return { refused: "a path that climbs above its root" };
  }
  return { path: target, authority: null };
}

// RFC 9112 §3.2.2: the authority of the absolute-form replaces Host; the target stays ours.
function readAbsolute(target: string): RequestTarget {
  const absolute = ABSOLUTE.exec(target);
  if (absolute === null) return { refused: "a request target that is no path" };
  const [, authority = "", rest = ""] = absolute;
  if (!isAuthority(authority)) return { refused: "an authority that is no host alone" };
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  if (climbsOut(path)) return { refused: "a path that climbs above its root" };
  return { path, authority };
}

/** Whether a text is a host, with or without a port. */
export function isAuthority(text: string): boolean {
  return AUTHORITY.test(text);
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

/** The target of a request, as `admit` gets it. */
export interface AskedTarget {
  /**
   * Path and query as the client asked for them, below the mount and in origin-form: what
   * `rewritePath` gets. It always begins with a slash, or is `*` for `OPTIONS *`.
   */
  readonly path: string;
  /** Path and query as they are sent, after `rewritePath`; a path of the target comes before it. */
  readonly sentPath: string;
  /** The address of our peer, as far as it is known. */
  readonly address?: string | undefined;
}

/** An asked target that can be sent. */
export interface SendableTarget extends AskedTarget {
  /** The mount itself, without a slash behind it: neither gets the path of the target one. */
  readonly bare: boolean;
}

/** The target, or why the request cannot be sent. */
export type ReadTarget = SendableTarget | { readonly failure: Failure };

/** A request whose target and Host can be put into the form in which they are sent. */
export type AddressedRequest = RequestFacts & { url?: string | undefined };

export type RewritePath<Received> = (path: string, req: Received) => string | Promise<string>;

/**
 * Reads what is asked for. `url` is the path as the mount sees it; where it is empty, or a query
 * alone, the mount itself was asked for without a slash. Never throws.
 */
export function readPlainTarget(req: AddressedRequest, url: string): ReadTarget {
  if (url === "*" && req.method === "OPTIONS") return EVERYTHING;
  const bare = url === "" || url.startsWith("?");
  const refused = req.url?.startsWith("/") === false ? intoOriginForm(req, req.url) : null;
  if (refused !== null) return badRequest(refused);
  const target = readRequestTarget(bare ? `/${url}` : url);
  if ("refused" in target) return badRequest(target.refused);
  const { path } = target;
  return { path, sentPath: path, bare };
}

/** The same with what the user makes of the path. */
export function readTarget<Received extends AddressedRequest>(
  req: Received,
  url: string,
  rewritePath: RewritePath<Received> | null,
): ReadTarget | Promise<ReadTarget> {
  const target = readPlainTarget(req, url);
  if (rewritePath === null || "failure" in target || target === EVERYTHING) return target;
  const { path, bare } = target;
  try {
    const given = rewritePath(path, req);
    return isPromise(given) ? targetLater(path, bare, given) : rewrittenTarget(path, bare, given);
  } catch (cause) {
    return { failure: { code: "proxy_internal_error", cause } };
  }
}

async function targetLater(
  path: string,
  bare: boolean,
  given: PromiseLike<unknown>,
): Promise<ReadTarget> {
  try {
    return rewrittenTarget(path, bare, await given);
  } catch (cause) {
    return { failure: { code: "proxy_internal_error", cause } };
  }
}

function rewrittenTarget(path: string, bare: boolean, given: unknown): ReadTarget {
  const rewritten = rewrittenPath(path, given);
  if (typeof rewritten !== "string") return rewritten;
  return { path, sentPath: rewritten, bare: bare && rewritten === path };
}

// RFC 9112 §3.2.4: the whole server is meant, which is us.
const EVERYTHING: SendableTarget = { path: "*", sentPath: "*", bare: false };

/**
 * Puts the request itself into origin-form, so that a rule on `req.url` or `req.headers.host`
 * judges by what is sent. Returns why that cannot be.
 */
function intoOriginForm(req: AddressedRequest, url: string): string | null {
  if (!url.includes(":")) return null;
  // RFC 9113 §8.3.1: over HTTP/2 the authority has a pseudo-field of its own.
  if (isHttp2(req)) return "a :path that is no path";
  const target = readRequestTarget(url);
  if ("refused" in target) return target.refused;
  req.url = target.path;
  // RFC 9112 §3.2.2: the authority of the absolute-form replaces Host.
  if (target.authority !== null) req.headers.host = target.authority;
  return null;
}

/** What a rewriting made of a path, or the failure that it is. */
export function rewrittenPath(
  path: string,
  result: unknown,
): string | { readonly failure: Failure } {
  if (typeof result !== "string") {
    swallow(result);
    return wrong("returned no text");
  }
  const rooted = fromRoot(path, result);
  if (rooted === null) return wrong('returned no path, which begins with "/"');
  if (UNSENDABLE.test(rooted))
    return wrong("returned a character that a request target cannot hold");
  if (!climbsOut(rooted)) return rooted;
  // The dots are the client's: a prefix was cut off that they climb out of.
  if (path.endsWith(result)) return badRequest("a path that climbs above its root");
  return wrong("returned a path that climbs above its root");
}

/**
 * RFC 9110 §4.2.3: an empty path is "/". Whatever a rewriting leaves of a path by cutting off its
 * beginning is a path below the root as well, even where the client has written `http://` there.
 */
function fromRoot(path: string, result: string): string | null {
  if (result.startsWith("/")) return result;
  const cut = result === "" || result.startsWith("?") || path.endsWith(result);
  return cut ? `/${result}` : null;
}

function badRequest(details: string): { readonly failure: Failure } {
  return { failure: { code: "bad_request", details } };
}

function wrong(what: string): { readonly failure: Failure } {
  return { failure: { code: "proxy_configuration_error", details: `rewritePath ${what}` } };
}
