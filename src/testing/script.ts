/**
 * What a scripted upstream does on one connection, as a chain of steps.
 * A script is only data; `scripted-upstream.ts` plays it. Each step gives a new script, so a common
 * beginning can be kept in a constant and continued in several ways.
 * Guarantee: steps run in order, each when the one before is done; a step that could never be
 * reached is refused when the script is written.
 */
import { invariant } from "../base/invariant.js";

/** A request as it came over the wire. */
export interface ReceivedRequest {
  readonly method: string;
  /** The target as it stood in the request line. */
  readonly path: string;
  readonly version: string;
  /** Names and values as sent, in order, repeated where they were. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The value of the first field with this name, whatever its case. */
  header(name: string): string | undefined;
  /** The head as it came, without the empty line. */
  readonly head: string;
  /** The body, transfer coding removed; null until it has been read to its end. */
  readonly body: Buffer | null;
  /** The trailer fields of a body that was read. */
  readonly trailers: readonly (readonly [name: string, value: string])[];
  /** Which connection brought it, from 1. */
  readonly connection: number;
}

/**
 * What is sent: text as UTF-8, bytes as they are, or either made from the request that came last.
 */
export type Payload =
  | string
  | Uint8Array
  | ((request: ReceivedRequest | undefined) => string | Uint8Array);

/** What a script waits for: a promise, or a function that is called when the step is reached. */
export type Gate = PromiseLike<unknown> | (() => unknown);

/** How `sendSlowly` cuts what it sends. */
export interface Drip {
  readonly bytesPerWrite: number;
  readonly everyMs: number;
}

/** One step, as data. */
export type Step =
  | { readonly kind: "readHead" | "readBody" | "stopReading" | "destroyServer" }
  | { readonly kind: "close" | "reset" | "hang" }
  | { readonly kind: "again" }
  | { readonly kind: "readBytes"; readonly count: number }
  | { readonly kind: "send"; readonly payload: Payload }
  | { readonly kind: "sendSlowly"; readonly payload: Payload; readonly drip: Drip }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "waitFor"; readonly gate: Gate };

/** A chain of steps; every method returns a longer one and leaves this one as it is. */
export interface Script {
  readonly steps: readonly Step[];
  /** Reads the head of a request; what is left of the body before it is skipped. */
  readHead(): Script;
  /** Reads the body of that request, by its length or its chunks. */
  readBody(): Script;
  /** Reads this many bytes of whatever comes, as after an upgrade; they appear in `bodies()`. */
  readBytes(count: number): Script;
  /** Sends at once, and is done when the system has taken it. */
  send(payload: Payload): Script;
  /** Sends a few bytes at a time, in writes of their own. */
  sendSlowly(payload: Payload, drip: Drip): Script;
  /** Waits in real time. */
  wait(ms: number): Script;
  /** Waits until the test lets it go on; a function is called when the step is reached. */
  waitFor(gate: Gate): Script;
  /** Takes no more bytes from the socket, so that the sender runs against a full window. */
  stopReading(): Script;
  /** Stops listening: this connection lives on, new ones are refused. */
  destroyServer(): Script;
  /** Runs these steps so many times. */
  times(count: number, part: (script: Script) => Script): Script;
  /** Ends our side in order (FIN), and ignores what still comes. Nothing can follow. */
  close(): Script;
  /** Cuts the connection (RST) when what was sent has had time to arrive. Nothing can follow. */
  reset(): Script;
  /**
   * Keeps the connection open and swallows what comes, until the client leaves. Nothing can follow.
   */
  hang(): Script;
  /** Begins the script anew, as often as the client wants. Nothing can follow. */
  again(): Script;
}

const LAST_STEPS: ReadonlySet<Step["kind"]> = new Set(["close", "reset", "hang", "again"]);

/** The script of a connection that has been accepted. */
export function accept(): Script {
  return scriptOf([]);
}

function scriptOf(steps: readonly Step[]): Script {
  const then = (...more: readonly Step[]): Script => {
    const last = steps.at(-1);
    invariant(
      last === undefined || !LAST_STEPS.has(last.kind),
      `no step can be reached after ${last?.kind}()`,
    );
    return scriptOf([...steps, ...more]);
  };
  return {
    steps,
    readHead: () => then({ kind: "readHead" }),
    readBody: () => then({ kind: "readBody" }),
    readBytes: (count) => then({ kind: "readBytes", count }),
    send: (payload) => then({ kind: "send", payload }),
    sendSlowly: (payload, drip) => then({ kind: "sendSlowly", payload, drip }),
    wait: (ms) => then({ kind: "wait", ms }),
    waitFor: (gate) => then({ kind: "waitFor", gate }),
    stopReading: () => then({ kind: "stopReading" }),
    destroyServer: () => then({ kind: "destroyServer" }),
    times(count, part) {
      let script: Script = scriptOf(steps);
      for (let round = 0; round < count; round += 1) script = part(script);
      return script;
    },
    close: () => then({ kind: "close" }),
    reset: () => then({ kind: "reset" }),
    hang: () => then({ kind: "hang" }),
    again: () => {
      invariant(
        steps.some((step) => step.kind === "readHead" || step.kind === "readBytes"),
        "a script that reads nothing would begin anew without end",
      );
      return then({ kind: "again" });
    },
  };
}
