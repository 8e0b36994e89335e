/**
 * What hooks of the user see and may say: the request as it will be sent, and nothing that lets a
 * client be judged by something else. Looked at where it counts, at the upstream.
 */

import type { AskedTarget, ProxyOptions } from "good-gateway";
import { throughGateway } from "good-gateway/http-proxy-middleware";
import { accept, ok } from "good-gateway/testing";
import { createProxyMiddleware } from "http-proxy-middleware";
import { describe, expect, it } from "vitest";
import { ask2 } from "./http2-client.js";
import { HTTP2_SERVERS } from "./http2-servers.js";
import { exchange, get, request } from "./raw-client.js";
import { listening, PROXY_SERVERS, type ProxyServer } from "./servers.js";
import { inWorld } from "./world.js";

type Fields = Readonly<Record<string, string>>;

/** The request line and the Host that the upstream gets. */
async function sent(
  serve: ProxyServer,
  options: ProxyOptions,
  target: string,
  fields: Fields = {},
) {
  let got: readonly (string | undefined)[] = [];
  const scripts = [accept().readHead().send(ok("done"))];
  await inWorld(serve, { scripts, options }, async ({ port, upstream }) => {
    const { status } = await exchange(port, get(target, fields));
    const [head] = upstream.requests();
    got = [`${status} ${head?.path}`, head?.header("host")];
  });
  return got;
}

/** How a request is refused of which the upstream hears nothing. */
async function refused(
  serve: ProxyServer,
  options: ProxyOptions,
  target: string,
  fields: Fields = {},
): Promise<string> {
  let got = "";
  await inWorld(serve, { scripts: [], options }, async ({ port }) => {
    const { status, text } = await exchange(port, get(target, fields));
    got = `${status} ${JSON.parse(text).code}`;
  });
  return got;
}

const UNTYPED = (hook: unknown): never => hook as never;
const CONFIGURATION = "500 proxy_configuration_error";
const OURS = "500 proxy_internal_error";

