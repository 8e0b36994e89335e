/**
 * What an upstream, a client or a hook does wrong behind http-proxy-middleware harms its own
 * request and no other, in versions 3 and 4. After each the next request is served; a throw that
 * nothing catches fails the run.
 */
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import express from "express";
import { createGateway } from "good-gateway";
import { throughGateway } from "good-gateway/http-proxy-middleware";
import { accept, ok, type Script, scriptedUpstream } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { HPM_VERSIONS } from "./hpm-versions.js";
import { inHpmWorld, type Setup, type World } from "./hpm-world.js";
import { type Answer, exchange, get, rawClient, request } from "./raw-client.js";
import { gate } from "./world.js";

const ECHO = accept()
  .readHead()
  .readBody()
  .send((seen) => ok(`${seen?.method} ${seen?.path} ${seen?.body?.toString() ?? ""}`))
  .again();
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n";
const UPGRADE = request("GET", "/chat", { connection: "Upgrade", upgrade: "websocket" });

const answering = (text: string): Script => accept().readHead().send(text).close();
const codeOf = (answer: Answer): string =>
  `${answer.status} ${/"code=(\w+)/.exec(answer.field("proxy-status") ?? "")?.[1] ?? ""}`.trim();
const throwing = (): never => {
  throw new TypeError("of the hook");
};
const rejecting = async (): Promise<never> => throwing();

