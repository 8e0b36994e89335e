/**
 * A call of an application: its abort signal, the pace at which its answer is read, and a limit
 * against hanging. What the call came to, errors included, is one `Answered`.
 */
import type { Upload } from "../../gallery/tools/raw-client.js";
import { type Answered, ASK_MS, type Asked, type AskOptions } from "../door.js";
import { answered, type Parts } from "./answered.js";

export interface CallerCall {
  readonly signal: AbortSignal;
  /** Resolves when the caller wants to read on. */
  pace(): Promise<void>;
}

/** Runs a call that rejects for what fails; `perform` tells of the head as soon as it is there. */
export async function callerCall(
  how: AskOptions,
  perform: (call: CallerCall, head: (parts: Omit<Parts, "ending">) => void) => Promise<Parts>,
): Promise<Answered> {
  const leave = new AbortController();
  let reading = Promise.resolve();
  let resume = (): void => {};
  how.onCaller?.({
    destroy: () => leave.abort(),
    pause() {
      reading = new Promise((resolve) => {
        resume = resolve;
      });
    },
    resume: () => resume(),
    signal: leave.signal,
  });
  let known: Omit<Parts, "ending"> = { status: null };
  const call = perform({ signal: leave.signal, pace: () => reading }, (parts) => {
    known = parts;
  }).then(answered, (thrown: unknown) =>
    answered({ ...known, ending: known.status === null ? "none" : "cut", thrown }),
  );
  let timer: NodeJS.Timeout | undefined;
  const hung = new Promise<Answered>((resolve) => {
    const tell = () => resolve(answered({ ...known, ending: "hung" }));
    timer = setTimeout(tell, how.limitMs ?? ASK_MS);
  });
  try {
    return await Promise.race([call, hung]);
  } finally {
    clearTimeout(timer);
  }
}

/** The body of an application: what it gives, or a stream of so many bytes. */
export function bodyOf({ body, upload }: Asked): unknown {
  return upload === undefined ? body : uploadStream(upload);
}

const PIECE = 65_536;

/** A stream that stops short of what it announces never ends. */
export function uploadStream({ bytes, announced = bytes }: Upload): ReadableStream<Uint8Array> {
  let left = bytes;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (left > 0) {
        const size = Math.min(left, PIECE);
        left -= size;
        controller.enqueue(new Uint8Array(size).fill(117));
        return undefined;
      }
      if (announced === bytes) controller.close();
      // Never settled: nothing comes any more.
      return announced === bytes ? undefined : new Promise(() => {});
    },
  });
}
