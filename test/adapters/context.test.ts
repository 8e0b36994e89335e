/**
 * What a request says of itself reaches every call that is made while it is served: through every
 * server, in code of its own and after awaits.
 */
import { getEventListeners } from "node:events";
import type { IncomingMessage } from "node:http";
import express from "express";
import express4 from "express4";
import Fastify from "fastify";
import {
  type ContextInit,
  createGateway,
  currentContext,
  type Gateway,
  GatewayError,
  GatewayOptionsError,
  type RequestContext,
  type RequestContextOptions,
  runInContext,
} from "good-gateway";
import { expressContext, expressProxy } from "good-gateway/express";
import { fastifyContext } from "good-gateway/fastify";
import { gatewayFetch } from "good-gateway/fetch";
import { nodeContext } from "good-gateway/node";
import { accept, ok, type Script } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { afterwards, play, rejection, worldOf } from "./fetch-world.js";
import { exchange, get, rawClient, request } from "./raw-client.js";
import { listening, type RunningServer } from "./servers.js";

const DEADLINE = "x-envoy-expected-rq-timeout-ms";
const ATTEMPT = "x-envoy-attempt-count";
const ANSWERED: Script = accept().readHead().send(ok("done")).again();

/** A route that asks the upstream, and answers with what came of it. */
type Route = () => Promise<string>;
type ServeRoute = (
  gateway: Gateway<"orders">,
  route: Route,
  options: RequestContextOptions,
) => Promise<RunningServer>;

const SERVERS: Readonly<Record<string, ServeRoute>> = {
  "node:http": (gateway, route, options) =>
    listening(
      nodeContext(
        gateway,
        async (req, res) => {
          for await (const _ of req);
          res.end(await route());
        },
        options,
      ),
    ),
  "Express 5": (gateway, route, options) =>
    listening(
      express()
        .use(expressContext(gateway, options))
        .use(express.text())
        .all("/", async (_req, res) => void res.end(await route())),
    ),
  "Express 4": (gateway, route, options) =>
    listening(
      express4()
        .use(expressContext(gateway, options))
        .use(express4.text())
        .all("/", (_req, res) => void route().then((text) => res.end(text))),
    ),
  "Fastify 5": async (gateway, route, options) => {
    const app = Fastify({ forceCloseConnections: true });
    await app.register(fastifyContext, { gateway, ...options });
    app.all("/", () => route());
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = app.server.address() as { port: number };
    return { server: app.server, port, close: () => app.close() };
  },
};

const trusting = { trust: true } as const;

