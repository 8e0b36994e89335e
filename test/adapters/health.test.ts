/**
 * Probes of the application: one table for all servers, since a balancer does not care what it
 * probes. The checks themselves are in test/unit/lifecycle/health/health.test.ts.
 */
import { request as httpRequest } from "node:http";
import express5 from "express";
import express4 from "express4";
import Fastify, { type FastifyInstance } from "fastify";
import {
  createGateway,
  type Gateway,
  type HealthHandlerOptions,
  healthHandler,
  startAdmin,
} from "good-gateway";
import { fastifyHealth } from "good-gateway/fastify";
import { describe, expect, it } from "vitest";
import { type Answer, answerOf, exchange, get, rawClient, request } from "./raw-client.js";
import { listening, type RunningServer } from "./servers.js";

type HealthServer = (gateway: Gateway, options?: HealthHandlerOptions) => Promise<RunningServer>;

/** Each with a route of the application behind or beside the probes. */
const SERVERS: Readonly<Record<string, HealthServer>> = {
  "node:http": (gateway, options) => {
    const health = healthHandler(gateway, options);
    return listening((req, res) => health(req, res, () => res.end("the application")));
  },
  "Express 5": (gateway, options) => listening(expressApp(express5, gateway, options)),
  "Express 4": (gateway, options) => listening(expressApp(express4, gateway, options)),
  "Fastify 5": (gateway, options) =>
    inFastify((app) => void app.register(fastifyHealth, { gateway, ...options })),
};

function expressApp(
  express: typeof express5,
  gateway: Gateway,
  options: HealthHandlerOptions | undefined,
) {
  return express()
    .use(healthHandler(gateway, options))
    .use((_req, res) => void res.end("the application"));
}

async function inFastify(register: (app: FastifyInstance) => void): Promise<RunningServer> {
  const app = Fastify({ forceCloseConnections: true });
  register(app);
  app.get("/orders", async () => "the application");
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as { port: number };
  return { server: app.server, port, close: () => app.close() };
}

async function inWorld(
  serve: HealthServer,
  options: HealthHandlerOptions,
  run: (port: number, gateway: Gateway) => Promise<void>,
): Promise<void> {
  const gateway = createGateway({
    name: "edge",
    upstreams: { "secret-orders": { targets: "http://10.1.2.3:8080", required: true } },
  });
  const server = await serve(gateway, options);
  try {
    await run(server.port, gateway);
  } finally {
    gateway.close();
    await server.close();
  }
}

const ask = (port: number, target: string, method = "GET"): Promise<Answer> =>
  exchange(port, request(method, target));
const json = ({ text }: Answer): unknown => JSON.parse(text);

