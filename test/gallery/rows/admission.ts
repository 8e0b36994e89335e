/**
 * Rows of the gallery for calls that the gateway refuses: on purpose, for want of a place, or
 * because the request itself is at fault. The upstream of these rows works, and reads nothing.
 */
import { isGatewayError, type Upstream } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { accept, ok, refusingPort } from "good-gateway/testing";
import type { Row } from "../tools/provoke.js";
import type { Caller } from "../tools/raw-client.js";
import { eventually, type World, type WorldOptions } from "../tools/world.js";

const WORKS = accept().readHead().readBody().send(ok("fine")).again();
const NOT_SENT = { sends: [0, 0], attempts: [0, 0], breaker: "neutral" } as const;
const OVERLOADED =
  "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
const ONE_FAILURE = { consecutiveFailures: 1, openMs: 60_000 } as const;

/** Holds its place for as long as the client stays: the head has come, the body never ends. */
const ENDLESS = accept().readHead().send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx").hang();
const LONG = { responseMs: 2_500, idleMs: 2_500 } as const;

function busy(options: WorldOptions["options"]): WorldOptions {
  return { script: ENDLESS, options: { ...options, timeouts: { ...LONG, ...options?.timeouts } } };
}

/** A client that takes the only place; gives back how it leaves. */
async function occupy({ ask, played }: World): Promise<() => void> {
  let leave = (): void => {};
  const onCaller = (caller: Caller): void => {
    leave = () => void caller.destroy();
  };
  void ask({}, { onCaller });
  await eventually("the place is taken", () => played?.heads().length === 1);
  return leave;
}

async function refused(count: number): Promise<WorldOptions> {
  const ports = await Promise.all(Array.from({ length: count }, () => refusingPort()));
  return {
    targets: () => ports.map((port) => `http://127.0.0.1:${port}`),
    options: { breaker: ONE_FAILURE },
  };
}

/** Once for each target, where a call is not repeated. */
const fail = async ({ ask, gateway }: World): Promise<() => void> => {
  for (const _ of gateway.upstream("app").targets) await ask();
  return () => {};
};

