/**
 * What is particular to `webProxy`: a Request and what it does not say, a Response and its body,
 * and clients that leave by a signal or by cancelling.
 */
import { createGateway, type Gateway, isGatewayError, type UpstreamOptions } from "good-gateway";
import { accept, ok, respond, type Script, scriptedUpstream } from "good-gateway/testing";
import { type WebProxyOptions, webProxy } from "good-gateway/web";
import { describe, expect, it } from "vitest";

const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const PLAIN = accept().readHead().send(ok("hello"));
const READS = accept().readHead().readBody().send(ok("done"));
const URL_OF = "https://shop.example/orders/7?full=1";

type Upstream = Awaited<ReturnType<typeof scriptedUpstream>>;

async function inWorld(
  scripts: readonly Script[],
  options: WebProxyOptions,
  run: (
    ask: (request: Request) => Promise<Response>,
    upstream: Upstream,
    gateway: Gateway<"app">,
  ) => Promise<void>,
  settings: Partial<UpstreamOptions> = {},
): Promise<void> {
  const upstream = await scriptedUpstream(scripts);
  const gateway = createGateway({
    name: "edge",
    upstreams: { app: { targets: upstream.origin, retry: false, ...settings } },
  });
  try {
    const ask = webProxy(gateway.upstream("app"), options);
    await run((request) => ask(request), upstream, gateway);
  } finally {
    gateway.close();
    await upstream.close();
  }
}

const post = (body: BodyInit | null, init: RequestInit = {}): Request =>
  new Request(URL_OF, { method: "POST", body, ...init, duplex: "half" } as RequestInit);
type BodyInit = ConstructorParameters<typeof Response>[0];