describe.each(Object.entries(SERVERS))("probes of %s", (_name, serve) => {
  it("are answered with 200 and what no cache keeps and nobody compresses", async () => {
    await inWorld(serve, {}, async (port) => {
      for (const path of ["/livez", "/readyz", "/healthz", "/readyz?a=b"]) {
        const answer = await ask(port, path);
        expect(answer.status, path).toBe(200);
        expect(answer.field("content-type")).toBe("application/health+json");
        expect(answer.field("cache-control")).toBe("no-store, no-transform");
        expect(answer.field("content-length")).toBe(String(answer.body.byteLength));
        expect(answer.field("etag")).toBeUndefined();
        expect(json(answer)).toEqual({ status: "pass" });
      }
    });
  });

  it("leave all other paths to the application", async () => {
    await inWorld(serve, {}, async (port) => {
      expect((await ask(port, "/orders")).text).toBe("the application");
    });
  });

  it("are told in one word why it is not ready, and that it lives", async () => {
    await inWorld(serve, {}, async (port, gateway) => {
      const ready = gateway.health.hold("the secret migration");
      const answer = await ask(port, "/readyz");
      expect([answer.status, json(answer)]).toEqual([503, { status: "fail", output: "starting" }]);
      expect((await ask(port, "/livez")).status).toBe(200);
      expect((await ask(port, "/healthz")).status).toBe(503);
      ready();
      expect((await ask(port, "/readyz")).status).toBe(200);
      await gateway.drain();
      const drained = await ask(port, "/readyz");
      expect([drained.status, json(drained)]).toEqual([
        503,
        { status: "fail", output: "stopping" },
      ]);
      expect((await ask(port, "/livez")).status).toBe(200);
      gateway.health.fatal("the secret worker died");
      const dead = await ask(port, "/livez");
      expect([dead.status, json(dead)]).toEqual([
        503,
        { status: "fail", output: "cannot recover" },
      ]);
    });
  });

  it("get the same head without a body for HEAD, and 405 for what changes things", async () => {
    await inWorld(serve, {}, async (port) => {
      const [whole, head] = [await ask(port, "/readyz"), await ask(port, "/readyz", "HEAD")];
      expect([head.status, head.text]).toEqual([200, ""]);
      expect(head.field("content-length")).toBe(whole.field("content-length"));
      for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
        const answer = await ask(port, "/readyz", method);
        expect([answer.status, answer.field("allow")], method).toEqual([405, "GET, HEAD"]);
        expect(answer.field("content-length")).toBe("0");
      }
    });
  });

  it("refuse a body of any type, and the connection goes on", async () => {
    await inWorld(serve, {}, async (port) => {
      const client = await rawClient(port);
      const fields = {
        connection: "keep-alive",
        "content-type": "text/odd",
        "content-length": "4",
      };
      client.write(request("POST", "/livez", fields, "body"));
      await client.until("\r\n\r\n");
      client.write(get("/livez"));
      await client.over;
      const second = client.received().indexOf("HTTP/1.1 200");
      expect(answerOf(client.received()).status).toBe(405);
      expect(second).toBeGreaterThan(0);
    });
  });

  it("wait for critical checks only, and for none to learn that it lives", async () => {
    await inWorld(serve, {}, async (port, gateway) => {
      const asked: string[] = [];
      const check = (name: string) => () => void asked.push(name);
      gateway.health.addCheck("database", check("database"), { critical: true, cacheMs: 0 });
      gateway.health.addCheck("mail", check("mail"), { cacheMs: 0 });
      await ask(port, "/livez");
      expect(asked.splice(0)).toEqual([]);
      await ask(port, "/readyz");
      expect(asked.splice(0)).toEqual(["database"]);
      await ask(port, "/healthz");
      expect(asked.splice(0)).toEqual(["database", "mail"]);
    });
  });

  it("are answered although a check hangs and another one throws", async () => {
    await inWorld(serve, {}, async (port, gateway) => {
      const never = (): Promise<never> => new Promise(() => {});
      gateway.health.addCheck("hangs", never, { timeoutMs: 20 });
      gateway.health.addCheck("throws", () => {
        throw new Error("at 10.9.8.7");
      });
      const answer = await ask(port, "/healthz");
      expect([answer.status, json(answer)]).toEqual([200, { status: "warn" }]);
    });
  });

  it("show nothing of the inside, unless the options allow it", async () => {
    const secrets = /secret|10\.|database|edge/;
    const lookAt = (verbose: HealthHandlerOptions["verbose"], path: string) => {
      let text = "";
      const options = verbose === undefined ? {} : { verbose, hosts: ["shop.example"] };
      return inWorld(serve, options, async (port, gateway) => {
        gateway.health.hold("the secret migration");
        gateway.health.addCheck("database", () => Promise.reject(new Error("at 10.9.8.7")));
        text = (await ask(port, path)).text;
      }).then(() => text);
    };
    for (const path of ["/livez", "/readyz", "/healthz"]) {
      expect(await lookAt(undefined, `${path}?verbose`)).not.toMatch(secrets);
      expect(await lookAt("always", path)).not.toMatch(secrets);
      expect(await lookAt("always", `${path}?verbose=0`)).not.toMatch(secrets);
      expect(await lookAt(() => false, `${path}?verbose`)).not.toMatch(secrets);
    }
    expect(JSON.parse(await lookAt("always", "/healthz?verbose"))).toEqual({
      status: "fail",
      output: "starting",
      serviceId: "edge",
      checks: {
        "gateway:process": [running("pass")],
        "gateway:lifecycle": [running("pass")],
        "gateway:start": [
          { componentType: "system", status: "fail", output: "the secret migration" },
        ],
        "gateway:upstreams": [
          {
            componentId: "secret-orders",
            componentType: "component",
            observedValue: "healthy",
            status: "pass",
            time: expect.stringMatching(RFC_3339),
          },
        ],
        database: [
          { status: "fail", output: "at 10.9.8.7", time: expect.stringMatching(RFC_3339) },
        ],
      },
    });
  });

  it("are at the paths that were asked for, and at no others", async () => {
    const options = { livePath: "/alive", readyPath: "/ready/now", healthPath: false } as const;
    await inWorld(serve, options, async (port) => {
      expect((await ask(port, "/alive")).status).toBe(200);
      expect((await ask(port, "/ready/now")).status).toBe(200);
      const { text } = await ask(port, "/healthz");
      expect(text).not.toContain("pass");
    });
  });
});

