/**
 * Answers of all doors in one form: what came over a wire, a Response, and what was thrown.
 */
import { FAILURES, type FailureCode, type Gateway, isGatewayError } from "good-gateway";
import type { Ending, Received } from "../../gallery/tools/raw-client.js";
import { type Fields, fieldOf } from "../../gallery/tools/read-message.js";
import type { Answered, Told } from "../door.js";

/** What a client received, with the failure that its Proxy-Status tells of. */
export function answeredOf(received: Received): Answered {
  const status = received.field("proxy-status") ?? "";
  const code = /[" ]code=(\w+)/.exec(status)?.[1];
  const attempts = /\battempts=(\d+)/.exec(status)?.[1];
  const blame = /\bblame=(\w+)/.exec(status)?.[1];
  const failure =
    code === undefined
      ? null
      : { code, blame, attempts: attempts === undefined ? null : +attempts };
  return Object.assign(received, { failure: failure as Told | null, thrown: null });
}

export interface Parts {
  readonly ending: Ending;
  readonly status: number | null;
  readonly fields?: Fields;
  readonly bytes?: Buffer;
  readonly trailers?: Fields;
  readonly interim?: Received["interim"];
  readonly note?: string;
  readonly thrown?: unknown;
}

/** An answer that did not come as bytes of HTTP/1.1. */
export function answered(parts: Parts): Answered {
  const { ending, status, note = "", thrown = null } = parts;
  const { fields = [], bytes = Buffer.alloc(0), trailers = [], interim = [] } = parts;
  const said = fields.map(([name, value]) => `${name}: ${value}\n`).join("");
  return {
    ...{ ending, status, fields, bytes, trailers, interim, note, thrown },
    body: bytes.length > 65_536 ? "" : bytes.toString("latin1"),
    raw: Buffer.from(`${status ?? ""} ${said}${String(thrown ?? "")}\n`, "latin1"),
    field: (name) => fieldOf(fields, name),
    failure: toldBy(thrown),
  };
}

/** What an error tells; null for one that is not the gateway's. */
export function toldBy(thrown: unknown): Told | null {
  for (let error = thrown, depth = 0; depth < 5; depth += 1) {
    if (isGatewayError(error)) {
      const { attempts, failure } = error;
      return told(failure.code, attempts);
    }
    error = (Object(error) as { readonly cause?: unknown }).cause;
  }
  return null;
}

export function told(code: FailureCode, attempts: number | null): Told {
  return { code, blame: FAILURES[code].blame, attempts };
}

/** Names and values in turn, as pairs. */
export function pairs(flat: readonly string[]): Fields {
  return flat.flatMap((name, index) =>
    index % 2 === 0 ? [[name, flat[index + 1] ?? ""] as const] : [],
  );
}

/** Where the upstream is asked for: at its first target. */
export function addressOf(gateway: Gateway<"app">): string {
  const target = gateway.upstream("app").targets[0]?.target ?? "";
  return target.startsWith("unix:") ? "http://localhost" : target;
}