describe("a Request", () => {
  it("is sent with its path, its fields and its body, and nothing of its connection", () =>
    inWorld([READS], {}, async (ask, upstream) => {
      const headers = {
        host: "shop.example",
        connection: "keep-alive, x-hop",
        "x-hop": "1",
        "keep-alive": "timeout=5",
        "transfer-encoding": "chunked",
        cookie: "a=1; b=2",
        "x-own": "1",
      };
      const response = await ask(post("the body", { headers }));
      expect(await response.text()).toBe("done");
      const [received] = upstream.requests();
      expect(received?.path).toBe("/orders/7?full=1");
      expect(received?.header("cookie")).toBe("a=1; b=2");
      expect(received?.header("x-own")).toBe("1");
      expect(received?.header("via")).toMatch(/^1\.1 edge /);
      expect(received?.header("host")).toBe("shop.example");
      for (const name of ["x-hop", "keep-alive"]) expect(received?.header(name)).toBeUndefined();
      expect(upstream.bodies()[0]?.toString()).toBe("the body");
    }));

  it.each([
    [{}, "unknown", "https"],
    [{ client: () => ({ address: "192.0.2.7" }) }, "192.0.2.7", "https"],
    [
      { client: () => ({ address: "2001:db8::7", protocol: "http" as const }) },
      "2001:db8::7",
      "http",
    ],
    [{ client: () => undefined }, "unknown", "https"],
  ])("with %o is said to come from there", async (options, address, protocol) => {
    await inWorld([PLAIN], options, async (ask, upstream) => {
      const lies = { "x-forwarded-for": "10.9.9.9", forwarded: "for=10.9.9.9" };
      await (await ask(new Request(URL_OF, { headers: lies }))).text();
      const [received] = upstream.requests();
      expect(received?.header("x-forwarded-for")).toBe(address);
      expect(received?.header("x-forwarded-proto")).toBe(protocol);
      expect(received?.header("x-forwarded-host")).toBe("shop.example");
      expect(received?.header("forwarded")).not.toContain("10.9.9.9");
    });
  });

  it("continues the chain of a trusted peer, with what else the handler was given", async () => {
    const upstream = await scriptedUpstream([PLAIN]);
    const gateway = createGateway({ upstreams: { app: { targets: upstream.origin } } });
    const proxy = webProxy<[{ readonly ip: string }]>(gateway.upstream("app"), {
      client: (_request, { ip }) => ({ address: ip }),
      forwarded: { trust: ["10.0.0.0/8"] },
    });
    const request = new Request(URL_OF, { headers: { "x-forwarded-for": "192.0.2.7" } });
    await (await proxy(request, { ip: "10.0.0.1" })).text();
    expect(upstream.requests()[0]?.header("x-forwarded-for")).toBe("192.0.2.7, 10.0.0.1");
    gateway.close();
    await upstream.close();
  });

  it("gives itself to hooks", () => {
    const seen: unknown[] = [];
    const options: WebProxyOptions = {
      rewritePath: (path, request) => `/v2${path}&m=${request.method}`,
      requestHeaders: (_headers, request) => ({ "x-url": request.url }),
      diagnostics: ({ headers }) => (headers.get("x-admin") === "1" ? "full" : "none"),
      admit: ({ url }, target) => {
        seen.push(url, target.sentPath);
        return url.includes("no=1") ? { refuse: "rate_limited", retryAfterMs: 3_000 } : undefined;
      },
    };
    return inWorld([PLAIN], options, async (ask, upstream) => {
      const response = await ask(new Request(URL_OF, { headers: { "x-admin": "1" } }));
      expect(response.headers.get("proxy-status")).toMatch(/^edge; .*next-hop/);
      expect(upstream.requests()[0]?.path).toBe("/v2/orders/7?full=1&m=GET");
      expect(upstream.requests()[0]?.header("x-url")).toBe(URL_OF);
      const refused = await ask(new Request(`${URL_OF}&no=1`));
      expect(refused.status).toBe(429);
      expect(refused.headers.get("retry-after")).toBe("3");
      expect(refused.headers.get("proxy-status")).toBeNull();
      expect(seen.slice(0, 2)).toEqual([URL_OF, "/v2/orders/7?full=1&m=GET"]);
    });
  });

  it.each([
    ["client", { client: () => boom() }],
    ["rewritePath", { rewritePath: () => boom() }],
    ["requestHeaders", { requestHeaders: () => boom() }],
    ["admit", { admit: async () => boom() }],
  ])("is answered with 500 where %s throws", async (_name, options) => {
    await inWorld([], options, async (ask) => {
      const response = await ask(new Request(URL_OF));
      expect(response.status).toBe(500);
      expect(await response.json()).toMatchObject({ code: "proxy_internal_error" });
    });
  });

  it("whose body was read before is refused, and not sent empty", () =>
    inWorld([], {}, async (ask, upstream) => {
      const read = post("the body");
      await read.text();
      const locked = post("the body");
      locked.body?.getReader();
      for (const request of [read, locked]) {
        const response = await ask(request);
        expect(response.status).toBe(500);
        expect(await response.json()).toMatchObject({ code: "proxy_configuration_error" });
      }
      expect(upstream.requests()).toEqual([]);
    }));

  it("streams its body, and is refused where that is larger than the limit", async () => {
    const parts = (count: number) => {
      let left = count;
      return new ReadableStream({
        pull(controller) {
          left -= 1;
          if (left < 0) controller.close();
          else controller.enqueue(new Uint8Array(1_000).fill(97));
        },
      });
    };
    const limits = { limits: { requestBodyBytesMax: 50_000 } };
    await inWorld(
      [READS, accept().readHead().readBody().send(ok("done"))],
      {},
      async (ask, upstream) => {
        expect(await (await ask(post(parts(40)))).text()).toBe("done");
        expect(upstream.bodies()[0]?.byteLength).toBe(40_000);
        const large = await ask(post(parts(80)));
        expect(large.status).toBe(413);
      },
      limits,
    );
  });

  it("for a WebSocket is refused with the way out, and any other upgrade is ignored", () =>
    inWorld([PLAIN], {}, async (ask, upstream) => {
      const upgrade = (name: string) =>
        new Request(URL_OF, { headers: { connection: "Upgrade", upgrade: name } });
      expect((await ask(upgrade("websocket"))).status).toBe(500);
      expect(upstream.requests()).toEqual([]);
      expect(await (await ask(upgrade("h2c"))).text()).toBe("hello");
      expect(upstream.requests()[0]?.header("upgrade")).toBeUndefined();
    }));

  it("that has passed here before is a loop, and with no hop left it ends here", () =>
    inWorld([], {}, async (ask) => {
      const loop = await ask(new Request(URL_OF, { headers: { via: "1.1 edge" } }));
      expect(await loop.json()).toMatchObject({ code: "loop_detected" });
      const headers = { "max-forwards": "0" };
      const last = await ask(new Request(URL_OF, { method: "OPTIONS", headers }));
      expect([last.status, await last.text()]).toEqual([200, ""]);
    }));

  it("finds the gateway draining", () =>
    inWorld([], {}, async (ask, _upstream, gateway) => {
      void gateway.drain();
      const response = await ask(new Request(URL_OF));
      expect(response.status).toBe(503);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    }));
});