const RFC_3339 = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

function running(status: string) {
  const time = expect.stringMatching(RFC_3339);
  return { componentType: "system", observedValue: "running", status, time };
}

describe("verbose", () => {
  const node = SERVERS["node:http"] as HealthServer;

  it("local: shows details to this host at the admin port, and not through a proxy", async () => {
    await inWorld(node, { verbose: "local" }, async (port) => {
      expect((await ask(port, "/readyz?verbose")).text).not.toContain("serviceId");
    });
    const gateway = createGateway({ name: "edge" });
    const { port } = await startAdmin(gateway, { port: 0 });
    const host = "localhost";
    const look = (fields: Record<string, string>) =>
      exchange(port, get("/readyz?verbose", { host, ...fields }));
    expect((await look({})).text).toContain("serviceId");
    for (const field of ["x-forwarded-for", "forwarded", "via", "x-real-ip"]) {
      const answer = await look({ [field]: "1.1 proxy" });
      expect(answer.text, field).not.toContain("serviceId");
      expect(json(answer)).toHaveProperty("notes");
    }
    expect((await look({ host: "evil.example" })).text).not.toContain("serviceId");
    gateway.close();
  });

  it("is given under no name that somebody else can own", async () => {
    for (const verbose of ["always", () => true] as const) {
      await inWorld(node, { verbose, hosts: ["shop.example"] }, async (port) => {
        const look = async (host: string) =>
          (await exchange(port, get("/readyz?verbose", { host }))).text.includes("serviceId");
        expect(await look("10.0.0.5:9090")).toBe(true);
        expect(await look("shop.example:9090")).toBe(true);
        expect(await look("evil.example")).toBe(false);
        const plain = await exchange(port, get("/readyz", { host: "evil.example" }));
        expect(plain.status).toBe(200);
      });
    }
  });

  it("a function decides, and one that throws or forgets to wait says no", async () => {
    const rule = (req: { headers: Record<string, unknown> }): boolean => {
      if (req.headers["x-odd"] !== undefined) throw new Error("odd");
      return req.headers["x-operator"] === "yes";
    };
    await inWorld(node, { verbose: rule, hosts: "any" }, async (port) => {
      const look = async (fields: Record<string, string>) =>
        (await exchange(port, get("/readyz?verbose", fields))).text.includes("serviceId");
      expect(await look({ "x-operator": "yes" })).toBe(true);
      expect(await look({})).toBe(false);
      expect(await look({ "x-odd": "1" })).toBe(false);
    });
    const late = (async () => false) as unknown as () => boolean;
    await inWorld(node, { verbose: late }, async (port) => {
      expect((await ask(port, "/readyz?verbose")).text).not.toContain("serviceId");
    });
  });
});

