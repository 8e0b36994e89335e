/**
 * Fields and paths on their way through a proxy, and what hooks change of them.
 */
import { FAILURES, type ProxyOptions, type Refusal } from "good-gateway";
import { accept, ok, respond } from "good-gateway/testing";
import { expect } from "vitest";
import type { World } from "../../gallery/tools/world.js";
import type { Asked, Door } from "../door.js";
import {
  at,
  codesOf,
  type DoorPromise,
  either,
  isFine,
  ofProxies,
  ofRequests,
  WORKS,
  works,
} from "../promise.js";

const ofHpm = ({ engine }: Door): string | null =>
  engine === "http-proxy-middleware" ? "option" : null;

/** What the upstream was sent. */
async function sent(door: Door, proxy: ProxyOptions, asked: Asked) {
  let seen: ReturnType<NonNullable<World["played"]>["requests"]>[number] | undefined;
  await at(door, { script: works(door), proxy }, async (ground) => {
    expect(isFine(await ground.ask(asked), door)).toBe(true);
    seen = ground.played?.requests()[0];
  });
  return seen;
}

const LIES = {
  "x-forwarded-for": "10.9.9.9",
  "x-forwarded-proto": "https",
  forwarded: "for=10.9.9.9;proto=https",
};

export const FORWARDING: readonly DoorPromise[] = [
  {
    name: "fields of one hop stay on their hop, in the request",
    cannot: ofProxies,
    show: async (door) => {
      const one = door.http2 === true ? {} : { te: "gzip", "keep-alive": "timeout=9" };
      const fields = { "proxy-authorization": "Basic x", "x-kept": "yes", ...one };
      const seen = await sent(door, {}, { fields });
      expect(seen?.header("x-kept")).toBe("yes");
      for (const name of ["proxy-authorization", "te", "keep-alive", "proxy-connection"]) {
        expect(seen?.header(name), name).toBeUndefined();
      }
    },
  },
  {
    name: "fields that Connection names stay on their hop",
    cannot: either(ofProxies, ({ http2, requests }) =>
      http2 === true || requests === true ? "HTTP/1.1" : null,
    ),
    show: async (door) => {
      const connection = door.kind === "upgrade" ? "upgrade, x-hop" : "x-hop";
      const seen = await sent(door, {}, { fields: { connection, "x-hop": "1", "x-kept": "1" } });
      expect([seen?.header("x-hop"), seen?.header("x-kept")]).toEqual([undefined, "1"]);
    },
  },
  {
    name: "fields of one hop stay on their hop, in the answer",
    cannot: either(ofProxies, ofRequests),
    show: (door) => {
      const fields = {
        connection: "x-inner",
        "x-inner": "1",
        "proxy-authenticate": "Basic",
        "keep-alive": "timeout=99",
        "x-kept": "yes",
      };
      const script = accept().readHead().readBody().send(ok("", fields)).hang();
      return at(door, { script }, async ({ ask }) => {
        const answer = await ask();
        expect(answer.field("x-kept")).toBe("yes");
        expect(answer.field("x-inner")).toBeUndefined();
        expect(answer.field("proxy-authenticate")).toBeUndefined();
        expect(answer.field("keep-alive") ?? "").not.toContain("99");
      });
    },
  },
  {
    name: "the upstream is told who asked, and not what the client says about it",
    cannot: ofProxies,
    show: async (door) => {
      const seen = await sent(door, {}, { fields: LIES });
      expect(seen?.header("x-forwarded-for")).toBe("127.0.0.1");
      expect(seen?.header("x-forwarded-proto")).toBe("http");
      expect(seen?.header("x-forwarded-host")).toBe("edge.example");
      expect(seen?.header("forwarded")).toBe("for=127.0.0.1;proto=http;host=edge.example");
      expect(seen?.header("via")).toMatch(/^(1\.1|2\.0|2) edge/);
      expect(seen?.header("x-request-id")).toBeTruthy();
    },
  },
  {
    name: "a trusted client's forwarding fields are continued, in the form that is asked for",
    shows: ["proxy.forwarded", "forwarded.trust", "forwarded.fields"],
    cannot: ofProxies,
    show: async (door) => {
      const forwarded = { trust: ["127.0.0.0/8"], fields: "x-forwarded" as const };
      const seen = await sent(door, { forwarded }, { fields: LIES });
      expect(seen?.header("x-forwarded-for")).toBe("10.9.9.9, 127.0.0.1");
      expect(seen?.header("x-forwarded-proto")).toBe("https");
      expect(seen?.header("forwarded")).toBeUndefined();
    },
  },
  {
    name: "forwarded: false passes the client's own fields as they came",
    shows: ["proxy.forwarded"],
    cannot: ofProxies,
    show: async (door) => {
      const seen = await sent(door, { forwarded: false }, { fields: LIES });
      expect(seen?.header("x-forwarded-for")).toBe("10.9.9.9");
      expect(seen?.header("forwarded")).toBe(LIES.forwarded);
      expect(seen?.header("x-forwarded-host")).toBeUndefined();
    },
  },
  {
    name: "a field that says who a client is goes on where it is kept, and not otherwise",
    shows: ["forwarded.keep"],
    cannot: ofProxies,
    show: async (door) => {
      const fields = { "cf-ipcountry": "NZ", "x-original-url": "/other" };
      const keep = await sent(door, { forwarded: { keep: ["cf-ipcountry"] } }, { fields });
      expect([keep?.header("cf-ipcountry"), keep?.header("x-original-url")]).toEqual([
        "NZ",
        undefined,
      ]);
    },
  },
  {
    name: "the client's Host is preserved, or the target's is sent where that is asked for",
    shows: ["proxy.host"],
    cannot: ofProxies,
    show: async (door) => {
      expect((await sent(door, {}, {}))?.header("host")).toBe("edge.example");
      expect((await sent(door, { host: "target" }, {}))?.header("host")).toMatch(/^127.0.0.1:\d+$/);
    },
  },
  {
    name: "a request that has been here before is a loop",
    cannot: ofProxies,
    show: (door) =>
      at(door, { script: works(door) }, async (ground) => {
        const answer = await ground.ask({ fields: { via: "1.1 elsewhere, 1.1 edge" } });
        expect([answer.status, answer.failure?.code]).toEqual([502, "loop_detected"]);
        expect(ground.sent()).toBe(0);
      }),
  },
  {
    name: "a client's request id goes to the upstream",
    cannot: ofProxies,
    show: async (door) => {
      const seen = await sent(door, {}, { fields: { "x-request-id": "req-42" } });
      expect(seen?.header("x-request-id")).toBe("req-42");
    },
  },
  {
    name: "a path with two slashes names no host",
    show: (door) =>
      at(door, { script: works(door) }, async (ground) => {
        const answer = await ground.ask({
          path: "//internal.example/admin",
          fields: { authorization: "Bearer x" },
        });
        expect(isFine(answer, door)).toBe(true);
        expect(ground.played?.requests()[0]?.path).toBe("//internal.example/admin");
      }),
  },
];

