/**
 * Limits that are set, and the answer of each; and text from hooks and options that would change
 * the request around it: it is refused, and nothing of it is sent.
 */
import { createGateway } from "good-gateway";
import { nodeProxy, type ProxyOptions } from "good-gateway/node";
import { accept } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { OK } from "./faults/fault.js";
import { eventually, world } from "./tools/world.js";

const LIMITS = {
  responseHeaderSectionBytesMax: 2_048,
  responseHeaderBytesMax: 512,
  responseHeadersCountMax: 16,
  trailerSectionBytesMax: 512,
  trailerBytesMax: 128,
} as const;

const many = (count: number) =>
  Array.from({ length: count }, (_, index) => `x-${index}: 1\r\n`).join("");

const trailing = (trailers: string) =>
  `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n${trailers}\r\n`;

describe("a limit that is set", () => {
  it.concurrent.each([
    ["a line", `${OK}x: ${"a".repeat(600)}\r\n\r\n`, "http_response_header_size"],
    ["lines", `${OK}${many(20)}\r\n`, "http_response_header_section_size"],
    [
      "a section",
      `${OK}${`x: ${"a".repeat(500)}\r\n`.repeat(5)}\r\n`,
      "http_response_header_section_size",
    ],
    ["a trailer", trailing(`x: ${"a".repeat(200)}\r\n`), "http_response_trailer_size"],
    [
      "trailers",
      trailing(`x: ${"a".repeat(100)}\r\n`.repeat(6)),
      "http_response_trailer_section_size",
    ],
  ])("bounds %s of an answer", async (_what, bytes, code) => {
    const options = { limits: LIMITS, retry: false } as const;
    const ground = await world({ script: accept().readHead().send(bytes).hang(), options });
    const { status, field } = await ground.ask();
    expect(status).toBe(502);
    expect(field("proxy-status")).toContain(`code=${code}`);
    await ground.close();
  });

  it.concurrent("lets through what fits", async () => {
    const bytes = `${OK}${many(10)}content-length: 2\r\n\r\nok`;
    const script = accept().readHead().send(bytes).hang();
    const ground = await world({ script, options: { limits: LIMITS } });
    expect((await ground.ask()).body).toBe("ok");
    await ground.close();
  });
});

describe("text from hooks and options", () => {
  const INJECTIONS: readonly (readonly [string, ProxyOptions])[] = [
    ["a path with a line break", { rewritePath: () => "/x HTTP/1.1\r\nx-admin: 1" }],
    ["a path with a space", { rewritePath: () => "/x y" }],
    ["a path of another host", { rewritePath: () => "http://a@evil.example/x" }],
    ["a value with a line break", { requestHeaders: { "x-a": "1\r\nx-admin: 1" } }],
    ["a value with a NUL", { requestHeaders: { "x-a": "1\0" } }],
    ["a name with a line break", { requestHeaders: { "x-a: 1\r\nx-admin": "1" } }],
    ["a value with a line feed", { requestHeaders: () => ({ "x-a": "1\nx-admin: 1" }) }],
    ["a Host with a line break", { requestHeaders: { host: "a\r\nx-admin: 1" } }],
  ];

  it.concurrent.each(INJECTIONS)("%s is refused, and nothing is sent", async (_name, proxy) => {
    const script = accept().readHead().send(`${OK}content-length: 2\r\n\r\nok`).hang();
    const ground = await world({ script, proxy, options: { retry: false } });
    const { status } = await ground.ask();
    expect([400, 500]).toContain(status);
    expect(ground.played?.heads()).toEqual([]);
    await ground.close();
  });

  it.concurrent.each([
    ["transfer-encoding", "chunked"],
    ["content-length", "0"],
    ["connection", "upgrade"],
    ["upgrade", "websocket"],
    ["trailer", "x"],
    ["expect", "100-continue"],
  ])("a hook cannot frame the request anew with %s", async (name, value) => {
    const script = accept().readHead().readBody().send(`${OK}content-length: 2\r\n\r\nok`).hang();
    const proxy = { requestHeaders: { [name]: value, "x-kept": "1" } };
    const ground = await world({ script, proxy });
    const { status } = await ground.ask({ method: "POST", body: "hello" });
    expect(status).toBe(200);
    const [head = ""] = ground.played?.heads() ?? [];
    expect(head).toContain("x-kept: 1");
    expect(head).toContain("content-length: 5");
    expect(head).not.toMatch(/^(?:transfer-encoding|upgrade|trailer|expect):/im);
    await ground.close();
  });

  it("a Host that is no authority is told when the proxy is made", () => {
    const gateway = createGateway({ upstreams: { app: { targets: "http://127.0.0.1:1" } } });
    expect(() => nodeProxy(gateway.upstream("app"), { host: "a\r\nx-admin: 1" })).toThrow(
      /^host: .* is not "preserve", "target" or a value for Host/,
    );
    gateway.close();
  });
});

describe("the number of upgrades", () => {
  it("is bounded, the next one gets 503, and who leaves makes room", async () => {
    const switching =
      "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    const ground = await world({
      script: accept().readHead().send(`${switching}hello`).hang(),
      options: { limits: { upgradesMax: 1 }, timeouts: { idleMs: 60_000 } },
    });
    const bytes = "GET /x HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let leave = (): void => {};
    const first = ground.ask(
      { bytes },
      {
        onCaller: (socket) => {
          leave = () => void socket.destroy();
          socket.pause();
        },
      },
    );
    await eventually("the first stands", () => ground.played?.heads().length === 1);
    const refused = await ground.ask({ bytes });
    expect(refused.status).toBe(503);
    expect(refused.field("retry-after")).toBeDefined();
    expect(refused.field("proxy-status")).toContain("code=bulkhead_full");
    expect(ground.played?.heads().length).toBe(1);
    leave();
    await first;
    await eventually("there is room", async () => {
      const again = await ground.ask({ bytes }, { limitMs: 200 });
      return again.status !== 503;
    });
    await ground.close();
  });
});
