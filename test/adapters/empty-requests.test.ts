/**
 * Requests without a body: whether one says `Content-Length: 0` is the client's word, which it may
 * have signed. Compared in the bytes that arrive.
 */

import { once } from "node:events";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { createGateway } from "good-gateway";
import { accept, ok, type Script } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { ask2 } from "./http2-client.js";
import { HTTP2_SERVERS } from "./http2-servers.js";
import { exchange, request } from "./raw-client.js";
import { PROXY_SERVERS, type ProxyServer } from "./servers.js";
import { inWorld } from "./world.js";

const METHODS = ["GET", "HEAD", "DELETE", "OPTIONS", "POST", "PUT", "PATCH"];
/** All but HEAD, behind which undici closes: a change of one head must show in no other. */
const KEPT = METHODS.filter((method) => method !== "HEAD");
const ANSWERED = accept().readHead().send(ok("ok"));
const HEAD_ANSWERED = accept().readHead().send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");

/** What says where the body ends, for each method. */
async function arriving(serve: ProxyServer, fields: Readonly<Record<string, string>>) {
  const got: Record<string, readonly string[]> = {};
  const over = async (methods: readonly string[], script: Script): Promise<void> =>
    inWorld(serve, { scripts: [script] }, async ({ port, upstream }) => {
      for (const method of methods) {
        const { status } = await exchange(port, request(method, "/", fields));
        expect(status, method).toBe(200);
        const { headers = [] } = upstream.requests().at(-1) ?? {};
        const framing = headers.filter(([name]) => FRAMING.test(name));
        got[method] = framing.map(([name, value]) => `${name}: ${value}`);
      }
    });
  await over(["HEAD"], HEAD_ANSWERED);
  await over(
    KEPT,
    KEPT.slice(1).reduce((script) => script.readHead().send(ok("ok")), ANSWERED),
  );
  return got;
}

const FRAMING = /^(?:content-length|transfer-encoding)$/i;

const all = (lines: readonly string[]) =>
  Object.fromEntries(METHODS.map((method) => [method, lines]));

describe.each(Object.entries(PROXY_SERVERS))("through %s", (_name, serve) => {
  it("Content-Length: 0 is sent on, whatever the method", async () => {
    expect(await arriving(serve, { "content-length": "0" })).toEqual(all(["content-length: 0"]));
  });

  it("no length stays none, whatever the method", async () => {
    expect(await arriving(serve, {})).toEqual(all([]));
  });
});

describe.each(Object.entries(HTTP2_SERVERS))("through %s", (_name, serve) => {
  it.each<[string, number | undefined]>([
    ["said", 0],
    ["not said", undefined],
  ])("a length of 0 that is %s arrives so", async (_what, length) => {
    const script = accept().readHead().send(ok("ok")).readHead().send(ok("ok"));
    await inWorld(serve, { scripts: [script] }, async ({ port, upstream }) => {
      for (const method of ["GET", "POST"]) {
        const more = length === undefined ? {} : { "content-length": length };
        const answer = await ask2(`http://127.0.0.1:${port}`, { ":method": method, ...more });
        expect(answer.status).toBe(200);
      }
      const lengths = upstream.requests().map((one) => one.header("content-length"));
      expect(lengths).toEqual(length === undefined ? [undefined, undefined] : ["0", "0"]);
    });
  });
});

it("an upstream of HTTP/2 gets the same", async () => {
  const lengths: unknown[] = [];
  const sessions: ServerHttp2Session[] = [];
  const upstream = createServer((req, res) => {
    lengths.push(req.headers["content-length"]);
    res.end("ok");
  }).on("session", (session) => sessions.push(session));
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const { port } = upstream.address() as AddressInfo;
  const app = { targets: `http://127.0.0.1:${port}`, allowH2: "h2c" as const };
  const gateway = createGateway({ upstreams: { app } });
  const server = await (PROXY_SERVERS["node:http"] as ProxyServer)(gateway.upstream("app"), {});
  try {
    for (const fields of [{}, { "content-length": "0" }]) {
      for (const method of ["GET", "POST"]) {
        expect((await exchange(server.port, request(method, "/", fields))).status).toBe(200);
      }
    }
    expect(lengths).toEqual([undefined, undefined, "0", "0"]);
  } finally {
    await server.close();
    gateway.close();
    for (const session of sessions) session.destroy();
    upstream.close();
  }
});