describe.each(Object.entries(SERVERS))("through %s", (_name, serve) => {
  const served = async (
    script: Script,
    route: (fetch: ReturnType<typeof gatewayFetch>) => Promise<string>,
    options: RequestContextOptions = trusting,
  ) => {
    const upstream = await play([script]);
    const world = worldOf(upstream.origin);
    const fetch = gatewayFetch(world.orders);
    const server = await serve(world.gateway, () => route(fetch), options);
    afterwards(() => server.close());
    return { ...world, upstream, port: server.port };
  };

  it("a trusted caller's deadline and attempt go on with a fetch of a route", async () => {
    const { port, upstream } = await served(ANSWERED, async (fetch) => (await fetch("/")).text());
    const answer = await exchange(port, get("/", { [DEADLINE]: "9000", [ATTEMPT]: "2" }));
    expect(answer.text).toBe("done");
    const received = upstream.requests()[0];
    expect(Number(received?.header(DEADLINE))).toBeGreaterThan(0);
    expect(Number(received?.header(DEADLINE))).toBeLessThanOrEqual(9_000);
    expect(received?.header(ATTEMPT)).toBe("2");
  });

  it("it is there behind a body that was parsed", async () => {
    const { port, upstream } = await served(ANSWERED, async (fetch) => (await fetch("/")).text());
    const fields = { [DEADLINE]: "9000", "content-type": "text/plain", "content-length": "5" };
    expect((await exchange(port, request("POST", "/", fields, "order"))).text).toBe("done");
    expect(upstream.requests()[0]?.header(DEADLINE)).toBeDefined();
  });

  it("a stranger's word is not believed", async () => {
    const route = async (fetch: ReturnType<typeof gatewayFetch>) => (await fetch("/")).text();
    const { port, upstream } = await served(ANSWERED, route, {});
    await exchange(port, get("/", { [DEADLINE]: "1", [ATTEMPT]: "9" }));
    expect(upstream.requests()[0]?.header(DEADLINE)).toBeUndefined();
    expect(upstream.requests()[0]?.header(ATTEMPT)).toBeUndefined();
  });

  it("a call for which no time is left is refused, and no upstream hears of it", async () => {
    const { port, upstream } = await served(accept().hang(), async (fetch) => {
      const error = await rejection(fetch("/"));
      return error instanceof GatewayError ? error.code : String(error);
    });
    const answer = await exchange(port, get("/", { "grpc-timeout": "0m" }));
    expect(answer.text).toBe("deadline_already_over");
    expect(upstream.requests()).toEqual([]);
  });

  it("a client that leaves ends the fetches of its request, those to come, too", async () => {
    const codes: string[] = [];
    let told: () => void = () => {};
    const over = new Promise<void>((resolve) => {
      told = resolve;
    });
    const { port, upstream } = await served(accept().readHead().hang(), async (fetch) => {
      for (const path of ["/first", "/second"]) {
        codes.push(((await rejection(fetch(path))) as GatewayError).code);
      }
      const { signal } = currentContext() as RequestContext;
      codes.push((signal.reason as GatewayError).code);
      told();
      return "";
    });
    const client = await rawClient(port);
    client.write(get("/"));
    while (upstream.requests().length === 0) await new Promise((turn) => setImmediate(turn));
    client.socket.destroy();
    await over;
    expect(codes).toEqual(Array(3).fill("client_closed_request"));
    expect(upstream.requests()).toHaveLength(1);
  });

  it("requests that are served at once do not see each other's", async () => {
    let waiting = 0;
    const { port } = await served(
      ANSWERED,
      async () => {
        waiting += 1;
        while (waiting < 3) await new Promise((turn) => setImmediate(turn));
        return String(currentContext()?.priority);
      },
      { priority: (req: IncomingMessage) => req.headers["x-priority"] as "SHEDDABLE" },
    );
    const names = ["SHEDDABLE", "CRITICAL_PLUS", "nonsense"];
    const answers = await Promise.all(
      names.map((name) => exchange(port, get("/", { "x-priority": name }))),
    );
    expect(answers.map(({ text }) => text)).toEqual(["SHEDDABLE", "CRITICAL_PLUS", "null"]);
  });
});

describe("a proxied call", () => {
  it("has no more time than the context around its proxy", async () => {
    const upstream = await play([accept().readHead().send(ok("done"))]);
    const { gateway, orders } = worldOf(upstream.origin);
    const app = express().use(expressContext(gateway, { timeoutMs: 9_000 }), expressProxy(orders));
    const server = await listening(app);
    afterwards(() => server.close());
    expect((await exchange(server.port, get("/"))).text).toBe("done");
    expect(Number(upstream.requests()[0]?.header(DEADLINE))).toBeLessThanOrEqual(9_000);
  });
});