export const HOOKS: readonly DoorPromise[] = [
  {
    name: "the path that is sent can be rewritten",
    shows: ["proxy.rewritePath"],
    cannot: ofProxies,
    show: async (door) => {
      const rewritePath = (path: string) => path.replace(/^\/api/, "");
      const later = async (path: string) => rewritePath(path);
      expect((await sent(door, { rewritePath: later }, { path: "/api/a?b" }))?.path).toBe("/a?b");
      for (const [path, wanted] of [
        ["/api/7?x=1", "/7?x=1"],
        ["/api", "/"],
        ["/api?x=1", "/?x=1"],
        ["/other", "/other"],
      ] as const) {
        expect((await sent(door, { rewritePath }, { path }))?.path).toBe(wanted);
      }
    },
  },
  {
    name: "fields of the request can be set and removed",
    shows: ["proxy.requestHeaders"],
    cannot: either(ofProxies, ofHpm),
    show: async (door) => {
      const requestHeaders = () => ({ cookie: undefined, "x-set": "1" });
      const seen = await sent(
        door,
        { requestHeaders },
        { fields: { cookie: "a=b", "x-kept": "1" } },
      );
      expect([seen?.header("cookie"), seen?.header("x-set"), seen?.header("x-kept")]).toEqual([
        undefined,
        "1",
        "1",
      ]);
    },
  },
  {
    name: "admit lets requests pass, and refuses by name",
    shows: ["proxy.admit"],
    cannot: ofProxies,
    show: (door) => {
      const admit: ProxyOptions["admit"] = async (req) =>
        new URL(req.url ?? "", "http://a.test").pathname === "/no"
          ? { refuse: "request_denied" as const }
          : undefined;
      return at(door, { script: works(door), proxy: { admit } }, async (ground) => {
        const refused = await ground.ask({ path: "/no" });
        expect([refused.status, refused.failure?.code]).toEqual([403, "request_denied"]);
        expect(ground.sent()).toBe(0);
        expect(isFine(await ground.ask({ path: "/yes" }), door)).toBe(true);
      });
    },
  },
  {
    name: "a refusal of admit carries fields, and one that no answer can have fails by name",
    shows: ["proxy.admit"],
    cannot: ofProxies,
    show: (door) => {
      const headers: Readonly<Record<string, object>> = {
        "/limit": { RateLimit: '"default";r=0;t=30', "X-Why": "too many" },
        "/length": { "Content-Length": "3" },
        "/split": { "X-Why": "a\r\nSet-Cookie: b=c" },
        "/number": { "X-Why": 3 },
      };
      const admit = (req: { readonly url?: string | undefined }) => {
        const { pathname } = new URL(req.url ?? "", "http://a.test");
        const given = headers[pathname];
        if (given === undefined) return null;
        return { refuse: "rate_limited", retryAfterMs: 30_000, headers: given } as Refusal;
      };
      return at(door, { script: works(door), proxy: { admit } }, async (ground) => {
        const refused = await ground.ask({ path: "/limit" });
        expect([refused.status, refused.failure?.code]).toEqual([429, "rate_limited"]);
        const fields = refused.fields.map(([name, value]) => [name.toLowerCase(), value]);
        expect(fields).toContainEqual(["ratelimit", '"default";r=0;t=30']);
        expect(fields).toContainEqual(["x-why", "too many"]);
        expect(fields).toContainEqual(["retry-after", "30"]);
        for (const path of ["/length", "/split", "/number"]) {
          const { status, failure, fields: sent } = await ground.ask({ path });
          expect([status, failure?.code]).toEqual([500, "proxy_configuration_error"]);
          expect(sent.some(([name]) => /^(set-cookie|x-why)$/i.test(name))).toBe(false);
        }
        expect(ground.sent()).toBe(0);
        expect(isFine(await ground.ask({ path: "/yes" }), door)).toBe(true);
      });
    },
  },
  {
    name: "a hook that throws fails its own request, and no other",
    shows: ["proxy.admit"],
    cannot: ofProxies,
    show: (door) => {
      const admit: NonNullable<ProxyOptions["admit"]> = (req) => {
        if (new URL(req.url ?? "", "http://a.test").pathname !== "/no") return null;
        throw new Error("a hook of the user");
      };
      return at(door, { script: works(door), proxy: { admit } }, async (ground) => {
        const failed = await ground.ask({ path: "/no" });
        expect([failed.status, failed.failure?.code]).toEqual([500, "proxy_internal_error"]);
        expect(failed.body).not.toContain("a hook of the user");
        expect(isFine(await ground.ask({ path: "/yes" }), door)).toBe(true);
      });
    },
  },
  {
    name: "onFailure is called before a failure is answered, and may answer itself",
    shows: ["proxy.onFailure"],
    // Its hook is given a Request, and returns a Response.
    cannot: either(ofProxies, ofRequests, ({ requests }) => (requests === true ? "Request" : null)),
    show: (door) => {
      const told: string[] = [];
      const onFailure: ProxyOptions["onFailure"] = ({ code }, { res }) => {
        told.push(code);
        res.statusCode = 418;
        res.end("own words");
      };
      const script = accept().readHead().close();
      const options = { retry: false as const };
      return at(door, { script, options, proxy: { onFailure } }, async (ground) => {
        const answer = await ground.ask();
        expect([answer.status, answer.body]).toEqual([418, "own words"]);
        expect(told).toEqual(["connection_terminated"]);
      });
    },
  },
  {
    name: "onFailure gets the blame, the status of the answer, and a summary",
    shows: ["proxy.onFailure"],
    cannot: ofProxies,
    show: async (door) => {
      const told: unknown[] = [];
      const proxy = {
        onFailure({ code }, { blame, status, summary }) {
          told.push([code, blame, status, FAILURES[code].summary === summary]);
        },
      } satisfies ProxyOptions;
      const rest = { statusPolicy: () => 599 };
      for (const script of [
        accept().readHead().close(),
        accept().readHead().send(respond(503, "busy")).hang(),
      ]) {
        await at(door, { script, options: { retry: false }, proxy, rest }, async ({ ask }) => {
          told.push((await ask()).status);
        });
      }
      expect(told).toEqual([
        ["connection_terminated", "upstream", 599, true],
        599,
        ["received_gateway_error", "upstream", 503, true],
        503,
      ]);
    },
  },
  {
    name: "an onFailure that throws changes nothing of the answer",
    shows: ["proxy.onFailure"],
    cannot: ofProxies,
    show: (door) => {
      const onFailure = (): never => {
        throw new Error("a hook of the user");
      };
      const script = accept().readHead().close();
      const options = { retry: false as const };
      return at(door, { script, options, proxy: { onFailure } }, async (ground) => {
        const answer = await ground.ask();
        expect([answer.status, answer.failure?.code]).toEqual([502, "connection_terminated"]);
      });
    },
  },
  {
    name: "answers tell as much about the inside as they may",
    shows: ["proxy.diagnostics"],
    cannot: ofProxies,
    show: async (door) => {
      const script = accept().readHead().close();
      const field = async (diagnostics: ProxyOptions["diagnostics"]): Promise<string> => {
        let said = "";
        const proxy = diagnostics === undefined ? {} : { diagnostics };
        await at(door, { script, options: { retry: false }, proxy }, async ({ ask }) => {
          const answer = await ask();
          said = `${answer.field("proxy-status")} ${answer.body}`;
        });
        return said;
      };
      expect(await field("none")).not.toMatch(/code=|blame|127\.0\.0\.1/);
      expect(await field("code")).toMatch(/code=connection_terminated/);
      expect(await field("code")).not.toMatch(/127\.0\.0\.1/);
      expect(await field(() => "full")).toMatch(/127\.0\.0\.1/);
    },
  },
  {
    name: "a tunnel is opened for websocket alone, unless others are named",
    shows: ["proxy.upgrades"],
    cannot: either(ofProxies, ({ kind }) => (kind === "upgrade" ? null : "upgrade")),
    show: async (door) => {
      const fields = { upgrade: "x-own" };
      const script = accept()
        .readHead()
        .send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x-own\r\n\r\n")
        .hang();
      const options = { retry: false as const };
      await at(door, { script, options }, async (ground) => {
        expect((await ground.ask({ fields })).status).not.toBe(101);
      });
      await at(door, { script, options, proxy: { upgrades: ["x-own"] } }, async (ground) => {
        expect((await ground.ask({ fields })).status).toBe(101);
      });
    },
  },
];

