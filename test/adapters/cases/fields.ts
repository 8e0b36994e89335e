/**
 * Fields and paths on their way through: what is passed on, what is added, what hooks change.
 */
import { accept, ok, respond } from "good-gateway/testing";
import { expect } from "vitest";
import { exchange, get, request } from "../raw-client.js";
import { inWorld } from "../world.js";
import type { Cases } from "./case.js";

const PLAIN = accept().readHead().send(ok("hello"));

export const FIELDS: Cases = {
  "fields of one hop stay on their hop": (serve) => {
    const answered = {
      connection: "x-inner",
      "keep-alive": "timeout=99",
      "x-inner": "1",
      "proxy-authenticate": "Basic",
      "x-kept": "yes",
    };
    return inWorld(
      serve,
      { scripts: [accept().readHead().send(ok("", answered))] },
      async ({ port, upstream }) => {
        const sent = {
          connection: "close, x-hop",
          "x-hop": "1",
          "proxy-authorization": "Basic x",
          te: "gzip",
          "x-kept": "yes",
        };
        const answer = await exchange(port, get("/", sent));
        const received = upstream.requests()[0];
        expect(received?.header("x-kept")).toBe("yes");
        for (const name of ["x-hop", "proxy-authorization", "te", "upgrade"]) {
          expect(received?.header(name), name).toBeUndefined();
        }
        expect(answer.field("x-kept")).toBe("yes");
        expect(answer.all("x-inner")).toEqual([]);
        expect(answer.all("proxy-authenticate")).toEqual([]);
        expect(answer.field("connection")).toBe("close");
      },
    );
  },

  "the upstream is told who asked, and not what the client says about it": (serve) =>
    inWorld(serve, { scripts: [PLAIN] }, async ({ port, upstream }) => {
      const lies = {
        "x-forwarded-for": "10.9.9.9",
        "x-forwarded-proto": "https",
        forwarded: "for=10.9.9.9",
      };
      await exchange(port, get("/", lies));
      const received = upstream.requests()[0];
      expect(received?.header("x-forwarded-for")).toBe("127.0.0.1");
      expect(received?.header("x-forwarded-proto")).toBe("http");
      expect(received?.header("x-forwarded-host")).toBe("shop.example");
      expect(received?.header("forwarded")).toBe("for=127.0.0.1;proto=http;host=shop.example");
      expect(received?.header("via")).toMatch(/^1\.1 edge \(/);
      expect(received?.header("x-request-id")).toBeTruthy();
    }),

  "a trusted client's forwarding fields are continued": (serve) =>
    inWorld(
      serve,
      {
        scripts: [PLAIN],
        options: { forwarded: { trust: ["127.0.0.0/8"], fields: "x-forwarded" } },
      },
      async ({ port, upstream }) => {
        await exchange(
          port,
          get("/", { "x-forwarded-for": "10.9.9.9", "x-forwarded-proto": "https" }),
        );
        const received = upstream.requests()[0];
        expect(received?.header("x-forwarded-for")).toBe("10.9.9.9, 127.0.0.1");
        expect(received?.header("x-forwarded-proto")).toBe("https");
        expect(received?.header("forwarded")).toBeUndefined();
      },
    ),

  "the client's Host is preserved": (serve) =>
    inWorld(serve, { scripts: [PLAIN] }, async ({ port, upstream }) => {
      await exchange(port, get("/"));
      expect(upstream.requests()[0]?.header("host")).toBe("shop.example");
    }),

  "the target's Host is sent where that is asked for": (serve) =>
    inWorld(
      serve,
      { scripts: [PLAIN], options: { host: "target" } },
      async ({ port, upstream }) => {
        await exchange(port, get("/"));
        expect(upstream.requests()[0]?.header("host")).toBe(`127.0.0.1:${upstream.port}`);
      },
    ),

  "hooks change path and fields": (serve) =>
    inWorld(
      serve,
      {
        scripts: [PLAIN],
        options: {
          rewritePath: (path, req) => `/v2${path}&method=${req.method}`,
          requestHeaders: ({ cookie }) => ({
            cookie: undefined,
            "x-had-cookie": String(cookie !== undefined),
          }),
        },
      },
      async ({ port, upstream }) => {
        await exchange(port, get("/orders?id=7", { cookie: "a=b", "x-kept": "1" }));
        const received = upstream.requests()[0];
        expect(received?.path).toBe("/v2/orders?id=7&method=GET");
        expect(received?.header("cookie")).toBeUndefined();
        expect(received?.header("x-had-cookie")).toBe("true");
        expect(received?.header("x-kept")).toBe("1");
      },
    ),

  "a field that comes several times goes out as often": (serve) =>
    inWorld(
      serve,
      {
        scripts: [
          accept()
            .readHead()
            .send(ok("", { "set-cookie": ["a=1; Path=/", "b=2", "c=3"], link: ["</x>", "</y>"] })),
        ],
      },
      async ({ port }) => {
        const answer = await exchange(port, get("/"));
        expect(answer.all("set-cookie")).toEqual(["a=1; Path=/", "b=2", "c=3"]);
        expect(answer.all("link").join(", ")).toBe("</x>, </y>");
      },
    ),

  "a Proxy-Status that the upstream made up is dropped": (serve) =>
    inWorld(
      serve,
      {
        scripts: [
          accept()
            .readHead()
            .send(ok("", { "proxy-status": "edge; error=dns_error" })),
        ],
      },
      async ({ port }) => {
        const answer = await exchange(port, get("/"));
        expect(answer.status).toBe(200);
        expect(answer.all("proxy-status")).toEqual([]);
      },
    ),

  "an upstream's 503 is passed on with its Retry-After, and marked as received": (serve) =>
    inWorld(
      serve,
      {
        scripts: [
          accept()
            .readHead()
            .send(respond(503, "full", { "retry-after": "7" })),
        ],
      },
      async ({ port }) => {
        const answer = await exchange(port, get("/"));
        expect(answer).toMatchObject({ status: 503, text: "full" });
        expect(answer.field("retry-after")).toBe("7");
        expect(answer.field("proxy-status")).toMatch(/^edge; received-status=503; details=/);
      },
    ),

  "an upstream's 404 is passed on as it is": (serve) =>
    inWorld(
      serve,
      {
        scripts: [
          accept()
            .readHead()
            .send(respond(404, "none", { "content-type": "text/x" })),
        ],
      },
      async ({ port }) => {
        const answer = await exchange(port, get("/"));
        expect(answer).toMatchObject({ status: 404, text: "none" });
        expect(answer.field("content-type")).toBe("text/x");
        expect(answer.all("proxy-status")).toEqual([]);
      },
    ),

  "a target in absolute form cannot choose the upstream": (serve) =>
    inWorld(serve, { scripts: [PLAIN] }, async ({ port, upstream }) => {
      const answer = await exchange(port, get("http://internal.example/admin?x=1"));
      expect(answer.status).toBe(200);
      expect(upstream.requests()[0]?.path).toBe("/admin?x=1");
      expect(upstream.requests()[0]?.header("host")).toBe("internal.example");
    }),

  "a path with two slashes names no host": (serve) =>
    inWorld(serve, { scripts: [PLAIN] }, async ({ port, upstream }) => {
      await exchange(port, get("//internal.example/admin"));
      expect(upstream.requests()[0]?.path).toBe("//internal.example/admin");
      expect(upstream.requests()[0]?.header("host")).toBe("shop.example");
    }),

  "a path that climbs above its root is refused and not sent": (serve) =>
    inWorld(serve, { scripts: [] }, async ({ port, upstream }) => {
      const answer = await exchange(port, get("/a/..%2f..%2fetc/passwd"));
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.text)).toMatchObject({ code: "bad_request", attempts: 0 });
      expect(upstream.connections()).toBe(0);
    }),

  "a client's request id goes to the upstream and comes back with a failure": (serve) =>
    inWorld(serve, { scripts: null }, async ({ port }) => {
      const answer = await exchange(port, request("GET", "/", { "x-request-id": "req-42" }));
      expect(answer.field("x-request-id")).toBe("req-42");
      expect(JSON.parse(answer.text)).toMatchObject({ requestId: "req-42" });
    }),
};
