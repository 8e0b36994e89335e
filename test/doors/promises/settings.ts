/**
 * Settings of the gateway and of an upstream that a caller sees.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcp } from "node:net";
import { accept, ok, refusingPort, respond, testCertificates } from "good-gateway/testing";
import { expect } from "vitest";
import { eventually } from "../../gallery/tools/world.js";
import {
  at,
  type DoorPromise,
  either,
  ended,
  isFine,
  ofOwnConnections,
  ofProxies,
  ofRequests,
  WORKS,
  works,
} from "../promise.js";
import { movedClock } from "../tools/moved-clock.js";

const GONE = accept().readHead().readBody().close();

export const SETTINGS: readonly DoorPromise[] = [
  {
    name: "what is written for all upstreams holds for one that does not say otherwise",
    shows: ["gateway.defaults"],
    show: (door) =>
      at(door, { script: GONE, rest: { defaults: { retry: false } } }, async ({ ask }) => {
        expect((await ask()).failure?.attempts).toBe(1);
      }),
  },
  {
    name: "failures are answered with the statuses that a team is used to",
    shows: ["gateway.statusPolicy"],
    cannot: ofProxies,
    show: (door) => {
      const options = { retry: false as const, timeouts: { responseMs: 50 } };
      const script = accept().readHead().hang();
      return at(door, { script, options, rest: { statusPolicy: "nginx" } }, async ({ ask }) => {
        expect((await ask()).status).toBe(504);
      });
    },
  },
  {
    name: "addresses of upstreams that nobody has written are guarded by the gateway's own rule",
    shows: ["gateway.addresses"],
    cannot: ({ name }) => (name === "gatewayInterceptor, undici 7" ? null : "configured"),
    show: async (door) => {
      const port = await refusingPort();
      await at(
        door,
        {
          script: WORKS,
          targets: () => `http://127.0.0.1:${port}`,
          rest: { addresses: { forbid: ["loopback"] } },
          options: { retry: false },
        },
        async ({ ask }) => {
          expect((await ask()).failure?.code).toBe("connection_refused");
        },
      );
    },
  },
  {
    name: "the heads of a device that sends no carriage returns are taken where that is allowed",
    shows: ["upstream.allowBareLineFeeds"],
    cannot: either(ofRequests, ({ engine }) => (engine === "own" ? null : "parser")),
    show: async (door) => {
      const script = accept()
        .readHead()
        .readBody()
        .send("HTTP/1.1 200 OK\ncontent-length: 2\n\nok")
        .hang();
      const options = { retry: false as const };
      await at(door, { script, options }, async ({ ask }) => {
        expect((await ask()).failure?.code).toBe("http_protocol_error");
      });
      await at(
        door,
        { script, options: { ...options, allowBareLineFeeds: true } },
        async ({ ask }) => {
          expect((await ask()).body).toBe("ok");
        },
      );
    },
  },
  {
    name: "requests with the same key go to the same target",
    shows: ["balance.key"],
    cannot: ofRequests,
    show: (door) =>
      at(
        door,
        {
          script: accept()
            .readHead()
            .readBody()
            .send((seen) => respond(200, seen?.path.split("/")[1] ?? ""))
            .again(),
          targets: (played) => ["a", "b", "c", "d"].map((name) => `${played?.origin}/${name}`),
          options: { balance: { policy: "hash", key: { header: "x-user" } } },
        },
        async ({ ask }) => {
          const of = async (user: number) => (await ask({ fields: { "x-user": `u${user}` } })).body;
          const all: string[] = [];
          for (let user = 0; user < 12; user += 1) all.push(await of(user));
          expect(new Set(all).size).toBeGreaterThan(1);
          for (const [user, target] of all.entries()) expect(await of(user)).toBe(target);
        },
      ),
  },
  {
    name: "a client stays with its target by a cookie, which says what was asked for",
    shows: [
      ...["balance.sticky", "sticky.cookie", "sticky.secret", "sticky.secure", "sticky.httpOnly"],
      ...["sticky.sameSite", "sticky.path", "sticky.domain", "sticky.maxAgeMs"],
    ],
    cannot: either(ofProxies, ofRequests),
    show: (door) =>
      at(
        door,
        {
          script: accept()
            .readHead()
            .readBody()
            .send((seen) => respond(200, seen?.path.split("/")[1] ?? ""))
            .again(),
          targets: (played) => ["a", "b", "c"].map((name) => `${played?.origin}/${name}`),
          options: {
            balance: {
              sticky: {
                ...{ cookie: "at", secret: "s".repeat(32), secure: false, httpOnly: false },
                ...{ sameSite: "strict", path: "/x", domain: "edge.example", maxAgeMs: 60_000 },
              },
            },
          },
        },
        async ({ ask }) => {
          const first = await ask();
          const set = first.fields.find(([name]) => name.toLowerCase() === "set-cookie")?.[1] ?? "";
          expect(set).toMatch(/^at=[\w-]+; /);
          for (const part of ["Path=/x", "Domain=edge.example", "Max-Age=60", "SameSite=Strict"]) {
            expect(set).toContain(part);
          }
          expect(set).not.toMatch(/Secure|HttpOnly/);
          const fields = { cookie: set.split(";")[0] ?? "" };
          for (let time = 0; time < 5; time += 1)
            expect((await ask({ fields })).body).toBe(first.body);
        },
      ),
  },
  {
    name: "a target that fails its probes gets no call, and one that passes does",
    shows: ["probe.path", "probe.expect", "expect.status", "expect.body"],
    cannot: ofRequests,
    show: (door) => {
      const script = accept()
        .readHead()
        .readBody()
        .send((seen) => {
          const [, name, path] = seen?.path.split("/") ?? [];
          if (path === "health")
            return respond(name === "bad" ? 204 : 200, name === "odd" ? "no" : "up");
          return respond(200, name ?? "");
        })
        .again();
      const probe = {
        path: "/health",
        intervalMs: 20,
        fall: 1,
        rise: 1,
        expect: { status: 200, body: "up" },
      };
      return at(
        door,
        {
          script,
          targets: (played) => ["bad", "odd", "good"].map((name) => `${played?.origin}/${name}`),
          options: { probe, panic: false, balance: "round_robin" },
          sent: () => 0,
        },
        async ({ ask, gateway }) => {
          const states = () => gateway.upstream("app").targets.map(({ health }) => health);
          await eventually(
            "probes have judged",
            () => states().filter((one) => one !== "healthy").length === 2,
          );
          for (let time = 0; time < 4; time += 1)
            expect((await ask({ path: "/x" })).body).toBe("good");
        },
      );
    },
  },
  {
    name: "a probe sends its own method, host, fields and body, to its own port",
    shows: ["probe.port", "probe.method", "probe.host", "probe.headers", "probe.requestBody"],
    cannot: ofRequests,
    show: async (door) => {
      const asked: string[] = [];
      const health = createServer(async (req, res) => {
        let body = "";
        for await (const part of req) body += String(part);
        asked.push([req.method, req.url, req.headers.host, req.headers["x-key"], body].join(" "));
        res.writeHead(asked.length > 1 ? 200 : 503).end();
      }).listen(0, "127.0.0.1");
      await once(health, "listening");
      const { port } = health.address() as AddressInfo;
      const request = { method: "POST", host: "orders.test", headers: { "X-Key": "k" } };
      const probe = { path: "/up", port, ...request, requestBody: "all?", intervalMs: 20, rise: 1 };
      await at(door, { script: WORKS, options: { probe, panic: false } }, async (ground) => {
        const state = () => ground.gateway.upstream("app").targets[0]?.health;
        expect(state()).toBeDefined();
        await eventually("it is well by a second probe", () => asked.length > 1);
        await eventually("it takes calls", () => state() === "healthy");
        expect((await ground.ask()).status).toBe(200);
        expect(asked[0]).toBe("POST /up orders.test k all?");
        // None of the probes went to the port that calls go to.
        expect(ground.played?.requests().map(({ path }) => path)).not.toContain("/up");
      });
      health.closeAllConnections();
      health.close();
    },
  },
  {
    name: "an agent and a named check decide whether a target takes calls",
    shows: ["probe.agent", "probe.checks"],
    cannot: ofRequests,
    show: async (door) => {
      let word = "drain";
      const agent = createTcp((socket) => socket.end(`${word}\n`)).listen(0, "127.0.0.1");
      let status = 200;
      const health = createServer((_req, res) => res.writeHead(status).end());
      health.listen(0, "127.0.0.1");
      await Promise.all([once(agent, "listening"), once(health, "listening")]);
      const portOf = (server: typeof agent): number => (server.address() as AddressInfo).port;
      const checks = { database: { path: "/db", port: portOf(health) } };
      const asked = { agent: true, port: portOf(agent), checks, intervalMs: 20, rise: 1, fall: 1 };
      const options = { probe: { ...asked, initial: "down" }, panic: false } as const;
      await at(door, { script: WORKS, options }, async (ground) => {
        const [wrongs, target] = [new Set<string | null>(), () => ground.gateway.upstream("app")];
        ground.gateway.on("probe:end", ({ wrong }) => wrongs.add(wrong));
        const is = () => target().targets[0];
        await eventually("it drains", () => is()?.reason === "declared_draining");
        word = "50%";
        await eventually("it takes calls", () => is()?.health === "healthy");
        expect(is()?.share).toBe(0.5);
        expect((await ground.ask()).status).toBe(200);
        status = 500;
        await eventually("it is down", () => is()?.reason === "probe_failed");
        expect(wrongs).toContain('the agent said "drain"');
        expect(wrongs).toContain("database: status 500");
      });
      health.closeAllConnections();
      health.close();
      agent.close();
    },
  },
  {
    name: "a connection is a probe enough, where that is asked for",
    shows: ["probe.tcp"],
    show: async (door) => {
      const port = await refusingPort();
      await at(
        door,
        {
          script: works(door),
          targets: (played) => [String(played?.origin), `http://127.0.0.1:${port}`],
          options: {
            probe: { tcp: true, intervalMs: 20, fall: 1, rise: 1 },
            panic: false,
            retry: false,
          },
        },
        async ({ ask, gateway }) => {
          await eventually("the dead one is out", () =>
            gateway.upstream("app").targets.some(({ health }) => health !== "healthy"),
          );
          if (door.engine === "dispatcher" || door.kind !== "upgrade") {
            for (let time = 0; time < 3; time += 1) expect(isFine(await ask(), door)).toBe(true);
          }
        },
      );
    },
  },
  {
    name: "a prefix is taken off before a request is sent",
    shows: ["fastify.upstream", "fastify.prefix"],
    cannot: ({ name }) => (name === "fastifyProxy" ? null : "fastify"),
    show: (door) =>
      at(door, { script: WORKS, proxy: { prefix: "/api" } as object }, async (ground) => {
        expect((await ground.ask({ path: "/api/orders?x=1" })).status).toBe(200);
        expect(ground.played?.requests()[0]?.path).toBe("/orders?x=1");
        expect((await ground.ask({ path: "/other" })).status).toBe(404);
      }),
  },
  {
    name: "a target with a certificate of its own authority is spoken to over TLS",
    shows: ["target.tls"],
    cannot: ({ engine, kind }) =>
      engine === "foreign fetch" ? "address" : kind === "upgrade" ? null : null,
    show: (door) => {
      const { ca, valid } = testCertificates();
      return at(
        door,
        {
          script: works(door),
          serve: { tls: valid },
          targets: (played) => ({ url: `https://127.0.0.1:${played?.port}`, tls: { ca } }),
        },
        async ({ ask }) => {
          expect(isFine(await ask(), door)).toBe(true);
        },
      );
    },
  },
  {
    name: "a connection that is too old gets no further call",
    shows: ["limits.connectionAgeMsMax"],
    cannot: either(ofRequests, ofOwnConnections),
    show: (door) => {
      const clock = movedClock();
      const options = { limits: { connectionAgeMsMax: 60_000 } };
      return at(door, { script: WORKS, clock, options }, async (ground) => {
        const asked: number[] = [];
        for (const ms of [0, 50_000, 20_000]) {
          asked.push(ms);
          await clock.advance(ms);
          expect((await ground.ask()).body).toBe("fine");
          await ended(ground, asked.length);
        }
        const connections = ground.played?.requests().map(({ connection }) => connection);
        expect(connections).toEqual([1, 1, 2]);
      });
    },
  },
  {
    name: "an answer that takes longer than usual is waited for where others answer slowly, too",
    cannot: ofRequests,
    show: (door) =>
      at(
        door,
        { script: accept().readHead().readBody().wait(30).send(ok("fine")).again() },
        async ({ ask }) => {
          expect((await ask()).body).toBe("fine");
        },
      ),
  },
];