describe("a handler for probes", () => {
  it("below a mount of Express, and below a prefix of Fastify, is found there", async () => {
    const gateway = createGateway({ name: "edge" });
    for (const express of [express5, express4]) {
      const server = await listening(express().use("/ops", healthHandler(gateway)));
      expect((await ask(server.port, "/ops/livez")).status).toBe(200);
      expect((await ask(server.port, "/livez")).status).toBe(404);
      await server.close();
    }
    const server = await inFastify(
      (app) => void app.register(fastifyHealth, { gateway, prefix: "/ops" }),
    );
    expect((await ask(server.port, "/ops/livez")).status).toBe(200);
    expect((await ask(server.port, "/livez")).status).toBe(404);
    await server.close();
  });

  it("answers 404 where nothing follows, and understands the absolute form", async () => {
    const server = await listening(healthHandler(createGateway({ name: "edge" })));
    expect((await ask(server.port, "/other")).status).toBe(404);
    expect((await ask(server.port, "http://shop.example/livez?verbose")).status).toBe(200);
    await server.close();
  });

  it("keeps what hooks of Fastify have set, and hides it from its compression", async () => {
    const gateway = createGateway({ name: "edge" });
    const server = await inFastify((app) => {
      app.addHook("onRequest", async (_request, reply) => void reply.header("x-hook", "ran"));
      app.addHook("onSend", async () => "compressed");
      app.register(fastifyHealth, { gateway });
    });
    const answer = await ask(server.port, "/livez");
    expect(answer.field("x-hook")).toBe("ran");
    expect(json(answer)).toEqual({ status: "pass" });
    await server.close();
  });

  it.each([
    ["nothing", undefined, 503],
    ["nginx", "nginx", 503],
    // http-check disable-on-404: no new sessions, and those that stick to it go on.
    ["HAProxy", "haproxy", 404],
  ] as const)(
    "behind %s says as that wants it that it is about to stop",
    async (_, behind, status) => {
      const gateway = createGateway({ ...(behind && { behind }) });
      const health = healthHandler(gateway);
      const server = await listening((req, res) => health(req, res));
      try {
        await gateway.drain();
        expect((await ask(server.port, "/readyz")).status).toBe(status);
        expect((await ask(server.port, "/livez")).status).toBe(200);
      } finally {
        await server.close();
        gateway.close();
      }
    },
  );

  it("writes nothing to a client that left while a check ran", async () => {
    const gateway = createGateway({ name: "edge" });
    let finish = (): void => {};
    let begun = (): void => {};
    const started = new Promise<void>((resolve) => {
      begun = resolve;
    });
    gateway.health.addCheck("slow", () => {
      begun();
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    const server = await listening(healthHandler(gateway));
    const req = httpRequest({ port: server.port, path: "/healthz" }).on("error", () => {});
    req.end();
    await started;
    req.destroy();
    finish();
    expect((await ask(server.port, "/livez")).status).toBe(200);
    await server.close();
  });

  it.each([
    [
      { livePath: "livez" },
      'livePath: "livez" is neither a path such as "/livez" nor false; did you mean "/livez"?',
    ],
    [{ readyPath: "/a?b" }, 'readyPath: "/a?b" is neither a path such as "/readyz" nor false'],
    [{ healthPath: true }, 'healthPath: true is neither a path such as "/healthz" nor false'],
    [{ livePath: "/x", readyPath: "/x" }, 'readyPath: "/x" is the path of another answer already'],
    [{ verbose: true }, 'verbose: true is not "never", "local", "always" or a function'],
    [{ path: "/x" }, "path: unknown option; there are livePath, readyPath, healthPath, verbose"],
    [{ livepath: "/x" }, 'livepath: unknown option; did you mean "livePath"?'],
  ])("refuses options that cannot be meant: %j", (options, problem) => {
    const gateway = createGateway({ name: "edge" });
    expect(() => healthHandler(gateway, options as HealthHandlerOptions)).toThrow(problem);
  });

  it("is made for a gateway and for nothing else", () => {
    expect(() => healthHandler({} as Gateway)).toThrow("expected what createGateway() returns");
  });
});
