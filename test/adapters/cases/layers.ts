/**
 * What the layers of a call tell each other: attempt number, time that is left, leave to repeat.
 */
import { accept, ok, respond } from "good-gateway/testing";
import { expect } from "vitest";
import { exchange, get, request } from "../raw-client.js";
import { inWorld, type WorldOptions } from "../world.js";
import type { Cases } from "./case.js";

const PLAIN = accept().readHead().send(ok("hello"));
const LOST = accept().readHead().close();
const busy = (fields: Readonly<Record<string, string>> = {}) =>
  accept()
    .readHead()
    .readBody()
    .send(respond(503, "no", fields))
    .again();

const TRUSTED: WorldOptions["options"] = { forwarded: { trust: true } };
const REPEATS: WorldOptions["settings"] = { retry: { attemptsMax: 2 } };
const ATTEMPT = "x-envoy-attempt-count";
const DEADLINE = "x-envoy-expected-rq-timeout-ms";
const NOT_AGAIN = "x-envoy-ratelimited";
/** What Envoy adds to every request, and a gateway of this kind. */
const LAYER = { "x-request-id": "4f1c9d0a", "x-forwarded-proto": "http" };

export const LAYERS: Cases = {
  "a first attempt says nothing of itself, a repeat says its number": (serve) =>
    inWorld(serve, { scripts: [LOST, PLAIN], settings: REPEATS }, async ({ port, upstream }) => {
      const answer = await exchange(port, get("/"));
      expect(answer.status).toBe(200);
      const [first, second] = upstream.requests();
      expect(first?.header(ATTEMPT)).toBeUndefined();
      expect(first?.header(DEADLINE)).toBeUndefined();
      expect(second?.header(ATTEMPT)).toBe("2");
    }),

  "what a stranger says of attempts and time reaches nobody": (serve) =>
    inWorld(serve, { scripts: [PLAIN] }, async ({ port, upstream }) => {
      const lies = { [ATTEMPT]: "9", [DEADLINE]: "1", "grpc-timeout": "1n", "x-other": "1" };
      const answer = await exchange(port, get("/", lies));
      expect(answer.status).toBe(200);
      const received = upstream.requests()[0];
      expect(received?.header(ATTEMPT)).toBeUndefined();
      expect(received?.header(DEADLINE)).toBeUndefined();
      // Between client and service.
      expect(received?.header("grpc-timeout")).toBe("1n");
      expect(received?.header("x-other")).toBe("1");
    }),

  "a trusted caller's attempt and time go on, and its repeats are not multiplied": (serve) =>
    inWorld(
      serve,
      { scripts: [LOST], settings: REPEATS, options: TRUSTED },
      async ({ port, upstream }) => {
        const answer = await exchange(port, get("/", { [ATTEMPT]: "2", [DEADLINE]: "9000" }));
        expect(answer.status).toBe(502);
        expect(answer.field("proxy-status")).toContain("attempts=1 stopped=caller_repeats");
        // The layer in front does the repeating; it may go on.
        expect(answer.field(NOT_AGAIN)).toBeUndefined();
        const received = upstream.requests()[0];
        expect(received?.header(ATTEMPT)).toBe("2");
        const leftMs = Number(received?.header(DEADLINE));
        expect(leftMs).toBeGreaterThan(0);
        expect(leftMs).toBeLessThanOrEqual(9_000);
      },
    ),

  "a trusted caller without time left is refused, and no upstream is asked": (serve) =>
    inWorld(serve, { scripts: [], options: TRUSTED }, async ({ port }) => {
      const answer = await exchange(port, get("/", { "grpc-timeout": "0m" }));
      expect(answer.status).toBe(504);
      expect(answer.field("proxy-status")).toContain("code=deadline_already_over");
    }),

  "names of one's own are understood, sent, and taken from strangers": (serve) => {
    const layers = {
      attemptHeader: "X-Request-Attempt",
      deadlineHeader: "X-Request-Timeout-Ms",
      sendDeadline: "always",
    } as const;
    const settings = { ...REPEATS, layers, timeouts: { responseMs: 800 } };
    return inWorld(serve, { scripts: [LOST, PLAIN], settings }, async ({ port, upstream }) => {
      const lies = { "x-request-attempt": "7", "x-request-timeout-ms": "0" };
      expect((await exchange(port, get("/", lies))).status).toBe(200);
      const [first, second] = upstream.requests();
      expect(first?.header("x-request-attempt")).toBeUndefined();
      expect(first?.header("x-request-timeout-ms")).toBe("800");
      expect(second?.header("x-request-attempt")).toBe("2");
      expect(second?.header(ATTEMPT)).toBeUndefined();
    });
  },

  "layers: false sends on what came, believes nothing of it and adds nothing": (serve) =>
    inWorld(
      serve,
      { scripts: [LOST, LOST], settings: { ...REPEATS, layers: false }, options: TRUSTED },
      async ({ port, upstream }) => {
        const answer = await exchange(port, get("/", { [ATTEMPT]: "2", [DEADLINE]: "1" }));
        expect(answer.status).toBe(502);
        expect(answer.field(NOT_AGAIN)).toBeUndefined();
        expect(upstream.requests().map((one) => one.header(ATTEMPT))).toEqual(["2", "2"]);
        expect(upstream.requests()[0]?.header(DEADLINE)).toBe("1");
      },
    ),

  "an answer after repeats that were in vain says not to repeat, the upstream's too": (serve) =>
    inWorld(serve, { scripts: [busy()], settings: REPEATS }, async ({ port }) => {
      const answer = await exchange(port, get("/", LAYER));
      expect(answer.status).toBe(503);
      expect(answer.field(NOT_AGAIN)).toBe("true");
    }),

  "a client that came through no layer reads of no rate limit": async (serve) => {
    const scripts = [busy()];
    for (const settings of [REPEATS, { ...REPEATS, retry: { attemptsMax: 1 } }]) {
      await inWorld(serve, { scripts, settings }, async ({ port }) => {
        for (const fields of [{}, { "x-request-id": "4f1c9d0a" }]) {
          const answer = await exchange(port, get("/", fields));
          expect(answer.status).toBe(503);
          expect(answer.field(NOT_AGAIN)).toBeUndefined();
        }
      });
    }
    await inWorld(serve, { scripts: null, settings: REPEATS }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer.status).toBe(502);
      expect(answer.field(NOT_AGAIN)).toBeUndefined();
    });
  },

  "an answer that a layer in front may well repeat says nothing": (serve) =>
    inWorld(serve, { scripts: [busy()] }, async ({ port }) => {
      // `retry: false`: repeating is left to others.
      expect((await exchange(port, get("/"))).field(NOT_AGAIN)).toBeUndefined();
    }),

  "a POST that may have been processed says so to the layer in front": (serve) =>
    inWorld(serve, { scripts: [LOST], settings: REPEATS }, async ({ port }) => {
      const answer = await exchange(
        port,
        request("POST", "/", { ...LAYER, "content-length": "1" }, "x"),
      );
      expect(answer.status).toBe(502);
      expect(answer.field(NOT_AGAIN)).toBe("true");
    }),

  "a POST that an upstream has refused unprocessed is sent again": (serve) =>
    inWorld(
      serve,
      {
        scripts: [
          accept()
            .readHead()
            .readBody()
            .send(respond(503, "", { "finagle-http-nack": "true", connection: "close" }))
            .close(),
          accept().readHead().readBody().send(ok("done")),
        ],
        settings: REPEATS,
      },
      async ({ port, upstream }) => {
        const answer = await exchange(
          port,
          request("POST", "/", { "content-length": "5" }, "order"),
        );
        expect(answer).toMatchObject({ status: 200, text: "done" });
        expect(upstream.requests().map(({ body }) => body?.toString())).toEqual(["order", "order"]);
      },
    ),

  "a POST is sent again where the application has promised not to have acted": (serve) =>
    inWorld(
      serve,
      {
        scripts: [
          accept()
            .readHead()
            .readBody()
            .send(respond(503, "", { connection: "close" }))
            .close(),
          accept().readHead().readBody().send(ok("done")),
        ],
        settings: { retry: { unprocessedStatuses: [503] } },
      },
      async ({ port, upstream }) => {
        const answer = await exchange(
          port,
          request("POST", "/", { "content-length": "5" }, "order"),
        );
        expect(answer).toMatchObject({ status: 200, text: "done" });
        expect(upstream.requests().map(({ body }) => body?.toString())).toEqual(["order", "order"]);
      },
    ),

  "an upstream that says not to repeat is asked once": (serve) =>
    inWorld(
      serve,
      { scripts: [busy({ [NOT_AGAIN]: "true" })], settings: REPEATS },
      async ({ port, upstream }) => {
        const answer = await exchange(port, get("/"));
        expect(answer.field("proxy-status")).toContain("attempts=1 stopped=repeat_forbidden");
        // What the upstream says goes on to the layer in front.
        expect(answer.field(NOT_AGAIN)).toBe("true");
        expect(upstream.requests()).toHaveLength(1);
      },
    ),

  "while draining the answer says that another instance may take it": (serve) =>
    inWorld(serve, { scripts: [] }, async ({ port, gateway }) => {
      await gateway.drain({ timeoutMs: 1 });
      const answer = await exchange(port, request("POST", "/"));
      expect(answer.status).toBe(503);
      expect(answer.field("finagle-http-nack")).toBe("true");
      expect(answer.field(NOT_AGAIN)).toBeUndefined();
    }),

  "what the gateway refuses because nobody can take it is not to be repeated": (serve) =>
    inWorld(serve, { scripts: [] }, async ({ port, gateway }) => {
      gateway.startMaintenance();
      const answer = await exchange(port, get("/", LAYER));
      expect(answer.status).toBe(503);
      expect(answer.field(NOT_AGAIN)).toBe("true");
    }),
};
