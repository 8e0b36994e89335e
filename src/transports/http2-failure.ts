/**
 * Why a stream ended without its answer, in the names of the catalog.
 *
 * RFC 9113 §8.7: a stream that was refused, or whose number is above the last one that a GOAWAY
 * speaks of, was not processed and may be sent again, whatever its method.
 */
import type { ClientHttp2Stream } from "node:http2";
import { NamedError, ReplacedError } from "../core/named-error.js";
import { HTTP2_CODES, type Http2Session, http2CodeName } from "./http2-session.js";

export function streamFailure(
  stream: ClientHttp2Stream,
  { goneAway, session, error: lost, refused }: Http2Session,
  error: unknown,
  headIsHere: boolean,
): unknown {
  const { rstCode } = stream;
  const broken = brokenBy(lost) ?? brokenBy(error);
  if (broken !== null) return broken;
  if (refused.has(stream.id as number)) {
    return new NamedError("http_protocol_error", "malformed answer", error ?? undefined);
  }
  const details = `h2-error=${http2CodeName(goneAway?.code || rstCode)}`;
  // Node says CANCEL of streams that went down with their connection, and gives no error.
  const cutOff = session.destroyed && !SAID.has((error as { code?: unknown } | null)?.code);
  if (headIsHere) {
    if (cutOff) return closed(lost ?? error);
    return new NamedError("connection_reset_in_body", details, error ?? undefined);
  }
  // Asked to be calm, it is sent nothing more at once, even what was not processed.
  if (rstCode === HTTP2_CODES.calm || goneAway?.code === HTTP2_CODES.calm) {
    return new NamedError("enhance_your_calm", details, error ?? undefined);
  }
  const id = stream.id ?? Infinity;
  if (goneAway !== null && id > goneAway.lastId) {
    const said = `h2-goaway=${http2CodeName(goneAway.code)}`;
    const isInOrder = goneAway.code === 0 && goneAway.lastId > 0;
    const Refused = isInOrder ? ReplacedError : NamedError;
    return new Refused("stream_refused", said, error ?? undefined);
  }
  if (rstCode === HTTP2_CODES.refused) {
    return new NamedError("stream_refused", details, error ?? undefined);
  }
  if (cutOff) return closed(lost ?? error);
  return new NamedError("stream_reset", details, error ?? undefined);
}

/** The peer has sent what makes no sense, so that we had to leave; null for any other end. */
function brokenBy(error: unknown): NamedError | null {
  if (error instanceof NamedError) return error;
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return OF_OURS.has(code) ? new NamedError("http_protocol_error", "malformed frame", error) : null;
}

/** How Node names what it finds wrong in the frames of its peer. */
const OF_OURS: ReadonlySet<unknown> = new Set([
  "ERR_HTTP2_ERROR",
  "ERR_HTTP2_TOO_MANY_INVALID_FRAMES",
]);

/** The peer has said it: RST_STREAM, and GOAWAY with a code. */
const SAID: ReadonlySet<unknown> = new Set(["ERR_HTTP2_STREAM_ERROR", "ERR_HTTP2_SESSION_ERROR"]);

/** Named by how far the exchange got, like the loss of any other connection. */
function closed(error: unknown): unknown {
  return error ?? Object.assign(new Error("the connection was closed"), { code: "EOF" });
}
