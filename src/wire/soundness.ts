/**
 * Requests that Node's parser lets pass and that the next hop may read in another way.
 *
 * Node refuses what is ambiguous in lengths, chunks and line breaks. What is left to us is what is
 * unambiguous to Node alone. A request that could mean two things is refused, never repaired, since
 * whoever stands before us may have taken it for the other one.
 */
import { isHttp2 } from "./http2.js";
import type { RequestFacts } from "./request-facts.js";
import { isAuthority } from "./request-target.js";

/** Why a request must not be sent on as it was received; null where it may. */
export function unsoundness(
  req: RequestFacts,
  { hosts, doubled }: { readonly hosts: number; readonly doubled: string | null },
): string | null {
  // RFC 9112 §2.3: what follows is the grammar of HTTP/1.x; a stream is that of a real HTTP/2.
  if (req.httpVersionMajor !== 1 && !isHttp2(req)) return "a version other than HTTP/1.x";
  // RFC 9112 §6.1: a coding that is dropped with the framing would change what the body means.
  const coding = req.headers["transfer-encoding"];
  if (coding !== undefined && coding !== "chunked" && coding.toLowerCase() !== "chunked") {
    return "a transfer coding other than chunked";
  }
  // RFC 9112 §3.2: one Host, and one that is an authority. Of several Node shows the first.
  if (hosts > 1) return "several Host fields";
  // Node itself asks for one, but not where a request asks for an upgrade.
  if (hosts === 0 && req.upgrade === true && req.httpVersion === "1.1") return "no Host field";
  // RFC 9110 §5.3: only lists may come in several fields.
  if (doubled !== null) return `several values of ${doubled}`;
  const { host } = req.headers;
  if (host === undefined || host === "" || host === lastSound) return null;
  if (!isAuthority(host)) return "a Host that is no authority";
  lastSound = host;
  return null;
}

/** Most requests name the host of the one before. */
let lastSound = "";
