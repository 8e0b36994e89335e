/**
 * What `nodeProxy` offers besides its listener for requests: upgrades, the errors of Node's own
 * parser, and the hook that lets requests in.
 */
import type { ProxyOptions, Upstream } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { accept, ok } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { exchange, get, rawClient, request } from "./raw-client.js";
import { listening, type RunningServer } from "./servers.js";
import { inWorld } from "./world.js";

async function serve(upstream: Upstream, options: ProxyOptions): Promise<RunningServer> {
  const proxy = nodeProxy(upstream, options);
  const running = await listening(proxy);
  running.server.on("upgrade", proxy.upgrade).on("clientError", proxy.clientError);
  return running;
}

const HANDSHAKE = request("GET", "/chat", {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
});
const SWITCH =
  "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n" +
  "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

const settings = { timeouts: { responseMs: 400, idleMs: 400, totalMs: 2_000 } };

describe("upgrades", () => {
  it("bytes pass both ways after the handshake, also those right behind a head", async () => {
    const scripts = [accept().readHead().send(`${SWITCH}hello`).readBytes(5).send("world").close()];
    await inWorld(serve, { scripts, settings }, async ({ port, upstream }) => {
      const client = await rawClient(port);
      client.write(HANDSHAKE);
      await client.until("hello");
      client.write("there");
      await client.until("world");
      expect(await client.over).toBe("end");
      expect(client.received().toString("latin1")).toMatch(/^HTTP\/1\.1 101 .*\r\n/);
      expect(client.received().toString("latin1")).toContain("upgrade: websocket");
      expect(upstream.requests()[0]?.header("sec-websocket-key")).toBeDefined();
      expect(upstream.requests()[0]?.header("upgrade")).toBe("websocket");
    });
  });

  it("a handshake that the upstream refuses is answered as the upstream did", async () => {
    const refusal = "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno";
    const scripts = [accept().readHead().send(refusal).hang()];
    await inWorld(serve, { scripts, settings }, async ({ port }) => {
      const answer = await exchange(port, HANDSHAKE);
      expect(answer.status).toBe(403);
      expect(answer.all("proxy-status").join()).toContain("received-status=403");
      expect(answer.all("proxy-status").join()).toContain("code=upgrade_refused");
    });
  });

  it("a handshake that reaches nobody is answered by its name", async () => {
    await inWorld(serve, { scripts: null, settings }, async ({ port }) => {
      const answer = await exchange(port, HANDSHAKE);
      expect(answer.status).toBe(502);
      expect(answer.all("proxy-status").join()).toContain("error=connection_refused");
    });
  });

  it("a switch to a protocol that was not asked for is no answer", async () => {
    const scripts = [accept().readHead().send(SWITCH.replace("websocket", "h2c")).hang()];
    await inWorld(serve, { scripts, settings }, async ({ port }) => {
      const answer = await exchange(port, HANDSHAKE);
      expect(answer.status).toBe(502);
      expect(answer.all("proxy-status").join()).toContain("error=http_upgrade_failed");
    });
  });

  it("a tunnel that falls silent is closed on both sides after tunnelIdleMs", async () => {
    const scripts = [accept().readHead().send(SWITCH).hang()];
    const quiet = { ...settings, timeouts: { ...settings.timeouts, tunnelIdleMs: 150 } };
    await inWorld(serve, { scripts, settings: quiet }, async ({ port, gateway }) => {
      const client = await rawClient(port);
      client.write(HANDSHAKE);
      await client.over;
      expect(gateway.upstream("app").targets[0]?.pending).toBe(0);
    });
  });

  it("a reset of the client ends the upstream's side", async () => {
    const scripts = [accept().readHead().send(SWITCH).hang()];
    await inWorld(serve, { scripts, settings }, async ({ port, upstream }) => {
      const client = await rawClient(port);
      client.write(HANDSHAKE);
      await client.until("\r\n\r\n");
      client.socket.resetAndDestroy();
      await expect.poll(() => upstream.openConnections()).toBe(0);
    });
  });

  it("a reset of the upstream ends the client's side", async () => {
    const scripts = [accept().readHead().send(SWITCH).readBytes(1).reset()];
    await inWorld(serve, { scripts, settings }, async ({ port }) => {
      const client = await rawClient(port);
      client.write(HANDSHAKE);
      await client.until("\r\n\r\n");
      client.write("x");
      await client.over;
    });
  });
});

describe("clientError", () => {
  it("a malformed request is answered by its name", async () => {
    await inWorld(serve, { scripts: [] }, async ({ port }) => {
      const answer = await exchange(port, "GET / HTTP/1.1\r\nbad field\r\n\r\n");
      expect(answer.status).toBe(400);
      expect(answer.all("proxy-status").join()).toContain("error=http_request_error");
      expect(answer.all("proxy-status").join()).toContain("code=bad_request");
    });
  });

  it("a head that is too large for Node is answered with 431 and its name", async () => {
    await inWorld(serve, { scripts: [] }, async ({ port }) => {
      const answer = await exchange(port, get("/", { cookie: "c".repeat(20_000) }));
      expect(answer.status).toBe(431);
      expect(answer.all("proxy-status").join()).toContain("code=request_header_too_large");
    });
  });
});

describe("admit", () => {
  const cases = [
    ["request_denied", 403],
    ["rate_limited", 429],
    ["load_shed", 503],
    ["maintenance", 503],
  ] as const;
  for (const [refuse, status] of cases) {
    it(`${refuse} is answered with ${status}, and nothing is sent`, async () => {
      const options: ProxyOptions = { admit: () => ({ refuse, retryAfterMs: 7_000 }) };
      await inWorld(serve, { scripts: [], options }, async ({ port, upstream }) => {
        const answer = await exchange(port, get("/"));
        expect(answer.status).toBe(status);
        expect(answer.all("proxy-status").join()).toContain(`code=${refuse}`);
        expect(answer.all("retry-after")).toEqual(["7"]);
        expect(upstream.connections()).toBe(0);
      });
    });
  }

  it("a promise of nothing lets a request in, body included", async () => {
    const scripts = [accept().readHead().readBody().send(ok("stored")).close()];
    const options: ProxyOptions = { admit: async () => undefined };
    await inWorld(serve, { scripts, options }, async ({ port, upstream }) => {
      const answer = await exchange(port, request("POST", "/", { "content-length": "5" }, "hello"));
      expect(answer.status).toBe(200);
      expect(upstream.bodies()[0]?.toString()).toBe("hello");
    });
  });

  it("a hook that throws or rejects lets nothing in", async () => {
    const hooks: ProxyOptions["admit"][] = [
      () => {
        throw new Error("limits are gone");
      },
      () => Promise.reject(new Error("limits are gone")),
    ];
    for (const admit of hooks) {
      const options = admit === undefined ? {} : { admit };
      await inWorld(serve, { scripts: [], options }, async ({ port }) => {
        const answer = await exchange(port, get("/"));
        expect(answer.status).toBe(500);
        expect(answer.all("proxy-status").join()).toContain("error=proxy_internal_error");
      });
    }
  });

  it("an upgrade is asked for, too", async () => {
    const options: ProxyOptions = { admit: () => ({ refuse: "request_denied" }) };
    await inWorld(serve, { scripts: [], options }, async ({ port }) => {
      expect((await exchange(port, HANDSHAKE)).status).toBe(403);
    });
  });
});