describe.each(Object.entries(PROXY_SERVERS))("through %s", (_name, serve) => {
  describe("rewritePath", () => {
    const strip = { rewritePath: (path: string) => path.replace(/^\/api/, "") };

    it.each([
      ["/api/x?y", "/x?y"],
      ["/api", "/"],
      ["/api?page=2", "/?page=2"],
      ["/apifoo", "/foo"],
      ["http://shop.example/api/x", "/x"],
    ])("that cuts a prefix off leaves a path: %s", async (target, path) => {
      expect(await sent(serve, strip, target)).toEqual([`200 ${path}`, "shop.example"]);
    });

    it("cannot be made to choose a host", async () => {
      for (const target of ["/apihttp://evil.example/x", "/api//evil.example/x"]) {
        const [line, host] = await sent(serve, strip, target);
        expect(line).toBe(`200 ${target.replace("/api", "").replace(/^h/, "/h")}`);
        expect(host).toBe("shop.example");
      }
    });

    it("that leaves a path which climbs is the client's fault, whose dots they are", async () => {
      expect(await refused(serve, strip, "/api/../x")).toBe("400 bad_request");
    });

    it.each<[string, (path: string) => unknown]>([
      ["no text", () => undefined],
      ["a number", () => 7],
      ["a promise of no text", async () => 7],
      ["a promise of an address", async () => "http://other.example/x"],
      ["no path", () => "orders"],
      ["an address", () => "http://other.example/x"],
      ["a space", () => "/a b"],
      ["a line break", () => "/x HTTP/1.1\r\nx-evil: 1\r\n\r\n"],
      ["a letter that no request line holds", () => "/é"],
      ["a path that climbs", () => "/../x"],
    ])("that gives %s is a wrong configuration", async (_what, rewritePath) => {
      expect(await refused(serve, { rewritePath: UNTYPED(rewritePath) }, "/api")).toBe(
        CONFIGURATION,
      );
    });

    it("may take its time, and one that rejects is our side's fault", async () => {
      const later = { rewritePath: async (path: string) => path.replace(/^\/api/, "") };
      expect(await sent(serve, later, "/api/x?y")).toEqual(["200 /x?y", "shop.example"]);
      expect(await refused(serve, later, "/api/../x")).toBe("400 bad_request");
      const rewritePath = () => Promise.reject(new Error("late"));
      expect(await refused(serve, { rewritePath }, "/x")).toBe(OURS);
    });

    it("that throws is our side's fault, and the next request is served", async () => {
      const rewritePath = (path: string) => {
        if (path === "/bad") throw new Error("hook");
        return path;
      };
      expect(await refused(serve, { rewritePath }, "/bad")).toBe(OURS);
      expect(await sent(serve, { rewritePath }, "/good")).toContain("200 /good");
    });
  });

  describe("admit", () => {
    const DENIED = { refuse: "request_denied" } as const;
    const rules: readonly [string, NonNullable<ProxyOptions["admit"]>][] = [
      ["req.url", (req) => ((req.url ?? "").startsWith("/admin") ? DENIED : null)],
      ["target.path", (_req, { path }) => (path.startsWith("/admin") ? DENIED : null)],
      ["target.sentPath", (_req, { sentPath }) => (sentPath.startsWith("/admin") ? DENIED : null)],
      ["later", async (_req, { path }) => (path.startsWith("/admin") ? DENIED : null)],
    ];

    it.each(rules)("judges by %s what will be sent", async (_by, admit) => {
      for (const target of [
        "/admin",
        "http://shop.example/admin",
        "HTTP://other.example:1/admin",
      ]) {
        expect(await refused(serve, { admit }, target)).toBe("403 request_denied");
      }
      expect(await sent(serve, { admit }, "http://shop.example/x")).toContain("200 /x");
    });

    it("judges by the Host that will be sent", async () => {
      const admit: ProxyOptions["admit"] = (req) =>
        req.headers.host === "shop.example" ? null : DENIED;
      expect(await refused(serve, { admit }, "http://inside.example/")).toBe("403 request_denied");
      const said = { host: "other.example" };
      const got = await sent(serve, { admit }, "http://shop.example/", said);
      expect(got).toEqual(["200 /", "shop.example"]);
    });

    it("sees the path before and after it was rewritten", async () => {
      const seen: AskedTarget[] = [];
      const admit: ProxyOptions["admit"] = (_req, target) => void seen.push(target);
      const rewritePath = (path: string) => `/v2${path}`;
      await sent(serve, { admit, rewritePath }, "/orders?a");
      expect(seen).toMatchObject([{ path: "/orders?a", sentPath: "/v2/orders?a" }]);
    });

    it.each<[string, () => unknown]>([
      ["true", () => true],
      ["false", () => false],
      ["a text", () => "request_denied"],
      ["an unknown name", () => ({ refuse: "go_away" })],
      ["a promise of nonsense", async () => ({ refuse: "constructor" })],
    ])("that says %s lets nothing pass", async (_what, admit) => {
      expect(await refused(serve, { admit: UNTYPED(admit) }, "/")).toBe(CONFIGURATION);
    });

    it.each<[string, () => unknown]>([
      [
        "throws",
        () => {
          throw new Error("hook");
        },
      ],
      ["rejects", () => Promise.reject(new Error("hook"))],
      [
        "rejects in another way",
        // biome-ignore lint/suspicious/noThenProperty: a promise of another library.
        () => ({ then: (_: unknown, no: (error: Error) => void) => no(new Error("hook")) }),
      ],
    ])("that %s lets nothing pass", async (_what, admit) => {
      expect(await refused(serve, { admit: UNTYPED(admit) }, "/")).toBe(OURS);
    });
  });

  describe("requestHeaders", () => {
    it("that passes the client's fields back adds to them and believes none", async () => {
      const scripts = [accept().readHead().send(ok("done"))];
      const options: ProxyOptions = { requestHeaders: (own) => ({ ...own, "x-a": "1" }) as never };
      await inWorld(serve, { scripts, options }, async ({ port, upstream }) => {
        const spoofed = { "x-forwarded-for": "6.6.6.6", "x-real-ip": "6.6.6.6", "x-b": "2" };
        await exchange(port, request("POST", "/", { ...spoofed, "content-length": "2" }, "ab"));
        const [head] = upstream.requests();
        expect(head?.head).not.toContain("6.6.6.6");
        expect(head?.headers.filter(([name]) => name === "x-a" || name === "x-b")).toHaveLength(2);
        expect(head?.header("x-forwarded-for")).toBe("127.0.0.1");
        expect(head?.header("content-length")).toBe("2");
      });
    });

    it("sets what it says, even where the client has said the same", async () => {
      const scripts = [accept().readHead().send(ok("done"))];
      const options = { requestHeaders: () => ({ "x-forwarded-proto": "https" }) };
      await inWorld(serve, { scripts, options }, async ({ port, upstream }) => {
        await exchange(port, get("/", { "x-forwarded-proto": "https" }));
        expect(upstream.requests()[0]?.header("x-forwarded-proto")).toBe("https");
      });
    });

    it.each<[string, unknown]>([
      ["nothing", () => undefined],
      ["a promise", async () => ({ "x-a": "1" })],
      ["a promise that rejects", () => Promise.reject(new Error("late"))],
      ["a list", () => ["x-a", "1"]],
      ["a line break", { "x-a": "1\r\nx-evil: 1" }],
      ["a name that is none", { "x a": "1" }],
      ["a letter that no field holds", () => ({ "x-a": "✓" })],
      ["an object", () => ({ "x-a": {} })],
    ])("that gives %s is a wrong configuration", async (_what, requestHeaders) => {
      const options = { requestHeaders: UNTYPED(requestHeaders) };
      expect(await refused(serve, options, "/")).toBe(CONFIGURATION);
    });
  });
});

