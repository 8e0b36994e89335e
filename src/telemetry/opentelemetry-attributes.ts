/**
 * Attributes by the semantic conventions for HTTP, of targets and methods.
 *
 * Guarantee: an unknown method, and targets beyond a number, become one value; neither
 * clients nor discovery can make series without end.
 */

/** The methods that are recorded by name: RFC 9110 §9, PATCH (RFC 5789), and QUERY. */
const METHODS: ReadonlySet<string> = new Set([
  ...["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"],
]);

/** As the conventions call what is not known. */
export const OTHER_METHOD = "_OTHER";

export function methodOf(method: string): string {
  return METHODS.has(method) ? method : OTHER_METHOD;
}

export interface ServerAttributes {
  readonly "server.address"?: string;
  readonly "server.port"?: number;
}

const OTHER: ServerAttributes = { "server.address": "other" };
const NONE: ServerAttributes = {};

/** Reads the address of targets, and remembers so many of them. */
export function serversOf(targetsMax: number): (target: string) => ServerAttributes {
  const known = new Map<string, ServerAttributes>();
  return (target) => {
    const found = known.get(target);
    if (found !== undefined) return found;
    const made = serverOf(target);
    if (known.size < targetsMax) known.set(target, made);
    return made;
  };
}

/** The same for metrics, where the rest are one. */
export function serverNames(
  targetsMax: number,
): (upstream: string, target: string | null) => ServerAttributes {
  const known = new Map<string, Map<string, ServerAttributes>>();
  let count = 0;
  const add = (upstream: string, target: string): ServerAttributes => {
    if (count >= targetsMax) return OTHER;
    count += 1;
    const made = serverOf(target);
    const targets = known.get(upstream) ?? new Map<string, ServerAttributes>();
    known.set(upstream, targets.set(target, made));
    return made;
  };
  // Two look-ups, since a key of both would have to be joined and hashed for each attempt.
  return (upstream, target) =>
    target === null ? NONE : (known.get(upstream)?.get(target) ?? add(upstream, target));
}

const UNIX = "unix:";
const PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/** The address and the port of a target, by its id. */
function serverOf(target: string): ServerAttributes {
  if (target.startsWith(UNIX)) return { "server.address": target.slice(UNIX.length) };
  const { hostname, port, protocol } = new URL(target);
  return {
    "server.address": hostname.replace(/^\[|\]$/g, ""),
    "server.port": port === "" ? (PORTS[protocol] as number) : Number(port),
  };
}

/** What an attempt, or the answer that a client got, failed by; the status where it has no name. */
export function errorType(
  code: string | null,
  status: number | null,
  fromStatus: number,
): string | null {
  return code ?? (status !== null && status >= fromStatus ? String(status) : null);
}