describe("runInContext", () => {
  const made = () => createGateway({ upstreams: { orders: { targets: "http://127.0.0.1:9" } } });

  it("gives work without a request its time, its priority and its end", async () => {
    const upstream = await play([accept().readHead().hang()]);
    const { gateway, orders } = worldOf(upstream.origin);
    const controller = new AbortController();
    const init: ContextInit = {
      timeoutMs: 9_000,
      priority: "SHEDDABLE",
      signal: controller.signal,
    };
    const outcome = runInContext(gateway, init, async () => {
      expect(currentContext()?.priority).toBe("SHEDDABLE");
      return orders.send({ path: "/" });
    });
    while (upstream.requests().length === 0) await new Promise((turn) => setImmediate(turn));
    expect(upstream.requests()[0]?.header(DEADLINE)).toBeDefined();
    controller.abort();
    expect(await outcome).toMatchObject({ failure: { code: "client_closed_request" } });
  });

  it("gives its priority to every call within, unless that has one of its own", async () => {
    const upstream = await play([ANSWERED]);
    const { gateway, orders } = worldOf(upstream.origin);
    const ask = gatewayFetch(orders);
    const told: string[] = [];
    gateway.on("call:outcome", ({ call }) => told.push(call.priority));
    await runInContext(gateway, { priority: "SHEDDABLE" }, async () => {
      await (await ask("/")).text();
      await (await ask("/", { gateway: { priority: "CRITICAL_PLUS" } })).text();
      await orders.send({ path: "/" });
    });
    await (await ask("/")).text();
    expect(told).toEqual(["SHEDDABLE", "CRITICAL_PLUS", "SHEDDABLE", "CRITICAL"]);
  });

  it("inside another one has no more time than that, and its priority unless it says so", () => {
    const gateway = made();
    runInContext(gateway, { timeoutMs: 1_000, priority: "SHEDDABLE" }, () => {
      runInContext(gateway, { timeoutMs: 60_000 }, () => {
        expect(currentContext()?.remainingMs()).toBeLessThanOrEqual(1_000);
        expect(currentContext()?.priority).toBe("SHEDDABLE");
      });
      runInContext(gateway, { priority: "CRITICAL" }, () => {
        expect(currentContext()?.priority).toBe("CRITICAL");
      });
    });
  });

  it("with null leaves the context, for what goes on after the answer", () => {
    const gateway = made();
    runInContext(gateway, { timeoutMs: 1_000 }, () => {
      expect(currentContext()).not.toBeNull();
      expect(runInContext(gateway, null, () => currentContext())).toBeNull();
    });
    expect(currentContext()).toBeNull();
  });

  it("keeps no listener on a signal when its work is done, however it ends", async () => {
    const gateway = made();
    const { signal } = new AbortController();
    const listening = () => getEventListeners(signal, "abort").length;
    await runInContext(gateway, { signal }, async () => expect(listening()).toBe(1));
    await rejection(runInContext(gateway, { signal }, async () => Promise.reject(new Error())));
    const broken = (): never => {
      throw new Error("no");
    };
    expect(() => runInContext(gateway, { signal }, broken)).toThrow("no");
    expect(listening()).toBe(0);
  });

  it.each([
    [{ timeoutMS: 5 }, 'timeoutMS: unknown option; did you mean "timeoutMs"?'],
    [
      { timeoutMs: -1 },
      "timeoutMs: -1 is not a number of milliseconds above 0; leave it out for no limit",
    ],
    [
      { priority: "high" },
      'priority: "high" is not one of SHEDDABLE, SHEDDABLE_PLUS, CRITICAL, CRITICAL_PLUS',
    ],
    [{ signal: 1 }, "signal: 1 is not an AbortSignal"],
  ])("%j is told what is wrong", (init, problem) => {
    const run = () => runInContext(made(), init as ContextInit, () => {});
    expect(run).toThrow(GatewayOptionsError);
    expect(run).toThrow(problem);
  });

  it.each([
    [{ trust: "10.0.0.0/8" }, "trust:"],
    [{ priority: "CRITICAL" }, 'priority: "CRITICAL" is not a function of the request'],
    [{ attemptHeader: "a b" }, 'attemptHeader: "a b" is not the name of a field'],
    [{ deadline: "x" }, 'deadline: unknown option; did you mean "deadlineHeader"?'],
  ])("options %j are told what is wrong", (options, problem) => {
    expect(() => expressContext(made(), options as RequestContextOptions)).toThrow(problem);
  });
});