describe("a Response", () => {
  it("has the status, the reason, the fields and the cookies of the upstream", () => {
    const fields = {
      "set-cookie": ["a=1; Path=/", "b=2"],
      "x-own": ["1", "2"],
      connection: "x-hop",
      "x-hop": "1",
      "content-encoding": "gzip",
    };
    const script = accept()
      .readHead()
      .send(respond(201, "made", fields));
    return inWorld([script], {}, async (ask) => {
      const response = await ask(new Request(URL_OF));
      expect(response.status).toBe(201);
      expect(response.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2"]);
      expect(response.headers.get("x-own")).toBe("1, 2");
      expect(response.headers.has("x-hop")).toBe(false);
      expect(response.headers.get("content-encoding")).toBe("gzip");
      expect(await response.text()).toBe("made");
      // A framework may add to it.
      response.headers.set("x-late", "1");
    });
  });

  it.each([
    ["HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n", 200, "500"],
    ["GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, null],
    ["GET", "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n", 205, "0"],
    ["GET", "HTTP/1.1 205 Reset Content\r\ncontent-length: 2\r\n\r\nok", 205, "0"],
    ["GET", 'HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n', 304, null],
  ])("to %s of %j has no body", async (method, bytes, status, length) => {
    await inWorld([accept().readHead().send(bytes)], {}, async (ask) => {
      const response = await ask(new Request(URL_OF, { method }));
      expect([response.status, response.body]).toEqual([status, null]);
      expect(response.headers.get("content-length")).toBe(length);
    });
  });

  it("streams, and the upstream waits for a reader that is slow", async () => {
    const bytes = 30_000_000;
    const script = accept()
      .readHead()
      .send(ok("x".repeat(bytes), { connection: "close" }));
    await inWorld([script], {}, async (ask) => {
      const response = await ask(new Request(URL_OF));
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      let got = (await reader.read()).value?.byteLength ?? 0;
      const before = process.memoryUsage().arrayBuffers;
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8_000_000);
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        got += value.byteLength;
      }
      expect(got).toBe(bytes);
    });
  });

  it("gives bytes that its reader may keep or transfer", () => {
    const script = accept()
      .readHead()
      .send(`${CHUNKED}3\r\nabc\r\n3\r\ndef\r\n`)
      .wait(20)
      .send("3\r\nghi\r\n0\r\n\r\n");
    return inWorld([script], {}, async (ask) => {
      const response = await ask(new Request(URL_OF));
      let text = "";
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        text += Buffer.from(chunk).toString();
        structuredClone(chunk.buffer, { transfer: [chunk.buffer as ArrayBuffer] });
      }
      expect(text).toBe("abcdefghi");
    });
  });

  it("whose body breaks errors with the failure, and its record says so", () =>
    inWorld(
      [accept().readHead().send(`${CHUNKED}3\r\nabc\r\n`).wait(50).close()],
      {},
      async (ask, _upstream, gateway) => {
        const records: unknown[] = [];
        gateway.on("call:end", ({ kind, status, code, clientEnd }) =>
          records.push({ kind, status, code, clientEnd }),
        );
        const response = await ask(new Request(URL_OF));
        const reader = (response.body as ReadableStream<Uint8Array>).getReader();
        expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("abc");
        const error: unknown = await reader.read().catch((thrown) => thrown);
        expect(isGatewayError(error)).toBe(true);
        expect(records).toEqual(
          [{ kind: "proxy", status: 200, code: "http_response_incomplete", clientEnd: "cut" }].map(
            (one) => expect.objectContaining({ ...one, code: expect.any(String) }),
          ),
        );
      },
    ));

  it("becomes a failure where it cannot be one", async () => {
    await inWorld([accept().readHead().send("HTTP/1.1 600 Odd\r\n\r\n")], {}, async (ask) => {
      const response = await ask(new Request(URL_OF));
      expect(response.status).toBe(502);
    });
  });

  it("tells of a failure as every proxy does, and the hook may give another", async () => {
    const told: unknown[] = [];
    const options: WebProxyOptions = {
      onFailure: ({ code }, { request, attempts, requestId }) => {
        told.push([code, request.url, attempts, requestId]);
        return request.url.endsWith("own") ? new Response("mine", { status: 418 }) : undefined;
      },
    };
    await inWorld(
      [accept().readHead().close(), accept().readHead().close()],
      options,
      async (ask) => {
        const headers = { "x-request-id": "r1", accept: "text/html" };
        const ours = await ask(new Request(URL_OF, { headers }));
        expect(ours.status).toBe(502);
        expect(ours.headers.get("proxy-status")).toMatch(/^edge; error=/);
        expect(ours.headers.get("server-timing")).toContain("attempt-1");
        expect(ours.headers.get("x-request-id")).toBe("r1");
        expect(ours.headers.get("content-type")).toBe("text/html; charset=utf-8");
        const theirs = await ask(new Request("https://shop.example/own", { headers }));
        expect([theirs.status, await theirs.text()]).toEqual([418, "mine"]);
        expect(told).toHaveLength(2);
        expect(told[0]).toEqual(["connection_terminated", URL_OF, 1, "r1"]);
      },
    );
  });
});