export const PASSED_ON: readonly DoorPromise[] = [
  {
    name: "a path and its query are sent as they came, without a body that was not there",
    show: (door) =>
      at(door, { script: works(door) }, async (ground) => {
        await ground.ask({ path: "/a%20b/%C3%BC?q=1&r=%2F&r" });
        const seen = ground.played?.requests()[0];
        expect(seen?.path).toBe("/a%20b/%C3%BC?q=1&r=%2F&r");
        expect(seen?.header("content-length")).toBeUndefined();
        expect(seen?.header("transfer-encoding")).toBeUndefined();
      }),
  },
  {
    name: "a field that comes several times is passed on as often",
    // undici 7 joins them for handlers of the style that Node's fetch has, behind any interceptor.
    cannot: either(ofRequests, ({ engine, bodies }) =>
      engine === "dispatcher" && bodies === "fetch" ? "agent" : null,
    ),
    show: (door) => {
      const fields = { "set-cookie": ["a=1; Path=/", "b=2", "c=3"] };
      const script = accept().readHead().readBody().send(ok("", fields)).hang();
      return at(door, { script }, async ({ ask }) => {
        const cookies = (await ask()).fields.filter(([name]) => /^set-cookie$/i.test(name));
        expect(cookies.map(([, value]) => value)).toEqual(fields["set-cookie"]);
      });
    },
  },
  {
    name: "HEAD, 204, 205 and 304 have their fields and no body",
    cannot: ofRequests,
    show: async (door) => {
      for (const [method, text, status] of [
        ["HEAD", 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\netag: "v"\r\n\r\n', 200],
        ["GET", 'HTTP/1.1 204 No Content\r\netag: "v"\r\n\r\n', 204],
        ["GET", 'HTTP/1.1 304 Not Modified\r\netag: "v"\r\n\r\n', 304],
        ["GET", 'HTTP/1.1 304 Not Modified\r\netag: "v"\r\n\r\nhello', 304],
        // RFC 9110 §15.3.6: what an upstream sends with it goes no further.
        ["GET", 'HTTP/1.1 205 Reset\r\ncontent-length: 5\r\netag: "v"\r\n\r\nhello', 205],
      ] as const) {
        if (status === 205 && door.kind !== "proxy") continue;
        await at(door, { script: accept().readHead().send(text).hang() }, async ({ ask }) => {
          const { ending, status: got, bytes, field } = await ask({ method });
          expect([ending, got, bytes.byteLength, field("etag")]).toEqual([
            "whole",
            status,
            0,
            '"v"',
          ]);
        });
      }
    },
  },
  {
    name: "an upstream's 404 and 503 are passed on as they are",
    cannot: ofRequests,
    show: async (door) => {
      for (const status of [404, 503]) {
        const script = accept()
          .readHead()
          .readBody()
          .send(respond(status, "own words", { "content-type": "text/x", "retry-after": "7" }))
          .hang();
        await at(door, { script, options: { retry: false } }, async ({ ask }) => {
          const answer = await ask();
          expect([answer.status, answer.body]).toEqual([status, "own words"]);
          expect([answer.field("content-type"), answer.field("retry-after")]).toEqual([
            "text/x",
            "7",
          ]);
        });
      }
    },
  },
  {
    name: "a Proxy-Status that the upstream made up is dropped, and kept where it is trusted",
    shows: ["upstream.trustProxyStatus"],
    cannot: either(ofProxies, ofRequests),
    show: async (door) => {
      const said = { "proxy-status": "elsewhere; error=dns_error" };
      const script = accept()
        .readHead()
        .readBody()
        .send(respond(200, "", said))
        .hang();
      const field = async (trustProxyStatus: boolean): Promise<string | undefined> => {
        let got: string | undefined;
        await at(door, { script, options: { trustProxyStatus } }, async ({ ask }) => {
          got = (await ask()).field("proxy-status");
        });
        return got;
      };
      expect(await field(false)).toBeUndefined();
      expect(await field(true)).toContain("elsewhere");
    },
  },
  {
    name: "a trusted caller's deadline and attempt go on, in the fields that are named",
    shows: [
      "upstream.layers",
      "layers.deadlineHeader",
      "layers.attemptHeader",
      "layers.sendDeadline",
    ],
    cannot: ofRequests,
    show: (door) => {
      const layers = {
        deadlineHeader: "x-time-left",
        attemptHeader: "x-attempt",
        sendDeadline: "always" as const,
      };
      const scripts = [accept().readHead().readBody().close(), WORKS];
      const options = { layers, retry: { attemptsMax: 2, backoffBaseMs: 1 } };
      return at(door, { scripts, options }, async (ground) => {
        await ground.ask();
        const seen = ground.played?.requests() ?? [];
        expect(Number(seen[0]?.header("x-time-left"))).toBeGreaterThan(0);
        expect(seen.map((one) => one.header("x-attempt"))).toEqual(
          door.repeats ? [undefined, "2"] : [undefined],
        );
      });
    },
  },
  {
    name: "an answer says to the layer in front that it must not be repeated, unless told not to",
    shows: ["layers.markAnswers"],
    cannot: either(ofProxies, ofRequests),
    show: async (door) => {
      const script = accept().readHead().readBody().close();
      const marked = async (markAnswers: boolean): Promise<boolean> => {
        let got = false;
        await at(door, { script, options: { layers: { markAnswers } } }, async ({ ask }) => {
          const fields = { "x-request-id": "4f1c9d0a", "x-forwarded-proto": "http" };
          const answer = await ask({ method: "POST", body: "x", fields });
          got = answer.field("x-envoy-ratelimited") !== undefined;
        });
        return got;
      };
      expect([await marked(true), await marked(false)]).toEqual([true, false]);
    },
  },
  {
    name: "one call is one record, which tells who is to blame",
    show: (door) =>
      at(door, { script: works(door) }, async (ground) => {
        await ground.ask();
        expect(await codesOf(ground, 1)).toEqual([null]);
      }),
  },
];
