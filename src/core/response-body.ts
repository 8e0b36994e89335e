/**
 * The body of an upstream's answer on its way through, without a stream in between.
 *
 * A sink takes chunks as they come from the socket. What arrives before a sink is attached is kept,
 * bounded by one read of the socket, so a small answer is whole before anything is sent to the
 * client.
 */
import type { Duplex } from "node:stream";
import type { FailureCode } from "../catalog/failures.js";

/** What is left of an exchange after 101: a socket that speaks another protocol. */
export interface Tunnel {
  readonly socket: Duplex;
  /** Bytes moved, either way. */
  progress(): void;
  /** One side has ended. */
  closing(): void;
  /** Both sides are done; what is left of the socket is closed. */
  end(): void;
}

/** Where a body goes. */
export interface BodySink {
  /** False asks for a pause until `resume`. */
  data(chunk: Buffer): boolean;
  /** The body is whole. Trailer names and values in turn, RFC 9110 §6.5. */
  end(trailers: readonly string[]): void;
  /** The body is broken and will not continue. What was sent of it must be cut, never ended. */
  broken(code: FailureCode): void;
}

export interface ResponseBody {
  /** What broke it; null for one that is whole, or on its way. */
  readonly brokenBy: FailureCode | null;
  /** What more is known of that, as in `Failure`. */
  readonly brokenDetails?: string;
  /** Starts the flow; exactly one sink. */
  pipeTo(sink: BodySink): void;
  /** After a sink's `data` answered false: go on. */
  resume(): void;
  /**
   * The whole body instead of `pipeTo`, when all of it is here and it has no trailers; else null.
   */
  takeWhole(): Buffer | null;
  /** It cannot be used, for a reason that the error names: nothing more of it is wanted. */
  refuse(error: Error): void;
  /** The bytes that are here and not yet delivered. */
  readonly bufferedBytes: number;
  /** The tunnel of an answered upgrade; null for an ordinary answer. */
  readonly upgraded: Tunnel | null;
  /** The error that a broken body broke with, where a foreign engine read it. */
  readonly brokenCause?: unknown;
  /** Promised length, null when it is known only at the end. */
  readonly contentLength: number | null;
}