describe.each(Object.entries(HTTP2_SERVERS))("through %s", (_name, serve) => {
  it("a :path that names a host is no path", async () => {
    const admit: ProxyOptions["admit"] = (_req, { path }) =>
      path.startsWith("/admin") ? { refuse: "request_denied" } : null;
    await inWorld(serve, { scripts: [], options: { admit } }, async ({ port }) => {
      const { status } = await ask2(`http://127.0.0.1:${port}`, { ":path": "http://a/admin" });
      // Node resets such a stream by itself; what it would let through is refused.
      expect([0, 400]).toContain(status);
      const denied = await ask2(`http://127.0.0.1:${port}`, { ":path": "/admin" });
      expect(denied.status).toBe(403);
    });
  });
});

describe("through http-proxy-middleware", () => {
  const through =
    (own: object): ProxyServer =>
    (upstream, { admit }) =>
      listening(
        createProxyMiddleware(
          throughGateway(upstream, own, admit === undefined ? {} : { admit }),
        ) as never,
      );

  it.each([
    ["/api/x?y", "/x?y"],
    ["/api", "/"],
    ["/api?page=2", "/?page=2"],
    ["/apihttp://evil.example/x", "/http://evil.example/x"],
  ])("a pathRewrite that cuts a prefix off leaves a path and no host: %s", async (target, path) => {
    const serve = through({ pathRewrite: { "^/api": "" } });
    expect(await sent(serve, {}, target)).toEqual([`200 ${path}`, "shop.example"]);
  });

  it("a pathRewrite gets the path of an absolute form, whose authority replaces Host", async () => {
    const serve = through({ pathRewrite: { "^/api": "" } });
    const got = await sent(serve, {}, "http://other.example/api/x");
    expect(got).toEqual(["200 /x", "other.example"]);
  });

  it("a rule on the path holds for the absolute form", async () => {
    const admit: ProxyOptions["admit"] = (req) =>
      req.url?.startsWith("/admin") === true ? { refuse: "request_denied" } : null;
    const got = await refused(through({}), { admit }, "http://shop.example/admin");
    expect(got).toBe("403 request_denied");
  });
});
