/**
 * What comes back through `gatewayInterceptor` is what a bare agent gives, to every function of
 * undici and with undici's own interceptors around and beneath: heads, bytes, counts and errors.
 */
import { type Readable, Writable } from "node:stream";
import { gzipSync } from "node:zlib";
import { createGateway } from "good-gateway";
import { gatewayInterceptor } from "good-gateway/undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Compared, type Served, same, serve } from "./undici-compared.js";
import { UNDICIS, type Undici, type UndiciAgent } from "./undici-versions.js";

let server: Served;
let asked = 0;
/** What the next request to a path that fails at first gets. */
let failing = true;

const PAGES: Readonly<Record<string, (...args: Parameters<Parameters<typeof serve>[0]>) => void>> =
  {
    "/info": (_req, res) => {
      res.writeProcessing();
      res.writeEarlyHints({ link: "</style.css>; rel=preload" });
      res.end("ok");
    },
    "/trailers": (req, res) => {
      const trailer = req.method === "HEAD" ? {} : { trailer: "x-sum" };
      res.writeHead(200, "Fine", { ...trailer, "X-A": ["1", "é"] });
      if (req.method !== "HEAD") res.addTrailers({ "x-sum": "7" });
      res.end("ok");
    },
    "/none": (_req, res) => void res.writeHead(204).end(),
    "/long": (_req, res) => void res.end("x".repeat(3_000_000)),
    "/gzip": (_req, res) => void res.setHeader("content-encoding", "gzip").end(gzipSync("text")),
    "/cached": (_req, res) => void res.setHeader("cache-control", "max-age=60").end("cached"),
    "/error": (_req, res) => void res.writeHead(503, { "retry-after": "0" }).end("no"),
    "/cut": (_req, res) => {
      res.writeHead(200, { "content-length": 9 });
      res.write("abc", () => res.destroy());
    },
    "/reset": (req) => void req.socket.resetAndDestroy(),
    "/silent": () => {},
    "/stalls": (_req, res) => {
      res.writeHead(200, { "content-length": 9 });
      res.write("abc");
    },
    "/found": (_req, res) => void res.writeHead(302, { location: "/none" }).end(),
    "/temporary": (_req, res) => void res.writeHead(307, { location: "/echo" }).end(),
    "/loop": (_req, res) => void res.writeHead(302, { location: "/loop" }).end(),
    "/echo": (req, res) => void req.pipe(res),
    "/twice": (_req, res) => {
      failing = !failing;
      if (failing) res.end("ok");
      else res.writeHead(503).end("no");
    },
  };

beforeAll(async () => {
  server = await serve((req, res) => {
    asked += 1;
    res.sendDate = false;
    PAGES[req.url as string]?.(req, res);
  });
});
afterAll(() => server.close());

const TIMES = { headersTimeout: 300, bodyTimeout: 300 };

/** Everything that `request` tells of an answer. */
function told(undici: Undici, path: string, more: () => object = () => ({})) {
  return async (agent: UndiciAgent): Promise<unknown> => {
    asked = 0;
    failing = true;
    const infos: unknown[] = [];
    const onInfo = (info: unknown): void => void infos.push(info);
    const options = { ...TIMES, onInfo, ...more(), dispatcher: agent };
    const answer = await undici.request(server.origin + path, options);
    const { statusCode, statusText, headers, trailers, body } = answer;
    const text = await body.text().catch((error: { code?: unknown }) => error.code);
    return { statusCode, statusText, headers, trailers, text, infos, asked };
  };
}

function fetched(undici: Undici, path: string) {
  return async (agent: UndiciAgent): Promise<unknown> => {
    const init = { dispatcher: agent } as unknown as RequestInit;
    const answer = await undici.fetch(server.origin + path, init);
    return [answer.status, [...answer.headers], await answer.text()];
  };
}

const INTERCEPTORS: Readonly<Record<string, object>> = {
  redirect: { maxRedirections: 3 },
  retry: { maxRetries: 2, minTimeout: 5, timeoutFactor: 1 },
  cache: {},
  decompress: { skipErrorResponses: false },
  responseError: {},
  dump: {},
};

describe.each(UNDICIS)("%s", (_name, undici) => {
  const own = undici as Undici;
  const test = it.skipIf(undici === null);
  const compared = (run: (agent: UndiciAgent) => Promise<unknown>, how?: Compared) =>
    same(own, server.origin, run, how);

  test.each(Object.keys(PAGES))("request: %s", async (path) => {
    await compared(told(own, path));
    if (path !== "/stalls") await compared(told(own, path, () => ({ method: "HEAD" })));
  });

  test.each(["/info", "/trailers", "/gzip", "/found", "/long"])("fetch: %s", async (path) => {
    await compared(fetched(own, path));
  });

  test("stream and pipeline have every byte, and what they were given", async () => {
    await compared(async (agent) => {
      let text = "";
      const write = (chunk: Buffer, _encoding: unknown, done: () => void): void => {
        text += chunk.toString();
        done();
      };
      const options = { method: "POST", body: "up", opaque: { a: 1 }, dispatcher: agent };
      await own.stream(
        `${server.origin}/echo`,
        options,
        ({ statusCode, headers, opaque }: never) => {
          text += JSON.stringify([statusCode, headers, opaque]);
          return new Writable({ write });
        },
      );
      return text;
    });
    await compared(async (agent) => {
      const options = { method: "POST", opaque: 7, dispatcher: agent };
      const through = (answer: { body: Readable }) => answer.body;
      const pipe = own.pipeline(`${server.origin}/echo`, options, through);
      pipe.end("up and down");
      return Buffer.concat(await pipe.toArray()).toString();
    });
  });

  describe.each(Object.entries(INTERCEPTORS))("with the interceptor %s", (name, options) => {
    const made = (): unknown => own.interceptors[name]?.(options);
    const paths = [
      "/info",
      "/gzip",
      "/cached",
      "/error",
      "/found",
      "/temporary",
      "/loop",
      "/twice",
    ];

    test.each(paths)("around and beneath: %s", async (path) => {
      const twice = async (agent: UndiciAgent) => [
        await told(own, path)(agent),
        await told(own, path, () => ({ method: "PUT", body: "text" }))(agent),
      ];
      await compared(twice, { around: [made()] });
      await compared(twice, { beneath: [made()] });
    });
  });

  test("one that changes an answer's fields is believed", async () => {
    const gateway = createGateway({ upstreams: { app: { targets: server.origin } } });
    const agent = new own.Agent();
    const beneath = agent.compose(own.interceptors["decompress"]?.({}));
    const composed = beneath.compose(gatewayInterceptor(gateway));
    const { headers, text } = (await told(own, "/gzip")(composed)) as Readonly<
      Record<"headers" | "text", Record<string, unknown>>
    >;
    expect([headers["content-encoding"], text as unknown]).toEqual([undefined, "text"]);
    gateway.close();
    await agent.destroy();
  });
});