describe.each(HPM_VERSIONS)("%s", (_name, hpm) => {
  const { createProxyMiddleware, responseInterceptor } = hpm;
  const inWorld = (setup: Setup, run: (world: World) => Promise<void>) =>
    inHpmWorld(hpm, { ...setup, settings: { breaker: false, ...setup.settings } }, run);
  const intercepted = {
    selfHandleResponse: true,
    on: { proxyRes: responseInterceptor(async (body) => `<${body}>`) },
  };

  describe("what an upstream answers", () => {
    const BODY = "content-length: 2\r\n\r\nok";
    const MOVED = "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: ";
    it.each<readonly [string, string, object, RegExp]>([
      ["the status 099", `HTTP/1.1 099 X\r\n${BODY}`, {}, /^502 response_status_invalid$/],
      ["the status 000", `HTTP/1.1 000 X\r\n${BODY}`, {}, /^502 /],
      ["the status 600", `HTTP/1.1 600 X\r\n${BODY}`, {}, /^502 response_status_invalid$/],
      ["the status 999", `HTTP/1.1 999 X\r\n${BODY}`, {}, /^502 response_status_invalid$/],
      ["a switch unasked", `${SWITCH}\r\n`, {}, /^502 http_upgrade_failed$/],
      ["a switch to nothing", "HTTP/1.1 101 X\r\n\r\n", {}, /^502 /],
      ["DEL in the reason", `HTTP/1.1 200 \x7f\r\n${BODY}`, {}, /^502 http_protocol_error$/],
      ["DEL in a field", `HTTP/1.1 200 OK\r\nx: \x7f\r\n${BODY}`, {}, /^502 http_protocol_error$/],
      ["Trailer with a length", `HTTP/1.1 200 OK\r\ntrailer: x\r\n${BODY}`, {}, /^200$/],
      ["Trailer without a body", "HTTP/1.1 204 OK\r\ntrailer: x\r\n\r\n", {}, /^204$/],
      ["interim answers without end", "HTTP/1.1 103 Hints\r\n\r\n".repeat(40), {}, /^502 /],
      ["a Location, autoRewrite", `${MOVED}http://[bad\r\n\r\n`, { autoRewrite: true }, /^[35]02/],
      ["a Location, hostRewrite", `${MOVED}//[\r\n\r\n`, { hostRewrite: "a.example" }, /^[35]02/],
      [
        "a Location, protocolRewrite",
        `${MOVED}http://a:b:c@[\r\n\r\n`,
        { protocolRewrite: "https" },
        /^[35]02/,
      ],
      [
        "cookies, rewritten",
        `HTTP/1.1 200 OK\r\nset-cookie: \r\nset-cookie: ;;Domain=;Path\r\n${BODY}`,
        { cookieDomainRewrite: { "*": "" }, cookiePathRewrite: "/x" },
        /^200$/,
      ],
    ])("%s", async (_what, text, own, expected) => {
      for (const more of [own, { ...own, ...intercepted }]) {
        const scripts = [answering(text), ECHO];
        await inWorld({ scripts, hpm: more }, async ({ ask, upstream }) => {
          expect(codeOf(await ask("/1"))).toMatch(expected);
          expect((await ask("/2")).text).toContain("GET /2");
          expect(upstream.requests().length).toBe(2);
        });
      }
    });

    it("hints go to the client before the answer", async () => {
      const hints = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n";
      const script = accept()
        .readHead()
        .send(hints + ok("done"))
        .close();
      await inWorld({ scripts: [script] }, async ({ port }) => {
        const client = await rawClient(port);
        client.write(get("/1"));
        await client.over;
        const text = client.received().toString();
        expect(text).toContain("HTTP/1.1 103");
        expect(text).toContain("link: </a.css>");
        expect(text.endsWith("done")).toBe(true);
      });
    });

    it("a coding that cannot be undone is a failure, with no text of the interceptor", async () => {
      const text = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nrubb";
      await inWorld({ scripts: [answering(text)], hpm: intercepted }, async ({ ask }) => {
        const answer = await ask("/1");
        expect(answer.status).toBeGreaterThanOrEqual(500);
        expect(answer.text).not.toContain("Error fetching");
      });
    });

    it("an answer to a half-sent upload arrives, and opens no breaker", async () => {
      const refusing = accept()
        .readHead()
        .send("HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno");
      const scripts = Array.from({ length: 8 }, () => refusing.reset());
      const settings = { breaker: { consecutiveFailures: 2 } };
      await inWorld({ scripts, settings }, async ({ port, gateway }) => {
        const body = "x".repeat(3_000_000);
        const upload = request("POST", "/1", { "content-length": String(body.length) }, body);
        const statuses: number[] = [];
        for (const _ of scripts) statuses.push((await exchange(port, upload)).status);
        expect(statuses).toContain(413);
        expect(gateway.upstream("app").targets[0]?.breaker).toBe("closed");
      });
    });
  });

  describe("hooks that throw", () => {
    const self = { selfHandleResponse: true };
    const cases: readonly (readonly [string, object, number])[] = [
      ["on.start", { on: { start: throwing } }, 0],
      ["on.proxyReq", { on: { proxyReq: throwing } }, 0],
      ["on.proxyRes", { on: { proxyRes: throwing } }, 1],
      ["on.proxyRes, rejecting", { on: { proxyRes: rejecting }, ...self }, 1],
      ["on.proxyRes, later", { on: { proxyRes: late("data") }, ...self }, 1],
      ["on.proxyRes, at the end", { on: { proxyRes: late("end") }, ...self }, 1],
      ["an interceptor", { on: { proxyRes: responseInterceptor(throwing) }, ...self }, 1],
      [
        "an interceptor, rejecting",
        { on: { proxyRes: responseInterceptor(rejecting) }, ...self },
        1,
      ],
      ["a status that is none", { on: { proxyRes: withStatus } }, 1],
      ["a listener of a plugin", { plugins: [pluginFor("proxyReq")] }, 0],
      ["another one", { plugins: [pluginFor("proxyRes")] }, 1],
      ["router", { router: throwing }, 0],
      ["router, rejecting", { router: rejecting }, 0],
      ["router to no address", { router: () => "no address" }, 0],
      ["pathFilter", { pathFilter: throwing }, 0],
      ["pathFilter, rejecting", { pathFilter: rejecting }, 0],
      ["pathRewrite", { pathRewrite: throwing }, 0],
      ["pathRewrite, rejecting", { pathRewrite: rejecting }, 0],
      ["pathRewrite, a table", { pathRewrite: { "^/": throwing } }, 0],
      ["pathRewrite to no path", { pathRewrite: () => "ftp://x y" }, 0],
    ];

    it.each(cases)("%s: our own fault, by its name", async (_what, own, sends) => {
      const upstream = await scriptedUpstream([accept().readHead().send(ok("hi")).again()], {
        loop: true,
      });
      const gateway = createGateway({ upstreams: { app: { targets: upstream.origin } } });
      const proxy = createProxyMiddleware(throughGateway(gateway.upstream("app"), own));
      // Without a framework there is no `next` that could answer.
      const server = createServer((req, res) => void proxy(req, res)).listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      for (let turn = 1; turn <= 2; turn += 1) {
        const answer = await exchange(port, get(`/${turn}`));
        expect(codeOf(answer)).toMatch(/^50[02] (?:proxy_|http_protocol)\w+$/);
        expect(answer.text).not.toContain("of the hook");
      }
      expect(upstream.requests().length).toBe(2 * sends);
      server.close();
      gateway.close();
      await upstream.close();
    });

    it("on.error that throws or rejects leaves the answer as it is", async () => {
      for (const error of [throwing, rejecting]) {
        const scripts = [accept().readHead().close(), ECHO];
        await inWorld({ scripts, hpm: { on: { error } } }, async ({ ask }) => {
          expect(codeOf(await ask("/1"))).toBe("502 connection_terminated");
          expect((await ask("/2")).status).toBe(200);
        });
      }
    });

    it("on.proxyReqWs refuses its handshake, on.open and on.close cut their tunnel", async () => {
      const room = accept().readHead().send(`${SWITCH}\r\nhello`).hang();
      await inWorld({ scripts: [room], hpm: { on: { proxyReqWs: throwing } } }, async (world) => {
        expect(codeOf(await exchange(world.port, UPGRADE))).toBe("500 proxy_internal_error");
        expect(world.upstream.requests().length).toBe(0);
      });
      for (const on of [{ open: throwing }, { open: rejecting }, { close: throwing }]) {
        const told = gate();
        const script = accept().readHead().send(`${SWITCH}\r\nhello`).waitFor(told.opened).close();
        await inWorld({ scripts: [script], hpm: { on } }, async (world) => {
          const client = await rawClient(world.port);
          client.write(UPGRADE);
          await client.until("HTTP/1.1 101");
          told.open();
          await client.over;
          expect(world.gateway.upstream("app").targets[0]?.pending).toBe(0);
        });
      }
    });
  });

  it("what destroys the request says why, also where the body was parsed", async () => {
    const code = "HPM_ERR_INVALID_MULTIPART_FIELD_NAME";
    const proxyReq = (made: { destroy(error: Error): void }) =>
      made.destroy(Object.assign(new Error("a form"), { code }));
    const use: Setup["use"] = (app) => void app.use(express.json());
    await inWorld({ hpm: { on: { proxyReq } }, use }, async ({ port }) => {
      const fields = { "content-type": "application/json", "content-length": "9" };
      expect(codeOf(await exchange(port, request("POST", "/1", fields, '{"a" : 1}')))).toBe(
        "400 bad_request",
      );
    });
  });

  describe("what holds at every door", () => {
    it("responseBodyBytesMax, also where an interceptor keeps the body", async () => {
      const settings = { limits: { responseBodyBytesMax: 1_000 } };
      const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
      const more = `3e8\r\n${"x".repeat(1_000)}\r\n`;
      const begun = gate();
      const first = accept().readHead().send(`${chunked}5\r\nhello\r\n`);
      const script = first.waitFor(begun.opened).send(more).hang();
      await inWorld({ scripts: [script], settings }, async ({ port, nextRecord }) => {
        const record = nextRecord();
        const client = await rawClient(port);
        client.write(get("/1"));
        await client.until("hello");
        begun.open();
        await client.over;
        expect(client.received().toString()).not.toContain("0\r\n\r\n");
        expect((await record).attempts[0]?.code).toBe("http_response_body_size");
      });
      const whole = accept()
        .readHead()
        .send(chunked + more + more)
        .hang();
      await inWorld({ scripts: [whole], settings, hpm: intercepted }, async ({ ask }) => {
        expect(codeOf(await ask("/1"))).toBe("502 http_response_body_size");
      });
    });

    it("requestBodyBytesMax, announced and not", async () => {
      const settings = { limits: { requestBodyBytesMax: 1_000 } };
      const body = "x".repeat(2_000);
      await inWorld({ scripts: [accept().readHead().hang()], settings }, async ({ port }) => {
        const announced = request("POST", "/1", { "content-length": "2000" }, body);
        expect((await exchange(port, announced)).status).toBe(413);
        const coding = { "transfer-encoding": "chunked" };
        const chunked = request("POST", "/1", coding, `7d0\r\n${body}\r\n0\r\n\r\n`);
        expect((await exchange(port, chunked)).status).toBe(413);
      });
    });

    it("clientMs cuts a client that takes nothing, and one that sends nothing", async () => {
      const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
      const endless = accept()
        .readHead()
        .send(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(400)}`)
        .hang();
      const settings = {
        timeouts: { clientMs: 200 },
        limits: { clientBytesPerSecondMin: 1_000_000_000 },
      };
      await inWorld({ scripts: [endless], settings }, async (world) => {
        const record = world.nextRecord();
        const client = await rawClient(world.port);
        client.socket.pause();
        client.write(get("/1"));
        expect((await record).attempts[0]?.code).toBe("client_stalled");
        client.socket.destroy();
      });
      await inWorld({ scripts: [accept().readHead().hang()], settings }, async ({ port }) => {
        const answer = await exchange(port, request("POST", "/1", { "content-length": "9" }, "x"));
        expect(answer.status).toBe(408);
      });
    });

    it("addresses.forbid: a name, an address, one of a router, and kept connections", async () => {
      const upstream = await scriptedUpstream([ECHO], { loop: true });
      const named = upstream.origin.replace("127.0.0.1", "localhost");
      const addresses = { forbid: ["loopback"] };
      const agent = new Agent({ keepAlive: true });
      const gateway = createGateway({
        addresses,
        onWarning() {},
        upstreams: {
          open: { targets: named, addresses: false },
          named: { targets: named, addresses, breaker: false },
          literal: { targets: upstream.origin, addresses },
        },
      });
      const statusOf = async (name: "open" | "named" | "literal", own: object) => {
        const proxy = createProxyMiddleware(throughGateway(gateway.upstream(name), own));
        const server = createServer((req, res) => void proxy(req, res)).listen(0, "127.0.0.1");
        await once(server, "listening");
        const answer = await exchange((server.address() as { port: number }).port, get("/"));
        server.close();
        return codeOf(answer);
      };
      const REFUSED = "502 destination_ip_prohibited";
      expect(await statusOf("open", { agent })).toBe("200");
      // The connection that the agent has kept leads to the forbidden address.
      expect(await statusOf("named", { agent })).toBe(REFUSED);
      expect(await statusOf("named", {})).toBe(REFUSED);
      expect(await statusOf("literal", {})).toBe(REFUSED);
      expect(await statusOf("open", { router: () => "http://127.0.0.1:9" })).toBe(REFUSED);
      expect(upstream.requests().length).toBe(1);
      agent.destroy();
      gateway.close();
      await upstream.close();
    });

    it("fields with the names of what every object has arrive", async () => {
      const fields = { constructor: "1", tostring: "2", ["__proto__"]: "3" };
      await inWorld({ scripts: [ECHO] }, async ({ ask, upstream }) => {
        expect((await ask("/1", fields)).status).toBe(200);
        const [seen] = upstream.requests();
        for (const [name, value] of Object.entries(fields)) {
          expect([name, seen?.header(name)]).toEqual([name, value]);
        }
      });
    });

    it("IPv6 literals as a target and from a router, and the schemes of WebSockets", async () => {
      const upstream = await scriptedUpstream([ECHO], { loop: true, host: "::1" });
      const { origin } = upstream;
      const routers = [undefined, () => origin, () => origin.replace("http", "ws")];
      for (const router of routers) {
        const own = router === undefined ? {} : { router };
        await inWorld({ targets: origin, hpm: own }, async ({ ask }) => {
          expect((await ask("/1")).text).toBe("GET /1 ");
        });
      }
      await upstream.close();
    });

    it("fields that Node would leave out are refused", async () => {
      const fields = "x: y\r\n".repeat(1_100);
      const text = `HTTP/1.1 200 OK\r\n${fields}content-length: 2\r\n\r\nok`;
      const settings = { limits: { responseHeadersCountMax: 5_000 } };
      await inWorld({ scripts: [answering(text)], settings }, async ({ ask }) => {
        expect(codeOf(await ask("/1"))).toBe("502 http_response_header_section_size");
      });
    });

    it("a path is sent as it was asked for", async () => {
      const paths = ["//other.example/x", "/a|b?c='d'", "/a//b/%2e%2e/c"];
      const scripts = paths.map(() => ECHO);
      await inWorld({ scripts }, async ({ ask, upstream }) => {
        for (const path of paths) await ask(path);
        expect(upstream.requests().map(({ path }) => path)).toEqual(paths);
      });
    });
  });

  describe("upgrades", () => {
    it("take WebSocket out of a list, and drop the length of a switch", async () => {
      const script = accept().readHead().send(`${SWITCH}content-length: 5\r\n\r\nhello`).close();
      await inWorld({ scripts: [script] }, async ({ port, upstream }) => {
        const client = await rawClient(port);
        client.write(UPGRADE.replace("upgrade: websocket", "upgrade: foo, WebSocket"));
        await client.until("hello");
        await client.over;
        expect(client.received().toString()).not.toMatch(/content-length/i);
        expect(upstream.requests()[0]?.header("upgrade")).toBe("WebSocket");
      });
    });

    it("to anything else are no upgrades, and keep their body", async () => {
      await inWorld({ scripts: [ECHO], hpm: { pathRewrite: { "^/a": "" } } }, async ({ port }) => {
        const fields = { connection: "Upgrade", upgrade: "h2c", "content-length": "5" };
        const client = await rawClient(port);
        client.write(request("POST", "/a/b", fields, "hello"));
        await client.until("POST /b hello");
        client.socket.destroy();
      });
    });

    it("end with a client that leaves before the switch", async () => {
      const reached = gate();
      const script = accept()
        .readHead()
        .waitFor(() => reached.open())
        .hang();
      await inWorld({ scripts: [script] }, async ({ port, upstream, nextRecord }) => {
        const record = nextRecord();
        const client = await rawClient(port);
        client.write(UPGRADE);
        await reached.opened;
        client.socket.end();
        expect(await record).toMatchObject({ code: "client_closed_request", kind: "upgrade" });
        await client.over;
        await expect.poll(() => upstream.openConnections()).toBe(0);
      });
    });

    it("that are refused get the whole answer, of any size", async () => {
      for (const size of [65_484, 65_536, 3_000_000]) {
        const head = `HTTP/1.1 401 Unauthorized\r\ncontent-length: ${size}\r\n\r\n`;
        await inWorld({ scripts: [answering(head + "x".repeat(size))] }, async ({ port }) => {
          const answer = await exchange(port, UPGRADE);
          expect([answer.status, answer.text.length]).toEqual([401, size]);
        });
      }
    });
  });
});

function late(event: "data" | "end") {
  return (answer: IncomingMessage, _req: IncomingMessage, res: ServerResponse): void => {
    answer.on(event, throwing);
    answer.on("end", () => res.end()).resume();
  };
}

function withStatus(answer: IncomingMessage): void {
  answer.statusCode = 1_000;
}

function pluginFor(event: string) {
  return (engine: { on(event: string, listener: () => void): void }): void => {
    engine.on(event, throwing);
  };
}
