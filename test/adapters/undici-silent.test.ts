/**
 * `gatewayInterceptor` over a dispatcher that accepts a request and falls silent, after an abort,
 * too: the caller's handler gets its end all the same, and nothing is left.
 */
import { createGateway, type UpstreamOptions } from "good-gateway";
import { gatewayInterceptor } from "good-gateway/undici";
import { expect, it } from "vitest";

/** What undici calls of a handler; its versions type it in their own ways. */
interface Handler {
  onRequestStart(controller: Controller, context: object): void;
  onResponseStart(controller: Controller, status: number, fields: object, text: string): void;
  onResponseData(controller: Controller, part: Buffer): void;
}

interface Controller {
  abort(reason: Error): void;
}

const ORIGIN = "http://127.0.0.1:9";
const DEAF = { rawHeaders: [], abort() {}, pause() {}, resume() {} };
/** How far a dispatcher goes before it falls silent. */
const STAGES = {
  nothing: () => {},
  "the start": (handler: Handler) => handler.onRequestStart(DEAF, {}),
  "a head": (handler: Handler) => {
    handler.onRequestStart(DEAF, {});
    handler.onResponseStart(DEAF, 200, { "content-length": "10" }, "OK");
  },
  "a part of a body": (handler: Handler) => {
    STAGES["a head"](handler);
    handler.onResponseData(DEAF, Buffer.from("half"));
  },
} satisfies Record<string, (handler: Handler) => void>;

type Timeouts = NonNullable<UpstreamOptions["timeouts"]>;

/** Long for all but what is meant to end the call. */
const LONG = { connectMs: 60_000, responseMs: 60_000, idleMs: 60_000, totalMs: 60_000 };

async function endOf(
  stage: (handler: Handler) => void,
  timeouts: Timeouts,
  started: (controller: Controller) => void = () => {},
): Promise<unknown> {
  const app = { targets: [ORIGIN], retry: false, breaker: false, timeouts } as const;
  const gateway = createGateway({ name: "edge", upstreams: { app }, onWarning: () => {} });
  const below = (_options: object, handler: object): boolean => {
    stage(handler as Handler);
    return true;
  };
  const dispatch = gatewayInterceptor(gateway)(below as never) as (
    options: object,
    handler: object,
  ) => boolean;
  const ended = await new Promise((resolve) => {
    dispatch(
      { origin: ORIGIN, path: "/", method: "GET" },
      {
        onRequestStart: started,
        onResponseStart() {},
        onResponseData() {},
        onResponseEnd: () => resolve("whole"),
        onResponseError: (_controller: unknown, error: unknown) => resolve(error),
      },
    );
  });
  expect(gateway.upstream("app").targets[0]?.pending).toBe(0);
  gateway.close();
  return ended;
}

it.each<[keyof typeof STAGES, Timeouts, string]>([
  ["nothing", { ...LONG, totalMs: 100 }, "deadline_exceeded_connecting"],
  ["nothing", { ...LONG, connectMs: 100 }, "connection_timeout"],
  ["the start", { ...LONG, totalMs: 100 }, "deadline_exceeded"],
  ["the start", { ...LONG, responseMs: 100 }, "http_response_timeout"],
  ["a head", { ...LONG, idleMs: 100 }, "connection_read_timeout"],
  ["a part of a body", { ...LONG, idleMs: 100 }, "connection_read_timeout"],
])("after %s, with %o", async (stage, timeouts, code) => {
  expect(await endOf(STAGES[stage], timeouts)).toMatchObject({ failure: { code } });
});

it.each(Object.keys(STAGES) as (keyof typeof STAGES)[])(
  "after %s, a caller that gives it up gets its own reason",
  async (stage) => {
    const reason = new Error("enough");
    const giveUp = ({ abort }: Controller): void => void setTimeout(() => abort(reason), 20);
    expect(await endOf(STAGES[stage], LONG, giveUp)).toBe(reason);
  },
);