export const ADMISSION: readonly Row[] = [
  {
    code: "destination_not_found",
    answer: 500,
    error: null,
    ...NOT_SENT,
    world: { script: WORKS },
    // No proxy asks for an upstream that is not configured; a fetch of any origin can.
    ask: async ({ gateway }, method) => {
      const [upstream] = gateway.upstreams as readonly [Upstream];
      const error = await gatewayFetch(upstream)("http://elsewhere.test/", { method }).then(
        () => Promise.reject(new Error("it was sent somewhere")),
        (thrown: unknown) => thrown,
      );
      if (!isGatewayError(error)) throw error;
      const { code, attempts, status } = error;
      return { answer: status, error: null, code, attempts, retryAfter: null, raw: "" };
    },
  },
  {
    code: "breaker_open",
    answer: 503,
    error: "destination_unavailable",
    sends: [0, 0],
    attempts: [0, 0],
    // It opened by the failure before this one.
    breaker: "failure",
    world: () => refused(1),
    before: fail,
  },
  {
    code: "no_healthy_target",
    answer: 503,
    error: "destination_unavailable",
    sends: [0, 0],
    attempts: [0, 0],
    breaker: "failure",
    world: () => refused(2),
    before: fail,
  },
  {
    code: "maintenance",
    answer: 503,
    error: "destination_unavailable",
    ...NOT_SENT,
    world: { script: WORKS },
    before: async ({ gateway }) => gateway.startMaintenance(),
  },
  {
    code: "draining",
    answer: 503,
    error: "proxy_internal_response",
    ...NOT_SENT,
    world: { script: WORKS },
    before: async ({ gateway }) => void (await gateway.drain()),
  },
  {
    code: "bulkhead_full",
    answer: 503,
    error: "connection_limit_reached",
    ...NOT_SENT,
    world: busy({ bulkhead: { concurrencyMax: 1, queueMax: 0 } }),
    before: occupy,
  },
  {
    code: "bulkhead_queue_timeout",
    answer: 503,
    error: "connection_limit_reached",
    ...NOT_SENT,
    world: busy({ bulkhead: { concurrencyMax: 1, queueMax: 1, queueMs: 100 } }),
    before: occupy,
  },
  {
    code: "bulkhead_queue_displaced",
    answer: 503,
    error: "connection_limit_reached",
    ...NOT_SENT,
    // A queue that has stood for no time at all counts as one that has stood for long.
    world: busy({
      bulkhead: { concurrencyMax: 1, queueMax: 1, queueMs: 2_000, queueStressMs: 0 },
    }),
    before: occupy,
    during: async ({ gateway }) => {
      const app = gateway.upstream("app");
      await eventually("it waits", () => app.overload.bulkhead?.waiting === 1);
      void app.send({ path: "/newer" }, { timeouts: { totalMs: 100 } });
    },
  },
  {
    code: "connection_pool_timeout",
    answer: 503,
    error: "connection_limit_reached",
    sends: [0, 0],
    attempts: [3, 3],
    breaker: "neutral",
    // With a bulkhead no call comes so far: its places follow the number of connections.
    world: busy({ limits: { connectionsMax: 1 }, bulkhead: false, timeouts: { connectMs: 100 } }),
    before: occupy,
  },
  {
    code: "deadline_already_over",
    answer: 504,
    error: null,
    ...NOT_SENT,
    world: { script: WORKS },
    // The deadline of a request is its caller's to give, which over plain HTTP nobody can.
    ask: async ({ gateway }, method) => {
      const request = { method, path: "/x" };
      const outcome = await gateway.upstream("app").send(request, { timeouts: { totalMs: 0 } });
      const code = outcome.kind === "no_response" ? outcome.failure.code : null;
      return { answer: 504, error: null, code, attempts: 0, retryAfter: null, raw: "" };
    },
  },
  {
    code: "deadline_exceeded_queued",
    answer: 504,
    error: "proxy_internal_response",
    ...NOT_SENT,
    world: busy({
      bulkhead: { concurrencyMax: 1, queueMax: 1, queueMs: 2_000 },
      timeouts: { totalMs: 200 },
    }),
    before: occupy,
  },
  {
    code: "upstream_throttled",
    answer: 503,
    error: "destination_unavailable",
    sends: [0, 0],
    attempts: [0, 0],
    // It opened by the refusal of the upstream before this one.
    breaker: "failure",
    world: {
      script: accept().readHead().readBody().send(OVERLOADED).again(),
      options: { throttle: { requestsPerAccept: 1 }, retry: false },
      // Half of the calls are refused by then; these are among them.
      random: { next: () => 0 },
    },
    before: fail,
  },
  {
    code: "load_shed",
    answer: 503,
    error: "proxy_internal_response",
    ...NOT_SENT,
    world: { script: WORKS, proxy: { admit: () => ({ refuse: "load_shed" }) } },
  },
  {
    code: "hedge_cancelled",
    // It is an attempt of a call that was answered well, so no client sees it.
    answer: null,
    error: null,
    sends: [2, 2],
    breaker: "neutral",
    // POST is never asked twice at once.
    methods: ["GET", "HEAD"],
    world: {
      scripts: [accept().readHead().hang(), accept().readHead().send(ok("")).again()],
      targets: (played) => [played?.origin ?? "", `${played?.origin}/other`],
      options: { hedge: { delayMs: 20 } },
    },
    ask: async ({ gateway, attempts }, method) => {
      await gateway.upstream("app").send({ path: "/x", method });
      await eventually("both have ended", () => attempts.length === 2);
      const lost = attempts.find(({ code }) => code !== null)?.code ?? null;
      return { answer: null, error: null, code: lost, attempts: 2, retryAfter: null, raw: "" };
    },
  },
  {
    code: "rate_limited",
    answer: 429,
    error: "http_request_error",
    ...NOT_SENT,
    world: { script: WORKS, proxy: { admit: async () => ({ refuse: "rate_limited" }) } },
  },
  {
    code: "request_denied",
    answer: 403,
    error: "http_request_denied",
    ...NOT_SENT,
    world: { script: WORKS, proxy: { admit: () => ({ refuse: "request_denied" }) } },
  },
  {
    code: "request_header_too_large",
    answer: 431,
    error: "http_request_error",
    ...NOT_SENT,
    unrecorded: true,
    world: { script: WORKS },
    request: { fields: { cookie: "c".repeat(20_000) } },
  },
  {
    code: "bad_request",
    answer: 400,
    error: "http_request_error",
    ...NOT_SENT,
    world: { script: WORKS },
    request: { path: "/%2e%2e/x" },
  },
  {
    code: "request_body_too_large",
    answer: 413,
    error: "http_request_error",
    ...NOT_SENT,
    methods: ["PUT", "POST"],
    world: { script: WORKS, options: { limits: { requestBodyBytesMax: 3 } } },
    request: { body: "hello" },
  },
  {
    code: "request_body_failed",
    answer: 500,
    error: null,
    // Whether the head has left by then is a matter of chance.
    ...NOT_SENT,
    attempts: [1, 1],
    methods: ["PUT", "POST"],
    world: { script: WORKS },
    // A proxy has its bodies from clients; only an application gives a stream of its own.
    ask: async ({ gateway }, method) => {
      const body = new ReadableStream({ pull: () => Promise.reject(new Error("no such file")) });
      const init = { method, body, duplex: "half" } as const;
      const error = await gatewayFetch(gateway.upstream("app"))("/x", init).then(
        () => Promise.reject(new Error("it was sent")),
        (thrown: unknown) => thrown,
      );
      if (!isGatewayError(error)) throw error;
      const { code, attempts, status } = error;
      return { answer: status, error: null, code, attempts, retryAfter: null, raw: "" };
    },
  },
  {
    code: "only_if_cached",
    answer: 504,
    error: "proxy_internal_response",
    ...NOT_SENT,
    world: { script: WORKS, proxy: { answerOnlyIfCached: true } },
    request: { fields: { "cache-control": "only-if-cached" } },
  },
  {
    code: "loop_detected",
    answer: 502,
    error: "proxy_loop_detected",
    ...NOT_SENT,
    world: { script: WORKS },
    request: { fields: { via: "1.1 elsewhere, 1.1 edge" } },
  },
  {
    code: "proxy_internal_error",
    answer: 500,
    error: "proxy_internal_error",
    ...NOT_SENT,
    world: {
      script: WORKS,
      proxy: {
        rewritePath: () => {
          throw new Error("a hook of the user");
        },
      },
    },
  },
];
