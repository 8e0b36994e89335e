/**
 * A request as the pipe carries it: already clean of hop-by-hop fields, independent of any server
 * framework, and the same for every attempt.
 */
import type { ReplayBody } from "./replay-body.js";

export interface GatewayRequest {
  /** Case-sensitive, RFC 9110 §9.1. */
  readonly method: string;
  /** Path and query in origin-form, RFC 9112 §3.2.1; the target's path prefix comes before it. */
  readonly path: string;
  /** Its path is the target's own, with no slash behind that; left out for false. */
  readonly bare?: boolean;
  /** A redirect has led out of the path prefix of the target, which then does not come before. */
  readonly beyondPrefix?: boolean;
  /**
   * Names and values in turn, ready to be sent. `host` only when it must differ from the target.
   */
  readonly headers: readonly string[];
  readonly body: ReplayBody | null;
  /** Length of the body when it is known, null for chunked or none. */
  readonly contentLength: number | null;
  /**
   * Whether a client that sends no body has said so by `Content-Length: 0`; null where there is
   * one, and left out for what an application sends itself.
   */
  readonly emptiness?: "said" | "unsaid" | null;
  /** The caller promises that sending this twice does no harm. */
  readonly replayable: boolean;
  /** The protocol of an upgrade, such as `websocket`; null for an ordinary request. */
  readonly upgrade: string | null;
  /** Interim answers (1xx) of the upstream, as they come. */
  readonly onInformation: ((status: number, rawHeaders: readonly string[]) => void) | null;
  /** How slow the client may be; left out and null for what an application sends itself. */
  readonly clientPace?: ClientPaceLimits | null;
  /** The global fetch was asked for it, and has passed it on to the network. */
  readonly viaFetch?: boolean;
}

/** The path and query of a request below the path of a target. */
export function pathBelow(prefix: string, request: GatewayRequest): string {
  const { path, bare, beyondPrefix } = request;
  if (prefix === "" || beyondPrefix === true) return path;
  return bare === true ? prefix + path.slice(1) : prefix + path;
}

/** How long a client may keep an upstream waiting. */
export interface ClientPaceLimits {
  /** The time that every client has. */
  readonly clientMs: number;
  /** So many bytes give a second more. */
  readonly bytesPerSecondMin: number;
}
