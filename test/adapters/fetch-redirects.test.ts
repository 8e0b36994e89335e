/**
 * Redirects that `gatewayFetch` follows: each is a call of its own, named by what happened to it,
 * within the time, the limits and the guard of the first.
 */
import { gzipSync } from "node:zlib";
import { gatewayFetch } from "good-gateway/fetch";
import { accept, ok, respond } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { play, rejection, worldOf } from "./fetch-world.js";

const closing = { connection: "close" };
const answer = (text: string | Buffer) => accept().readHead().readBody().send(text).close();
const moved = (location: string, status = 302) =>
  answer(respond(status, "", { location, ...closing }));

describe("a body", () => {
  const stream = () => new Blob(["once"]).stream() as ReadableStream;

  it("is dropped by 303", async () => {
    const upstream = await play([moved("/next", 303), answer(ok("", closing))]);
    const init = { method: "POST", body: stream(), duplex: "half" } as const;
    expect((await gatewayFetch(worldOf(upstream.origin).orders)("/", init)).status).toBe(200);
    expect(upstream.requests().map(({ method }) => method)).toEqual(["POST", "GET"]);
    expect(upstream.bodies().map(String)).toEqual(["once", ""]);
  });

  it("that is a stream cannot follow 307, as in every fetch", async () => {
    const upstream = await play([moved("/next", 307)]);
    const init = { method: "POST", body: stream(), duplex: "half" } as const;
    const error = await rejection(gatewayFetch(worldOf(upstream.origin).orders)("/", init));
    expect(error).toBeInstanceOf(TypeError);
    expect(upstream.bodies().map(String)).toEqual(["once"]);
  });

  it("of a Request follows 308", async () => {
    const upstream = await play([moved("/next", 308), answer(ok("", closing))]);
    const request = new Request(upstream.origin, { method: "PUT", body: "twice" });
    await gatewayFetch(worldOf(upstream.origin).orders)(request);
    expect(upstream.bodies().map(String)).toEqual(["twice", "twice"]);
  });
});

describe("a further request", () => {
  it("that always dies is named and counted as one that was asked for itself", async () => {
    const upstream = await play([
      accept()
        .readHead()
        .send(respond(302, "", { location: "/dies" }))
        .readHead()
        .close(),
      accept().readHead().close(),
    ]);
    const settings = { breaker: { consecutiveFailures: 1 }, retry: { attemptsMax: 1 } };
    const { gateway, orders } = worldOf(upstream.origin, settings);
    const error = await rejection(gatewayFetch(orders)("/go"));
    expect(error).toMatchObject({ code: "connection_terminated" });
    const { breaker } = gateway.snapshot().upstreams[0]?.targets[0] ?? {};
    expect(breaker).toMatchObject({ counted: 2, failed: 1, routes: [{ route: "GET /dies" }] });
  });

  it("is repeated by itself, and what led to it is not sent again", async () => {
    const upstream = await play([
      moved("/next", 303),
      answer(respond(503, "", { ...closing, "retry-after": "0" })),
      answer(ok("there", closing)),
    ]);
    const { orders, ended } = worldOf(upstream.origin, { retry: { backoffBaseMs: 1 } });
    const response = await gatewayFetch(orders)("/", { method: "POST", body: "once" });
    expect(await response.text()).toBe("there");
    expect(ended).toEqual([303, "received_overloaded", 200]);
    expect(upstream.requests().map(({ method }) => method)).toEqual(["POST", "GET", "GET"]);
  });

  it("may leave the prefix of its target, and stays at the target", async () => {
    const upstream = await play([moved("/login"), answer(ok("in", closing))]);
    const { orders } = worldOf(`${upstream.origin}/api`);
    expect(await (await gatewayFetch(orders)("/a")).text()).toBe("in");
    expect(upstream.requests().map(({ path }) => path)).toEqual(["/api/a", "/login"]);
  });

  it("has what is left of the time of the first", async () => {
    const other = await play([accept().readHead().hang()]);
    const upstream = await play([moved(other.origin)]);
    const { orders } = worldOf(upstream.origin, { retry: false, timeouts: { totalMs: 1_500 } });
    const error = await rejection(gatewayFetch(orders)("/"));
    expect(error).toMatchObject({ code: "deadline_exceeded" });
    expect(other.requests()).toHaveLength(1);
  });

  it("to another origin keeps the limits of the upstream", async () => {
    const other = await play([answer(ok("x".repeat(5_000), closing))]);
    const upstream = await play([moved(other.origin)]);
    const { orders } = worldOf(upstream.origin, { limits: { responseBodyBytesMax: 1_000 } });
    const error = await rejection(gatewayFetch(orders)("/").then((response) => response.text()));
    expect((error as Error).cause ?? error).toMatchObject({ code: "http_response_body_size" });
  });

  it("to another origin keeps the guard of the upstream", async () => {
    const other = await play([]);
    const location = other.origin.replace("127.0.0.1", "127.0.0.2");
    const upstream = await play([moved(location)], { loop: true });
    const { gateway, orders } = worldOf(upstream.origin, {
      retry: false,
      addresses: { forbid: ["loopback"], allow: ["127.0.0.1"] },
    });
    const refused = { code: "destination_ip_prohibited" };
    expect(await rejection(gatewayFetch(orders)("/"))).toMatchObject(refused);
    // The guard is that upstream's, and meets no other call.
    expect(await rejection(gatewayFetch(gateway)(location))).not.toMatchObject(refused);
  });
});

describe("responseBodyBytesMax", () => {
  const packed = gzipSync(Buffer.alloc(500_000));
  const bomb = (length: number) =>
    Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${length}\r\n`),
      Buffer.from("connection: close\r\n\r\n"),
      packed,
    ]);

  it.each([
    [499_999, false],
    [500_000, true],
  ])("of %i for a body that is 500,000 bytes when it is decoded", async (limit, isWhole) => {
    const upstream = await play([answer(bomb(packed.length))]);
    const limits = { responseBodyBytesMax: limit };
    const response = await gatewayFetch(worldOf(upstream.origin, { limits }).orders)("/");
    const bytes = await response.arrayBuffer().then(
      ({ byteLength }) => byteLength,
      ({ cause }) => cause.code as string,
    );
    expect(bytes).toBe(isWhole ? 500_000 : "http_response_body_size");
  });
});
