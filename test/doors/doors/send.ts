/**
 * `send` of an upstream: a call without HTTP around it.
 */
import { Readable } from "node:stream";
import type { Gateway } from "good-gateway";
import type { Answered, Asked, AskOptions, Door, Told } from "../door.js";
import { pairs, told } from "../tools/answered.js";
import { bodyOf, callerCall } from "../tools/caller-call.js";

type SendBody = NonNullable<Parameters<ReturnType<Gateway["upstream"]>["send"]>[0]["body"]>;

export const SEND: Door = {
  name: "send",
  kind: "caller",
  engine: "own",
  bodies: "send",
  first: true,
  repeats: true,
  open: async ({ gateway }) => ({
    ask: (asked = {}, how = {}) => askBySend(gateway, asked, how),
    close: async () => {},
  }),
};

async function askBySend(
  gateway: Gateway<"app">,
  asked: Asked,
  how: AskOptions,
): Promise<Answered> {
  const attempts = attemptsOf(gateway);
  let failure: Told | null = null;
  const seen = await callerCall(how, async ({ signal, pace }, onHead) => {
    const body = sendable(bodyOf(asked));
    const { method = "GET", path = "/x", fields = {} } = asked;
    const { replayable = false, ...overrides } = asked.call ?? {};
    const given = {
      ...(body === undefined ? {} : { body }),
      ...(replayable ? { replayable } : {}),
    };
    const outcome = await gateway
      .upstream("app")
      .send({ method, path, headers: fields, signal, ...given }, overrides as never);
    if (outcome.kind === "no_response") {
      failure = told(outcome.failure.code, attempts());
      return { ending: "none", status: null };
    }
    const { status, rawHeaders } = outcome.response;
    const head = { status, fields: pairs(rawHeaders) };
    onHead(head);
    const chunks: Uint8Array[] = [];
    await pace();
    for await (const chunk of outcome.response.body) {
      chunks.push(chunk);
      onHead({ ...head, bytes: Buffer.concat(chunks) });
      await pace();
    }
    return { ...head, ending: "whole", bytes: Buffer.concat(chunks) };
  });
  return failure === null ? seen : { ...seen, failure };
}

/** Counts the attempts of the call that begins next. */
function attemptsOf(gateway: Gateway<"app">): () => number {
  let count = 0;
  const counted = () => {
    count += 1;
  };
  gateway.on("attempt:end", counted);
  return () => {
    gateway.off("attempt:end", counted);
    return count;
  };
}

function sendable(body: unknown): SendBody | undefined {
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) return body;
  if (body instanceof Readable) return body;
  return body instanceof ReadableStream
    ? Readable.fromWeb(body as never)
    : Readable.from(body as AsyncIterable<Uint8Array>, { objectMode: false });
}