describe("a client that leaves", () => {
  const hangs = accept().readHead().hang();

  it("by the signal of its Request ends the call upstream", () =>
    inWorld([hangs], {}, async (ask, upstream, gateway) => {
      const ends: unknown[] = [];
      gateway.on("call:end", ({ code, clientEnd }) => ends.push([code, clientEnd]));
      const left = new AbortController();
      const asked = ask(new Request(URL_OF, { signal: left.signal }));
      while (upstream.requests().length === 0) await turn();
      left.abort();
      expect((await asked).status).toBe(499);
      expect(ends).toEqual([["client_closed_request", "aborted"]]);
    }));

  it("by cancelling the body ends the call upstream", () =>
    inWorld(
      [accept().readHead().send(`${CHUNKED}3\r\nabc\r\n`).hang()],
      {},
      async (ask, _upstream, gateway) => {
        const ended = new Promise((resolve) => gateway.on("call:end", resolve));
        const response = await ask(new Request(URL_OF));
        await response.body?.cancel();
        expect(await ended).toMatchObject({ clientEnd: "aborted", status: 200 });
        expect(gateway.upstream("app").targets[0]?.pending).toBe(0);
      },
    ));

  it("by the signal while the body is on its way gets an error, and no end", () =>
    inWorld(
      [accept().readHead().send(`${CHUNKED}3\r\nabc\r\n`).hang()],
      {},
      async (ask, _upstream, gateway) => {
        const left = new AbortController();
        const response = await ask(new Request(URL_OF, { signal: left.signal }));
        const text = response.text();
        left.abort();
        await expect(text).rejects.toThrow();
        expect(gateway.upstream("app").targets[0]?.pending).toBe(0);
      },
    ));
});

it("a typo in an option is told when the proxy is made", () => {
  const gateway = createGateway({ upstreams: { app: { targets: "http://127.0.0.1:1" } } });
  const make = (options: object) => () => webProxy(gateway.upstream("app"), options);
  expect(make({ rewritepath: () => "" })).toThrow(/rewritePath/);
  expect(make({ client: "10.0.0.1" })).toThrow(/client: .* is not a function/);
  expect(make({ upgrades: ["websocket"] })).toThrow(/upgrades/);
  expect(() => webProxy("app" as never)).toThrow(TypeError);
  gateway.close();
});

function boom(): never {
  throw new Error("boom");
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
