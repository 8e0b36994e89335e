/**
 * What a request says towards an upstream of HTTP/2: what cannot be said so is joined, chosen from
 * or refused, and is never taken for a fault of the upstream; a body ends as announced or fails.
 */
import { once } from "node:events";
import { createServer as createHttp1 } from "node:http";
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { PassThrough } from "node:stream";
import { createGateway, type Gateway } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { nodeProxy } from "good-gateway/node";
import { testCertificates } from "good-gateway/testing";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../gallery/tools/world.js";
import { exchange, get } from "./raw-client.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Seen {
  readonly headers: readonly string[];
  bytes: number;
  code: number | null;
}

interface World {
  readonly gateway: Gateway<"app">;
  readonly origin: string;
  readonly port: number;
  readonly seen: Seen[];
}

const certificates = testCertificates();

async function listening(server: Server | Http2Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function world(secure: boolean): Promise<World> {
  const seen: Seen[] = [];
  const server = secure ? createSecureServer(certificates.valid) : createServer();
  const onStream = (stream: ServerHttp2Stream, _: unknown, _flags: number, raw: string[]): void => {
    const one: Seen = { headers: raw, bytes: 0, code: null };
    seen.push(one);
    stream.on("error", () => {});
    stream.on("data", (part: Buffer) => {
      one.bytes += part.length;
    });
    stream.on("end", () => {
      if (stream.destroyed || stream.closed) return;
      stream.respond({ ":status": 200 });
      stream.end("ok");
    });
    stream.on("close", () => {
      one.code = stream.rstCode ?? null;
    });
  };
  server.on("stream", onStream as never);
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => void sessions.add(session));
  const targetPort = await listening(server);
  const origin = secure ? `https://localhost:${targetPort}` : `http://127.0.0.1:${targetPort}`;
  const targets = [{ url: origin, ...(secure ? { tls: { ca: certificates.ca } } : {}) }];
  const app = { targets, allowH2: secure ? true : "h2c" } as const;
  const gateway = createGateway({ name: "edge", upstreams: { app }, onWarning: () => {} });
  const door = createHttp1(nodeProxy(gateway.upstream("app")));
  const port = await listening(door);
  cleanUps.push(() => {
    for (const session of sessions) session.destroy();
    for (const one of [server, door]) one.close();
    door.closeAllConnections();
    return gateway.close();
  });
  return { gateway, origin, port, seen };
}

/** Names that Node's HTTP/2 takes once. */
const TAKEN_ONCE = [
  "access-control-allow-credentials",
  "access-control-max-age",
  "access-control-request-method",
  "age",
  "authorization",
  "content-encoding",
  "content-language",
  "content-location",
  "content-md5",
  "content-range",
  "content-type",
  "date",
  "dnt",
  "etag",
  "expires",
  "from",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-modified",
  "location",
  "max-forwards",
  "proxy-authorization",
  "range",
  "referer",
  "retry-after",
  "tk",
  "upgrade-insecure-requests",
  "user-agent",
  "x-content-type-options",
];

describe.each([
  ["h2c", false],
  ["h2", true],
])("towards an upstream of %s", (_name, secure) => {
  it.each(TAKEN_ONCE)("a field that comes twice counts against nobody: %s", async (name) => {
    const { gateway, port, seen } = await world(secure);
    const twice = get("/").replace("\r\n\r\n", `\r\n${name}: 1\r\n${name}: 2\r\n\r\n`);
    for (let round = 0; round < 6; round += 1) {
      const { status } = await exchange(port, twice);
      expect([200, 400]).toContain(status);
    }
    expect((await exchange(port, get("/"))).status).toBe(200);
    expect(seen.length).toBeLessThanOrEqual(7);
    expect(gateway.upstream("app").targets[0]?.breaker).toBe("closed");
  });

  it("cookies that come apart arrive as one list", async () => {
    const { port, seen } = await world(secure);
    await exchange(port, get("/").replace("\r\n\r\n", "\r\ncookie: a=1\r\ncookie: b=2\r\n\r\n"));
    const { headers } = seen[0] as Seen;
    const cookies = headers.filter((_, at) => headers[at - 1] === "cookie");
    expect(cookies.join("; ")).toBe("a=1; b=2");
  });

  it.each<[string, Record<string, string>]>([
    ["a field of a connection", { "http2-settings": "AAMA" }],
    ["a length without a body", { "content-length": "5" }],
  ])(
    "a call of the application with %s is not repeated and counts for nothing",
    async (_what, headers) => {
      const { gateway, seen } = await world(secure);
      const upstream = gateway.upstream("app");
      const outcome = await upstream.send({ method: "GET", path: "/", headers });
      if (outcome.kind === "no_response") {
        expect(outcome.failure.code).toBe("proxy_internal_error");
        expect(seen).toEqual([]);
      }
      expect(upstream.targets[0]?.breaker).toBe("closed");
      const good = await upstream.send({ method: "GET", path: "/", headers: {} });
      expect(good.kind).toBe("success");
    },
  );

  it.each<[string, (source: PassThrough) => void]>([
    ["that is destroyed", (source) => source.destroy()],
    ["that breaks", (source) => source.destroy(new Error("broken"))],
  ])("an upload %s fails at once, and its stream with it", async (_what, end) => {
    const { gateway, origin, seen } = await world(secure);
    const fetch = gatewayFetch(gateway);
    const source = new PassThrough();
    source.on("error", () => {});
    const body = source as unknown as ReadableStream;
    const upstream = gateway.upstream("app");
    const asked = fetch(`${origin}/`, { method: "POST", body, duplex: "half" } as RequestInit);
    source.write(Buffer.alloc(1_000));
    await eventually("it has begun", () => seen[0]?.bytes === 1_000);
    end(source);
    await expect(asked).rejects.toThrow();
    await eventually("the stream is reset", () => seen[0]?.code !== null);
    // Node ends what it reads of a stream that was reset, so only the code tells.
    expect(seen[0]?.code).toBe(8);
    expect(upstream.targets[0]?.breaker).toBe("closed");
  });
});
