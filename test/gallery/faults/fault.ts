/**
 * How a fault of the wire is written down, and what may be seen of it.
 *
 * `x-nonce` goes with every request and comes back with every answer that the upstream gives to it,
 * so an answer that reaches the wrong request shows itself. `POISON` stands in bytes that no client
 * may ever see.
 */
import type { UpstreamOptions } from "good-gateway";
import type {
  Payload,
  Script,
  ScriptedUpstream,
  ScriptedUpstreamOptions,
} from "good-gateway/testing";
import type { RawRequest } from "../tools/raw-client.js";

/** The status of a whole answer, or that it was cut. */
export type Verdict = number | "cut";

/** Bytes that answer a request, and how the connection goes on after them. */
export interface Bytes {
  readonly name: string;
  readonly text: string;
  readonly end: "hang" | "close" | "reset";
  readonly allowed: readonly Verdict[];
  readonly method?: "HEAD";
}

/** A fault that bytes alone do not describe. */
export interface Behaviour {
  readonly name: string;
  readonly scripts: readonly Script[];
  readonly allowed: readonly Verdict[];
  /** For POST, where that differs. */
  readonly allowedForPost?: readonly Verdict[];
  readonly methods?: readonly string[];
  /** One after the other, each over a client connection of its own. */
  readonly requests?: number;
  /** It answers without a look at the request, so that it cannot know its nonce. */
  readonly blind?: true;
  /** Time for the upstream between two requests. */
  readonly pauseMs?: number;
  readonly request?: Omit<RawRequest, "method">;
  readonly serve?: ScriptedUpstreamOptions;
  readonly targets?: (played: ScriptedUpstream | null) => UpstreamOptions["targets"];
  readonly options?: Omit<UpstreamOptions, "targets">;
}

export const POISON = "POISON";
export const OK = "HTTP/1.1 200 OK\r\n";

/** Puts the nonce of the request behind the status line. */
export function nonced(text: string): Payload {
  return (request) => {
    const nonce = request?.header("x-nonce");
    if (nonce === undefined) return latin1(text);
    return latin1(
      text.replace(/^(HTTP\/1\.[01] [2-5]\d\d[^\r\n]*\r\n)/m, `$1x-nonce: ${nonce}\r\n`),
    );
  };
}

/** Every character one byte. */
export function latin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

export const WORKS = `${OK}content-length: 2\r\n\r\nok`;
