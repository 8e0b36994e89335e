/**
 * http-proxy-middleware through a gateway: what it can do still works, and what it gets wrong is
 * right, with real sockets on both sides, in versions 3 and 4.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { createGateway } from "good-gateway";
import { type ThroughGatewayOptions, throughGateway } from "good-gateway/http-proxy-middleware";
import {
  accept,
  ok,
  refusingPort,
  respond,
  scriptedUpstream,
  testCertificates,
} from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { HPM_VERSIONS } from "./hpm-versions.js";
import { inHpmWorld, type Setup, type World } from "./hpm-world.js";
import { type Answer, exchange, get, rawClient, request } from "./raw-client.js";
import { gate } from "./world.js";

const INCOMPLETE = "http_response_incomplete";
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n";
const UPGRADE = request("GET", "/chat", { connection: "Upgrade", upgrade: "websocket" });

const ECHO = accept()
  .readHead()
  .readBody()
  .send((seen) => ok(`${seen?.method} ${seen?.path} ${seen?.body?.toString() ?? ""}`))
  .again();

describe.each(HPM_VERSIONS)("%s", (_name, hpm) => {
  const inWorld = (setup: Setup, run: (world: World) => Promise<void>) =>
    inHpmWorld(hpm, setup, run);

  describe("what it can do still works", () => {
    it("pathRewrite, as a table and as a function", async () => {
      const table = { "^/api/old": "/new" };
      await inWorld({ scripts: [ECHO], hpm: { pathRewrite: table } }, async ({ ask }) => {
        expect((await ask("/api/old/7?x=1")).text).toBe("GET /new/7?x=1 ");
      });
      const rewrite = async (path: string) => path.replace("/a", "/b");
      await inWorld({ scripts: [ECHO], hpm: { pathRewrite: rewrite } }, async ({ ask }) => {
        expect((await ask("/a/7")).text).toBe("GET /b/7 ");
      });
    });

    it("pathFilter: what it does not name goes to the next handler", async () => {
      await inWorld({ scripts: [ECHO], hpm: { pathFilter: "/api" } }, async ({ ask }) => {
        expect((await ask("/api/7")).text).toBe("GET /api/7 ");
        expect((await ask("/other")).status).toBe(404);
      });
    });

    it("a router: to an address, below its path, and to the handle of an upstream", async () => {
      const other = await scriptedUpstream([ECHO, ECHO]);
      const gatewayOfRouter: { app?: unknown } = {};
      const router = (req: IncomingMessage) => {
        if (req.url === "/elsewhere") return `${other.origin}/base`;
        return req.url === "/handle" ? gatewayOfRouter.app : undefined;
      };
      await inWorld({ scripts: [ECHO, ECHO], hpm: { router } }, async ({ ask, gateway }) => {
        gatewayOfRouter.app = gateway.upstream("app");
        const seen: string[] = [];
        gateway.on("call:end", ({ upstream }) => void seen.push(upstream));
        expect((await ask("/elsewhere")).text).toBe("GET /base/elsewhere ");
        expect((await ask("/handle")).text).toBe("GET /handle ");
        expect((await ask("/own")).text).toBe("GET /own ");
        expect(seen).toEqual([other.origin, "app", "app"]);
      });
      await other.close();
    });

    it("a router as a table of hosts", async () => {
      const other = await scriptedUpstream([ECHO]);
      const router = { "shop.example": other.origin };
      await inWorld({ hpm: { router } }, async ({ ask }) => {
        expect((await ask("/7")).text).toBe("GET /7 ");
      });
      await other.close();
    });

    it("cookies and redirects are rewritten", async () => {
      const script = accept()
        .readHead()
        .send((seen) =>
          respond(302, "", {
            location: `http://${seen?.header("host")}/there`,
            "set-cookie": "a=1; Domain=inside.example; Path=/in",
          }),
        );
      const hpmOptions = {
        changeOrigin: true,
        autoRewrite: true,
        cookieDomainRewrite: "shop.example",
        cookiePathRewrite: { "/in": "/out" },
      };
      await inWorld({ scripts: [script], hpm: hpmOptions }, async ({ ask }) => {
        const answer = await ask("/7", { host: "shop.example:81" });
        expect(answer.status).toBe(302);
        expect(answer.field("location")).toBe("http://shop.example:81/there");
        expect(answer.field("set-cookie")).toBe("a=1; Domain=shop.example; Path=/out");
      });
    });

    it("changeOrigin, headers, and handlers that change the request and the answer", async () => {
      const script = accept().readHead().send(ok("done"));
      const hpmOptions = {
        changeOrigin: true,
        headers: { "x-fixed": "1" },
        on: {
          proxyReq: (proxyReq: { setHeader(name: string, value: string): void }) =>
            proxyReq.setHeader("x-added", "2"),
          proxyRes: (proxyRes: IncomingMessage) => {
            proxyRes.headers["x-seen"] = "3";
          },
        },
      };
      await inWorld({ scripts: [script], hpm: hpmOptions }, async ({ ask, upstream }) => {
        expect((await ask("/7")).field("x-seen")).toBe("3");
        const [seen] = upstream.requests();
        expect(seen?.header("host")).toBe(new URL(upstream.origin).host);
        expect(seen?.header("x-fixed")).toBe("1");
        expect(seen?.header("x-added")).toBe("2");
      });
    });

    it("a parsed body is sent once, with fixRequestBody and without", async () => {
      const { fixRequestBody } = hpm;
      const spaced = '{"a": [1, 2]}';
      const compact = '{"a":[1,2]}';
      for (const [on, body, sent] of [
        [{ proxyReq: fixRequestBody }, spaced, `POST /7 ${compact}`],
        [{ proxyReq: fixRequestBody }, compact, `POST /7 ${compact}`],
        [{}, compact, `POST /7 ${compact}`],
        // What was parsed is not proved to be what was sent.
        [{}, spaced, "proxy_configuration_error"],
      ] as const) {
        const use: Setup["use"] = (app) => void app.use(express.json());
        await inWorld({ scripts: [ECHO], hpm: { on }, use }, async ({ port }) => {
          const length = String(body.length);
          const fields = { "content-type": "application/json", "content-length": length };
          const answer = await exchange(port, request("POST", "/7", fields, body));
          expect(answer.text).toContain(sent);
        });
      }
    });

    it("responseInterceptor changes an answer, and never a broken one", async () => {
      const { responseInterceptor } = hpm;
      const hpmOptions = {
        selfHandleResponse: true,
        on: { proxyRes: responseInterceptor(async (body) => `<${body.toString()}>`) },
      };
      const half = accept()
        .readHead()
        .send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        .close();
      const scripts = [accept().readHead().send(ok("whole")).close(), half];
      await inWorld({ scripts, hpm: hpmOptions }, async ({ ask }) => {
        expect((await ask("/1")).text).toBe("<whole>");
        const broken = await ask("/2");
        expect(broken.status).toBe(502);
        expect(broken.field("proxy-status")).toContain("error=http_response_incomplete");
        expect(broken.text).not.toContain("half");
      });
    });

    it("a large body streams up and down, whole", async () => {
      const body = "x".repeat(3_000_000);
      await inWorld({ scripts: [ECHO] }, async ({ port }) => {
        const fields = { "content-length": String(body.length) };
        const answer = await exchange(port, request("PUT", "/7", fields, body));
        expect(answer.text).toBe(`PUT /7 ${body}`);
        expect(answer.complete).toBe(true);
      });
    });

    it("WebSockets, by the server's own event", async () => {
      const script = accept()
        .readHead()
        .send(`${SWITCH}keep-alive: 5\r\n\r\nhello `)
        .readBytes(4)
        .send("pong")
        .close();
      const hpmOptions = {
        on: {
          proxyReqWs: (proxyReq: { setHeader(name: string, value: string): void }) =>
            proxyReq.setHeader("x-added", "2"),
        },
      };
      await inWorld({ scripts: [script], hpm: hpmOptions }, async (world) => {
        const record = world.nextRecord();
        const client = await rawClient(world.port);
        client.write(UPGRADE);
        await client.until("hello ");
        expect(client.received().toString()).not.toContain("keep-alive");
        client.write("ping");
        await client.until("pong");
        await client.over;
        expect(world.upstream.requests()[0]?.header("x-added")).toBe("2");
        expect(world.upstream.requests()[0]?.header("via")).toContain("edge");
        expect(await record).toMatchObject({ kind: "upgrade", status: 101, code: null });
        expect(world.gateway.upstream("app").targets[0]?.pending).toBe(0);
      });
    });

    it("WebSockets by ws: true, with pathRewrite and router", async () => {
      const room = accept().readHead().send(`${SWITCH}\r\nhello`).hang();
      const other = await scriptedUpstream([room]);
      const first = accept().readHead().send(ok("first")).close();
      const hpmOptions = {
        ws: true,
        pathRewrite: { "^/chat": "/rooms" },
        router: (req: IncomingMessage) => (req.url === "/chat" ? other.origin : undefined),
      };
      await inWorld({ scripts: [first], hpm: hpmOptions }, async (world) => {
        world.server.removeAllListeners("upgrade");
        expect((await world.ask("/")).text).toBe("first");
        expect(world.server.listenerCount("upgrade")).toBe(1);
        const client = await rawClient(world.port);
        client.write(UPGRADE);
        await client.until("hello");
        expect(other.requests().map(({ path }) => path)).toEqual(["/rooms"]);
        client.socket.destroy();
        await client.over;
      });
      await other.close();
    });

    it("over TLS, with the name of the certificate, and over a target's own socket", async () => {
      const certificates = await testCertificates();
      const upstream = await scriptedUpstream([ECHO], { tls: certificates.valid });
      const target = {
        url: upstream.origin.replace("127.0.0.1", "localhost"),
        tls: { ca: certificates.ca },
      };
      await inWorld({ targets: [target] }, async ({ ask }) => {
        expect((await ask("/7")).text).toBe("GET /7 ");
      });
      await upstream.close();
    });
  });

  describe("what it gets wrong is right", () => {
    it("a refused connection is 502 by its name, and no text of others", async () => {
      const targets = `http://127.0.0.1:${await refusingPort()}`;
      await inWorld({ targets }, async ({ ask, nextRecord }) => {
        const record = nextRecord();
        const answer = await ask("/7");
        expect(answer.status).toBe(502);
        expect(answer.field("proxy-status")).toContain("edge; error=connection_refused");
        expect(answer.field("x-request-id")).toBeDefined();
        expect(answer.text).not.toContain("Error occurred");
        expect(await record).toMatchObject({
          ...{ kind: "proxy", path: "/7", status: 502, code: "connection_refused" },
          answeredBy: "gateway",
        });
      });
    });

    it.each([
      ["nothing", accept().readHead().close(), 502, "connection_terminated"],
      ["a reset", accept().readHead().reset(), 502, "connection_terminated"],
      ["half a head", accept().readHead().send("HTTP/1.1 200 O").close(), 502, INCOMPLETE],
      [
        "no HTTP",
        accept().readHead().send("SSH-2.0-x\r\n\r\n").close(),
        502,
        "http_protocol_error",
      ],
      ["silence", accept().readHead().hang(), 504, "http_response_timeout"],
    ])("%s for an answer has its status and its name", async (_what, script, status, code) => {
      const settings = { timeouts: { responseMs: 300 } };
      await inWorld({ scripts: [script], settings }, async ({ ask }) => {
        const answer = await ask("/7");
        expect(answer.status).toBe(status);
        expect(answer.field("proxy-status")).toContain(
          `edge; error=${code}; details="code=${code} `,
        );
      });
    });

    it.each([
      ["HTTP/1.1", "transfer-encoding: gzip, chunked", "http_response_transfer_coding"],
      ["HTTP/1.1", "transfer-encoding: identity", "http_response_transfer_coding"],
      ["HTTP/1.0", "transfer-encoding: chunked", "response_framing_invalid"],
      ["HTTP/2.0", "content-length: 12", "http_protocol_error"],
    ])("an answer of %s with %s is refused, in our words", async (version, field, code) => {
      const script = accept()
        .readHead()
        .send(`${version} 200 Fine\r\n${field}\r\n\r\n2\r\nok\r\n0\r\n\r\n`)
        .close();
      await inWorld({ scripts: [script] }, async ({ port }) => {
        const client = await rawClient(port);
        client.write(get("/7", { connection: "close" }));
        await client.over;
        const text = client.received().toString();
        expect(text).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
        expect(text).toContain(`code=${code} `);
      });
    });

    it("an on.proxyRes that makes a 204 of the answer takes its body and its length", async () => {
      const on = {
        proxyRes(answer: IncomingMessage): void {
          answer.statusCode = 204;
        },
      };
      await inWorld(
        { scripts: [accept().readHead().send(ok("hello"))], hpm: { on } },
        async (w) => {
          const answer = await w.ask("/7");
          expect(answer).toMatchObject({ status: 204, text: "", complete: true });
          expect(answer.all("content-length")).toEqual([]);
        },
      );
    });

    it("a failure has its own reason where the body breaks before anything is sent", async () => {
      const head = "HTTP/1.1 200 Fine\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n";
      await inWorld({ scripts: [accept().readHead().send(head)] }, async ({ port }) => {
        const client = await rawClient(port);
        client.write(get("/7", { connection: "close" }));
        await client.over;
        expect(client.received().toString()).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
      });
    });

    it("a body that breaks is cut, whatever handlers do about it", async () => {
      const on = {
        error: (_error: Error, _req: IncomingMessage, res: { end(text: string): void }) =>
          res.end("text of a handler"),
      };
      const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n";
      for (const last of ["close", "reset"] as const) {
        const told = gate();
        const script = accept().readHead().send(head).waitFor(told.opened)[last]();
        await inWorld({ scripts: [script], hpm: { on } }, async ({ port, nextRecord }) => {
          const record = nextRecord();
          const client = await rawClient(port);
          client.write(get("/7"));
          await client.until("half");
          told.open();
          await client.over;
          const text = client.received().toString();
          expect(text).not.toContain("text of a handler");
          expect(text.endsWith("0\r\n\r\n")).toBe(false);
          expect(await record).toMatchObject({ status: 200, clientEnd: "cut" });
        });
      }
    });

    it("a body that stalls is cut by its name", async () => {
      const script = accept()
        .readHead()
        .send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        .hang();
      const settings = { timeouts: { idleMs: 300 } };
      await inWorld({ scripts: [script], settings }, async ({ ask, nextRecord }) => {
        const record = nextRecord();
        const answer = await ask("/7");
        expect([answer.status, answer.text, answer.complete]).toEqual([200, "half", false]);
        expect((await record).attempts[0]?.code).toBe("connection_read_timeout");
      });
    });

    it("fields of one hop stay on their hop, in both directions", async () => {
      const script = accept()
        .readHead()
        .send(
          ok("done", { connection: "x-up", "x-up": "1", "keep-alive": "timeout=9", "x-kept": "2" }),
        );
      await inWorld({ scripts: [script] }, async ({ ask, upstream }) => {
        const answer = await ask("/7", {
          ...{ connection: "close, x-down", "x-down": "1", te: "gzip", "x-kept": "1" },
          ...{ "proxy-authorization": "Basic eA==", "x-forwarded-for": "6.6.6.6" },
        });
        expect(answer.field("x-kept")).toBe("2");
        expect([answer.field("x-up"), answer.field("keep-alive")]).toEqual([undefined, undefined]);
        expect(answer.field("connection")).toBe("close");
        const [seen] = upstream.requests();
        for (const name of ["x-down", "te", "proxy-authorization"]) {
          expect([name, seen?.header(name)]).toEqual([name, undefined]);
        }
        expect(seen?.header("x-kept")).toBe("1");
        expect(seen?.header("host")).toBe("shop.example");
        expect(seen?.header("x-forwarded-for")).toBe("127.0.0.1");
        expect(seen?.header("via")).toMatch(/^1\.1 edge/);
      });
    });

    it("an upstream's own 503 is passed on and marked as received", async () => {
      const script = accept()
        .readHead()
        .send(respond(503, "busy", { "retry-after": "7" }));
      await inWorld({ scripts: [script] }, async ({ ask }) => {
        const answer = await ask("/7");
        expect([answer.status, answer.text, answer.field("retry-after")]).toEqual([
          503,
          "busy",
          "7",
        ]);
        expect(answer.field("proxy-status")).toContain("edge; received-status=503");
      });
    });

    it("a client that leaves ends the upstream's request", async () => {
      const reached = gate();
      const script = accept()
        .readHead()
        .waitFor(() => reached.open())
        .hang();
      await inWorld({ scripts: [script] }, async ({ port, gateway, nextRecord }) => {
        const record = nextRecord();
        const client = await rawClient(port);
        client.write(get("/7"));
        await reached.opened;
        client.socket.destroy();
        expect(await record).toMatchObject({ code: "client_closed_request", clientEnd: "aborted" });
        expect(gateway.upstream("app").targets[0]?.pending).toBe(0);
      });
    });

    it("a request is never sent twice, and describe() says so", async () => {
      const scripts = [accept().readHead().close()];
      const settings = { retry: { attemptsMax: 3 } };
      await inWorld({ scripts, settings }, async ({ ask, gateway, upstream }) => {
        expect((await ask("/7")).status).toBe(502);
        expect(upstream.requests().length).toBe(1);
        const retry = throughGateway(gateway.upstream("app"))
          .describe()
          .find(({ role }) => role === "retry");
        expect(retry?.settings["enabled"]).toBe(false);
        expect(retry?.settings["why"]).toContain("only once");
      });
    });

    it("a failed handshake has its answer: refused, silent, and the upstream's own", async () => {
      const refused = `http://127.0.0.1:${await refusingPort()}`;
      const shake = async (world: World): Promise<Answer> => exchange(world.port, UPGRADE);
      await inWorld({ targets: refused }, async (world) => {
        const answer = await shake(world);
        expect(answer.status).toBe(502);
        expect(answer.field("proxy-status")).toContain("edge; error=connection_refused");
      });
      const silent = { scripts: [accept().readHead().hang()] };
      const settings = { timeouts: { responseMs: 300 } };
      await inWorld({ ...silent, settings }, async (world) => {
        expect((await shake(world)).status).toBe(504);
      });
      const chunked = "transfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n";
      const own = accept().readHead().send(`HTTP/1.1 403 Forbidden\r\n${chunked}`);
      await inWorld({ scripts: [own] }, async (world) => {
        const answer = await shake(world);
        expect([answer.status, answer.text, answer.complete]).toEqual([403, "no", true]);
      });
      const wrong = accept().readHead().send(SWITCH.replace("websocket", "chat")).send("\r\n");
      await inWorld({ scripts: [wrong] }, async (world) => {
        const answer = await shake(world);
        expect(answer.status).toBe(502);
        expect(answer.field("proxy-status")).toContain("error=http_upgrade_failed");
      });
    });

    it("a reset of either side of a WebSocket ends the other", async () => {
      for (const side of ["client", "upstream"] as const) {
        const joined = accept().readHead().send(`${SWITCH}\r\nhello`);
        const told = gate();
        const script = side === "client" ? joined.hang() : joined.waitFor(told.opened).reset();
        await inWorld({ scripts: [script] }, async (world) => {
          const record = world.nextRecord();
          const client = await rawClient(world.port);
          client.write(UPGRADE);
          await client.until("hello");
          if (side === "client") client.socket.resetAndDestroy();
          else told.open();
          await client.over;
          await record;
          expect(world.gateway.upstream("app").targets[0]?.pending).toBe(0);
        });
      }
    });
  });

  describe("the policies hold", () => {
    it("an open breaker refuses without a word to the upstream", async () => {
      const targets = `http://127.0.0.1:${await refusingPort()}`;
      const settings = { breaker: { consecutiveFailures: 2, openMs: 60_000 } };
      await inWorld({ targets, settings }, async ({ ask, gateway }) => {
        let answer = await ask("/7");
        for (let turn = 0; turn < 20 && answer.status === 502; turn += 1) answer = await ask("/7");
        expect(answer.status).toBe(503);
        expect(answer.field("retry-after")).toBeDefined();
        expect(answer.field("proxy-status")).toContain("destination_unavailable");
        expect(gateway.upstream("app").targets[0]?.breaker).toBe("open");
      });
    });

    it("a full bulkhead, maintenance and a drain refuse by their names", async () => {
      const reached = gate();
      const go = gate();
      const script = accept()
        .readHead()
        .waitFor(() => reached.open())
        .waitFor(go.opened)
        .send(ok("done"));
      const settings = { bulkhead: { concurrencyMax: 1, queueMax: 0 } };
      await inWorld({ scripts: [script], settings }, async ({ ask, gateway }) => {
        const first = ask("/1");
        await reached.opened;
        const full = await ask("/2");
        expect([full.status, full.text.includes("bulkhead_full")]).toEqual([503, true]);
        gateway.startMaintenance();
        expect((await ask("/3")).text).toContain("maintenance");
        gateway.endMaintenance();
        const drained = gateway.drain();
        expect((await ask("/4")).text).toContain("draining");
        go.open();
        expect((await first).text).toBe("done");
        expect(await drained).toMatchObject({ cut: 0 });
      });
    });

    it("calls go to all targets, and around one that was taken out", async () => {
      const one = await scriptedUpstream([ECHO, ECHO, ECHO, ECHO]);
      const two = await scriptedUpstream([ECHO, ECHO, ECHO, ECHO]);
      const targets = [one.origin, two.origin];
      const settings = { balance: "round_robin" } as const;
      await inWorld({ targets, settings }, async ({ ask, gateway }) => {
        for (let turn = 0; turn < 4; turn += 1) await ask("/7");
        expect(one.requests().length).toBeGreaterThan(0);
        expect(two.requests().length).toBeGreaterThan(0);
        const before = one.requests().length;
        gateway.upstream("app").targets.drain(one.origin);
        for (let turn = 0; turn < 2; turn += 1) await ask("/7");
        expect(one.requests().length).toBe(before);
      });
      await Promise.all([one.close(), two.close()]);
    });
  });

  describe("handlers and options", () => {
    it("on.error is told of every failure, the gateway's own too, and may answer", async () => {
      const targets = `http://127.0.0.1:${await refusingPort()}`;
      const told: [unknown, unknown][] = [];
      const on = {
        error(
          error: Error & { code?: unknown; failure?: { code?: unknown } },
          _req: IncomingMessage,
          res: { statusCode: number; end(text: string): void },
        ) {
          told.push([error.code, error.failure?.code]);
          res.statusCode = 599;
          res.end("mine");
        },
      };
      await inWorld({ targets, hpm: { on } }, async ({ ask, gateway, nextRecord }) => {
        const record = nextRecord();
        const answer = await ask("/1");
        expect([answer.status, answer.text]).toEqual([599, "mine"]);
        expect(await record).toMatchObject({ answeredBy: "application", status: 599 });
        gateway.startMaintenance();
        expect((await ask("/2")).status).toBe(599);
        expect(told).toEqual([
          ["ECONNREFUSED", "connection_refused"],
          ["maintenance", "maintenance"],
        ]);
      });
    });

    it("plugins run, and a router that throws goes to the next error handler", async () => {
      const seen: string[] = [];
      const plugin = (server: { on(event: string, listener: () => void): void }) =>
        server.on("proxyRes", () => seen.push("proxyRes"));
      const router = (req: IncomingMessage) => {
        if (req.url === "/thrown") throw new Error("of the router");
      };
      await inWorld({ scripts: [ECHO], hpm: { plugins: [plugin], router } }, async (world) => {
        expect((await world.ask("/7")).status).toBe(200);
        expect(seen).toEqual(["proxyRes"]);
        expect((await world.ask("/thrown")).status).toBe(500);
        const upgrade = UPGRADE.replace("/chat", "/thrown");
        expect((await exchange(world.port, upgrade)).status).toBe(500);
      });
    });

    it("admit decides; a router that leads nowhere is a fault with a name", async () => {
      const options: ThroughGatewayOptions = {
        admit: (req) => (req.url === "/no" ? { refuse: "request_denied" } : undefined),
      };
      await inWorld({ hpm: { router: () => 7 }, options }, async ({ ask }) => {
        expect((await ask("/no")).status).toBe(403);
        const lost = await ask("/7");
        expect([lost.status, lost.text.includes("proxy_configuration_error")]).toEqual([500, true]);
      });
    });
  });
});

describe("options that contradict the gateway", () => {
  const upstream = createGateway({
    upstreams: { app: { targets: "http://127.0.0.1:9" } },
  }).upstream("app");

  it.each([
    ["target", "http://127.0.0.1:9", "targets"],
    ["forward", "http://127.0.0.1:9", "does not see it"],
    ["followRedirects", true, "let the client follow"],
    ["proxyTimeout", 5_000, "responseMs"],
    ["timeout", 5_000, "idleMs"],
  ])("%s is refused, with what to write instead", (name, value, hint) => {
    expect(() => throughGateway(upstream, { [name]: value })).toThrow(hint);
  });

  it("an agent beside a target with a socket of its own, and a typo, are refused", () => {
    const unix = createGateway({ upstreams: { app: { targets: "unix:/run/app.sock" } } });
    const agent = { keepAlive: true };
    expect(() => throughGateway(unix.upstream("app"), { agent })).toThrow("unix:/run/app.sock");
    const typo = { onFailures: () => {} } as ThroughGatewayOptions;
    expect(() => throughGateway(upstream, {}, typo)).toThrow('did you mean "onFailure"?');
  });
});

it("stands in a server without a framework, and answers where there is no next", async () => {
  const [, hpm] = HPM_VERSIONS[0] as (typeof HPM_VERSIONS)[number];
  const gateway = createGateway({
    upstreams: { app: { targets: `http://127.0.0.1:${await refusingPort()}` } },
  });
  const options = throughGateway(gateway.upstream("app"), {});
  const proxy = hpm.createProxyMiddleware(options);
  const server = createServer((req, res) => void proxy(req, res)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const answer = await exchange((server.address() as AddressInfo).port, get("/7"));
  expect(answer.status).toBe(502);
  server.close();
  gateway.close();
});
