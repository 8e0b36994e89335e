/**
 * `gatewayFetch` as a drop-in for the built-in fetch: what goes in, and what comes out.
 */
import { getEventListeners } from "node:events";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { gatewayFetch } from "good-gateway/fetch";
import { accept, ok, refusingPort, respond, testCertificates } from "good-gateway/testing";
import { describe, expect, it, vi } from "vitest";
import { collectGarbage, play, rejection, worldOf } from "./fetch-world.js";

const answer = (text: string) => accept().readHead().readBody().send(text).close();
const closing = { connection: "close" };

describe("what comes out", () => {
  it("is the built-in fetch's own Response, and its JSON", async () => {
    const json = { "content-type": "application/json", ...closing };
    const upstream = await play([answer(ok('{"id":7}', json))]);
    const response = await gatewayFetch(worldOf(upstream.origin).orders)("/v1/orders/7?all=1");
    expect(response).toBeInstanceOf(Response);
    expect(response.status).toBe(200);
    expect(response.url).toBe(`${upstream.origin}/v1/orders/7?all=1`);
    expect(await response.json()).toEqual({ id: 7 });
    expect(upstream.requests()[0]?.path).toBe("/v1/orders/7?all=1");
    expect(upstream.requests()[0]?.header("user-agent")).toBe("node");
    await upstream.verify();
  });

  it("keeps repeated fields apart and their bytes as they came", async () => {
    const fields = { "set-cookie": ["a=1", "b=2"], "x-odd": "caf\u00e9", ...closing };
    const bytes = () => Buffer.from(ok("", fields), "latin1");
    const upstream = await play([accept().readHead().send(bytes).close()]);
    const response = await gatewayFetch(worldOf(upstream.origin).orders)("/");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(response.headers.get("x-odd")).toBe("caf\u00e9");
  });

  it("streams a body while it comes in", async () => {
    let goOn = (): void => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    const upstream = await play([
      accept()
        .readHead()
        .send(`${head}3\r\none\r\n`)
        .waitFor(gate)
        .send("3\r\ntwo\r\n0\r\n\r\n")
        .close(),
    ]);
    const response = await gatewayFetch(worldOf(upstream.origin).orders)("/");
    const reader = response.body?.getReader();
    const first = await reader?.read();
    expect(Buffer.from(first?.value ?? []).toString()).toBe("one");
    goOn();
    const second = await reader?.read();
    expect(Buffer.from(second?.value ?? []).toString()).toBe("two");
    expect((await reader?.read())?.done).toBe(true);
    await upstream.verify();
  });

  it("passes on a large body whole, however slowly it is read", async () => {
    const text = "0123456789abcdef".repeat(65_536);
    const upstream = await play([answer(ok(text, closing))]);
    const response = await gatewayFetch(worldOf(upstream.origin).orders)("/");
    let read = "";
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      read += Buffer.from(chunk).toString();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(read).toBe(text);
  });

  it("is decompressed", async () => {
    const packed = gzipSync("packed");
    const length = `content-length: ${packed.length}\r\nconnection: close`;
    const fields = `content-encoding: gzip\r\n${length}`;
    const upstream = await play([
      accept().readHead().send(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`).send(packed).close(),
    ]);
    const response = await gatewayFetch(worldOf(upstream.origin).orders)("/");
    expect(await response.text()).toBe("packed");
  });

  it.each([204, 304])("has no body for %i", async (status) => {
    const upstream = await play([answer(respond(status, "", closing))]);
    const response = await gatewayFetch(worldOf(upstream.origin).orders)("/");
    expect(response.status).toBe(status);
    expect(response.body).toBeNull();
  });

  it("has none for HEAD, whatever length is announced", async () => {
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\n";
    const upstream = await play([accept().readHead().send(head).close()]);
    const response = await gatewayFetch(worldOf(upstream.origin).orders)("/", { method: "HEAD" });
    expect(await response.text()).toBe("");
    expect(response.headers.get("content-length")).toBe("5");
    await upstream.verify();
  });

  it("comes over one connection, call after call", async () => {
    const upstream = await play([accept().readHead().send(ok("x")).again()]);
    const call = gatewayFetch(worldOf(upstream.origin).orders);
    for (const path of ["/1", "/2", "/3"]) await (await call(path)).text();
    expect(upstream.requests().map(({ path }) => path)).toEqual(["/1", "/2", "/3"]);
    expect(upstream.connections()).toBe(1);
  });

  it("passes an answer of the upstream that is an error on, as a fetch does", async () => {
    const upstream = await play([answer(respond(500, "broken", closing))]);
    const response = await gatewayFetch(worldOf(upstream.origin).orders)("/");
    expect([response.ok, response.status, await response.text()]).toEqual([false, 500, "broken"]);
  });

  it("comes over TLS with the authority of the target", async () => {
    const { ca, valid } = await testCertificates();
    const upstream = await play([answer(ok("secret", closing))], { tls: valid });
    const { orders } = worldOf({ url: upstream.origin, tls: { ca } });
    expect(await (await gatewayFetch(orders)("/")).text()).toBe("secret");
  });

  it("keeps its connection over TLS, whichever host is asked for", async () => {
    const { ca, valid } = await testCertificates();
    const upstream = await play([accept().readHead().send(ok("x")).again()], { tls: valid });
    const { orders } = worldOf({ url: upstream.origin, tls: { ca } });
    for (const host of ["one.example", "two.example", "one.example"]) {
      const outcome = await orders.send({ path: "/", headers: { host } });
      if (outcome.kind === "success") await outcome.response.body.text();
      expect(outcome.kind).toBe("success");
    }
    expect(upstream.requests().map((request) => request.header("host"))).toEqual([
      "one.example",
      "two.example",
      "one.example",
    ]);
    expect(upstream.connections()).toBe(1);
  });

  it("comes from a unix socket", async () => {
    const upstream = await play([answer(ok("local", closing))], { unix: true });
    const response = await gatewayFetch(worldOf(upstream.origin).orders)("/v1");
    expect([response.url, await response.text()]).toEqual(["http://localhost/v1", "local"]);
  });
});

describe("what goes in", () => {
  const bodies: readonly (readonly [
    string,
    () => NonNullable<RequestInit["body"]>,
    string,
    string | undefined,
  ])[] = [
    ["text", () => "text", "text", "text/plain;charset=UTF-8"],
    ["bytes", () => new Uint8Array([104, 105]), "hi", undefined],
    ["an ArrayBuffer", () => new TextEncoder().encode("hi").buffer, "hi", undefined],
    [
      "a query",
      () => new URLSearchParams({ a: "1" }),
      "a=1",
      "application/x-www-form-urlencoded;charset=UTF-8",
    ],
    ["a Blob", () => new Blob(["blob"], { type: "text/x" }), "blob", "text/x"],
  ];

  it.each(bodies)("%s is sent as a fetch sends it", async (_, body, sent, type) => {
    const upstream = await play([answer(ok("", closing))]);
    await gatewayFetch(worldOf(upstream.origin).orders)("/", { method: "post", body: body() });
    const [request] = upstream.requests();
    expect(request?.method).toBe("POST");
    expect(request?.body?.toString()).toBe(sent);
    expect(request?.header("content-type")).toBe(type);
    expect(request?.header("content-length")).toBe(String(sent.length));
  });

  it("a form is sent with the boundary that its content type names", async () => {
    const upstream = await play([answer(ok("", closing))]);
    const form = new FormData();
    form.set("name", "value");
    await gatewayFetch(worldOf(upstream.origin).orders)("/", { method: "POST", body: form });
    const [request] = upstream.requests();
    const boundary = request?.header("content-type")?.split("boundary=")[1];
    expect(request?.body?.toString()).toContain(`--${boundary}\r\n`);
    expect(request?.body?.toString()).toContain("value");
  });

  it("a stream is sent while it comes in", async () => {
    const chunks = new TransformStream<Uint8Array, Uint8Array>();
    const writer = chunks.writable.getWriter();
    const bytes = (text: string) => new TextEncoder().encode(text);
    // The head is here with the first chunk; only then the second one is written.
    const goOn = async (): Promise<void> => {
      await writer.write(bytes("two"));
      await writer.close();
    };
    const upstream = await play([
      accept().readHead().waitFor(goOn).readBody().send(ok("", closing)).close(),
    ]);
    void writer.write(bytes("one"));
    const init = { method: "POST", body: chunks.readable, duplex: "half" as const };
    await gatewayFetch(worldOf(upstream.origin).orders)("/", init);
    const [request] = upstream.requests();
    expect(request?.header("transfer-encoding")).toBe("chunked");
    expect(request?.body?.toString()).toBe("onetwo");
  });

  it("a Node stream is sent too", async () => {
    const upstream = await play([answer(ok("", closing))]);
    const body = Readable.from(["one", "two"]) as unknown as ReadableStream;
    const init = { method: "POST", body, duplex: "half" as const };
    await gatewayFetch(worldOf(upstream.origin).orders)("/", init);
    expect(upstream.requests()[0]?.body?.toString()).toBe("onetwo");
  });

  it("a stream without duplex is refused as a fetch refuses it", async () => {
    const { orders, ended } = worldOf("http://127.0.0.1:9");
    const body = new ReadableStream();
    const error = await rejection(gatewayFetch(orders)("/", { method: "POST", body }));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toMatch(/duplex/);
    expect(ended).toEqual(["bad_request"]);
  });

  it("a Request brings its method, fields and body, with the length of the body", async () => {
    const upstream = await play([answer(ok("", closing))]);
    const fields = { "x-one": "1", "content-type": "text/x" };
    const request = new Request(`${upstream.origin}/r?q=1`, {
      method: "PUT",
      body: "in a request",
      headers: fields,
    });
    await gatewayFetch(worldOf(upstream.origin).orders)(request, {
      headers: { ...fields, "x-two": "2" },
    });
    const [received] = upstream.requests();
    expect([received?.method, received?.path]).toEqual(["PUT", "/r?q=1"]);
    expect([received?.header("x-one"), received?.header("x-two")]).toEqual(["1", "2"]);
    expect(received?.header("content-length")).toBe("12");
    expect(received?.body?.toString()).toBe("in a request");
    expect(request.bodyUsed).toBe(true);
  });

  it("a Request with a slow body is sent as it comes", async () => {
    const upstream = await play([answer(ok("", closing))]);
    const chunks = new TransformStream<Uint8Array, Uint8Array>();
    const writer = chunks.writable.getWriter();
    const init = { method: "PUT", body: chunks.readable, duplex: "half" as const };
    const request = new Request(upstream.origin, init);
    const done = gatewayFetch(worldOf(upstream.origin).orders)(request);
    for (let turn = 0; turn < 5; turn += 1) await new Promise((go) => setImmediate(go));
    await writer.write(new TextEncoder().encode("late "));
    await writer.write(new TextEncoder().encode("parts"));
    await writer.close();
    await done;
    const [received] = upstream.requests();
    expect(received?.header("transfer-encoding")).toBe("chunked");
    expect(received?.body?.toString()).toBe("late parts");
  });

  it("fields are taken in every form", async () => {
    const upstream = await play([answer(ok("", closing))], { loop: true });
    const call = gatewayFetch(worldOf(upstream.origin).orders);
    const forms = [
      { "x-a": "1" },
      [["x-a", "1"]] as [string, string][],
      new Headers({ "x-a": "1" }),
    ];
    for (const headers of forms) await (await call(new URL(upstream.origin), { headers })).text();
    expect(upstream.requests().map((request) => request.header("x-a"))).toEqual(["1", "1", "1"]);
  });

  it.each([
    ["a field that cannot be sent", { headers: { "a b": "c" } }],
    ["a body with GET", { body: "x" }],
    ["a method that no fetch sends", { method: "TRACE" }],
    ["a signal that is none", { signal: {} as AbortSignal }],
    ["a dispatcher, since it would be ignored", { dispatcher: {} as never }],
  ])("%s is refused and blames nobody", async (_, init) => {
    const { orders } = worldOf("http://127.0.0.1:9", { breaker: { consecutiveFailures: 1 } });
    const error = await rejection(gatewayFetch(orders)("/", init));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as { failure?: unknown }).failure).toBeUndefined();
    expect(orders.targets[0]?.breaker).toBe("closed");
  });
});

describe("where it leads", () => {
  it("nothing in a path can choose another host", async () => {
    const upstream = await play([answer(ok("", closing))], { loop: true });
    const call = gatewayFetch(worldOf(upstream.origin).orders);
    const paths = ["//evil.test/x", "/\\evil.test/x", "/@evil.test", "/x?http://evil.test", "/%2f"];
    for (const path of paths) await (await call(path)).text();
    expect(upstream.requests().map(({ path }) => path)).toEqual([
      "//evil.test/x",
      "//evil.test/x",
      "/@evil.test",
      "/x?http://evil.test",
      "/%2f",
    ]);
  });

  it("no path leaves the prefix of its target", async () => {
    const upstream = await play([answer(ok("", closing))], { loop: true });
    const call = gatewayFetch(worldOf(`${upstream.origin}/api`).orders);
    await (await call("/a/../../../b")).text();
    await (await call(`${upstream.origin}/api/c?d`)).text();
    expect(upstream.requests().map(({ path }) => path)).toEqual(["/api/b", "/api/c?d"]);
    expect(await rejection(call("/..%2f..%2fb"))).toBeInstanceOf(TypeError);
    expect(await rejection(call(`${upstream.origin}/b`))).toBeInstanceOf(TypeError);
  });

  it("an absolute address must be at the origin of a target", async () => {
    const { orders } = worldOf("http://127.0.0.1:9");
    const error = await rejection(gatewayFetch(orders)("http://other.test/x"));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain('http://other.test is no target of the upstream "orders"');
    expect(await rejection(gatewayFetch(orders)("v1/x"))).toBeInstanceOf(TypeError);
    expect(await rejection(gatewayFetch(orders)("http://a:b@127.0.0.1:9/"))).toBeInstanceOf(
      TypeError,
    );
  });

  it("a gateway has one upstream per origin, and configured ones serve theirs", async () => {
    const configured = await play([answer(ok("mine", closing))]);
    const other = await play([answer(ok("other", closing))]);
    const { gateway, ended } = worldOf(configured.origin);
    const call = gatewayFetch(gateway);
    expect(await (await call(`${configured.origin}/x`)).text()).toBe("mine");
    expect(ended).toEqual([200]);
    expect(await (await call(new URL("/y", other.origin))).text()).toBe("other");
    expect(await rejection(call("/z"))).toBeInstanceOf(TypeError);
    expect(await rejection(call("ftp://127.0.0.1/z"))).toBeInstanceOf(TypeError);
    expect(await (await call("data:text/plain,here")).text()).toBe("here");
  });

  it("may replace the global fetch", async () => {
    const upstream = await play([answer(ok("through", closing))]);
    const { gateway, ended } = worldOf(upstream.origin);
    const before = globalThis.fetch;
    try {
      const through = gatewayFetch(gateway);
      globalThis.fetch = (input, init) => through(input as string, init);
      expect(await (await fetch(upstream.origin)).text()).toBe("through");
    } finally {
      globalThis.fetch = before;
    }
    expect(ended).toEqual([200]);
  });
});

describe("redirects", () => {
  it("to the same origin are calls of their own, through the same upstream", async () => {
    const upstream = await play([
      accept()
        .readHead()
        .send(respond(302, "moved", { location: "/next" }))
        .readHead()
        .send(ok("there", closing))
        .close(),
    ]);
    const { orders, ended } = worldOf(upstream.origin);
    const response = await gatewayFetch(orders)("/first");
    expect([response.redirected, response.url]).toEqual([true, `${upstream.origin}/next`]);
    expect(await response.text()).toBe("there");
    expect(ended).toEqual([302, 200]);
    await upstream.verify();
  });

  it("of a POST send its body again where the status says so", async () => {
    const upstream = await play([
      answer(respond(307, "", { location: "/next", ...closing })),
      answer(ok("", closing)),
    ]);
    const init = { method: "POST", body: "twice" };
    await gatewayFetch(worldOf(upstream.origin).orders)("/first", init);
    expect(upstream.bodies().map(String)).toEqual(["twice", "twice"]);
    expect(upstream.requests().map(({ method }) => method)).toEqual(["POST", "POST"]);
  });

  it("to another origin are calls to the upstream of that origin", async () => {
    const other = await play([answer(ok("elsewhere", closing))]);
    const upstream = await play([answer(respond(302, "", { location: other.origin, ...closing }))]);
    const { orders, ended } = worldOf(upstream.origin);
    const response = await gatewayFetch(orders)("/");
    expect([response.url, await response.text()]).toEqual([`${other.origin}/`, "elsewhere"]);
    expect(ended).toEqual([302, 200]);
  });

  it("can be left to the caller, and refused", async () => {
    const moved = respond(302, "", { location: "/next", ...closing });
    const upstream = await play([answer(moved)], { loop: true });
    const { orders } = worldOf(upstream.origin, { breaker: { consecutiveFailures: 1 } });
    const response = await gatewayFetch(orders)("/", { redirect: "manual" });
    expect(response.status).toBe(302);
    const error = await rejection(gatewayFetch(orders)("/", { redirect: "error" }));
    expect(error).toBeInstanceOf(TypeError);
    expect(orders.targets[0]).toMatchObject({ breaker: "closed", pending: 0 });
  });

  it("are not sent again as a whole when a later step was refused", async () => {
    const moved = respond(307, "", { location: "/next", ...closing });
    const upstream = await play([
      accept().readHead().readBody().destroyServer().send(moved).close(),
    ]);
    const { orders } = worldOf(upstream.origin);
    const error = await rejection(gatewayFetch(orders)("/", { method: "POST", body: "once" }));
    expect(error).toMatchObject({ code: "connection_refused" });
    expect(upstream.bodies().map(String)).toEqual(["once"]);
  });
});

describe("the caller's signal", () => {
  it("that has aborted rejects with its reason, and nothing is sent", async () => {
    const { orders, ended } = worldOf("http://127.0.0.1:9");
    const reason = new Error("mine");
    const promise = gatewayFetch(orders)("/", { signal: AbortSignal.abort(reason) });
    expect(await rejection(promise)).toBe(reason);
    expect(ended).toEqual([]);
  });

  it("ends a call that waits, with the reason untouched and without blame", async () => {
    const controller = new AbortController();
    const upstream = await play([
      accept()
        .readHead()
        .waitFor(() => controller.abort())
        .hang(),
    ]);
    const { orders, ended } = worldOf(upstream.origin, { breaker: { consecutiveFailures: 1 } });
    const error = await rejection(gatewayFetch(orders)("/", { signal: controller.signal }));
    expect(error).toBe(controller.signal.reason);
    expect(error).toMatchObject({ name: "AbortError" });
    expect(ended).toEqual(["client_closed_request"]);
    expect(orders.targets[0]).toMatchObject({ breaker: "closed", pending: 0 });
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    await upstream.verify();
  });

  it("of a time that is over rejects with TimeoutError", async () => {
    const upstream = await play([accept().readHead().hang()]);
    const { orders } = worldOf(upstream.origin);
    const error = await rejection(gatewayFetch(orders)("/", { signal: AbortSignal.timeout(20) }));
    expect(error).toMatchObject({ name: "TimeoutError" });
  });

  it("of a Request counts too", async () => {
    const controller = new AbortController();
    const upstream = await play([
      accept()
        .readHead()
        .waitFor(() => controller.abort())
        .hang(),
    ]);
    const request = new Request(upstream.origin, { signal: controller.signal });
    const error = await rejection(gatewayFetch(worldOf(upstream.origin).orders)(request));
    expect(error).toMatchObject({ name: "AbortError" });
  });

  it("ends a body that is being read, and the upstream's connection with it", async () => {
    const controller = new AbortController();
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";
    const upstream = await play([accept().readHead().send(head).hang()]);
    const { orders, ended, attemptsEnded } = worldOf(upstream.origin);
    const { signal } = controller;
    const response = await gatewayFetch(orders)("/", { signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    const reading = rejection(response.text());
    controller.abort();
    expect(await reading).toMatchObject({ name: "AbortError" });
    await attemptsEnded(1);
    expect(ended).toEqual(["client_closed_request"]);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await upstream.verify();
  });

  it("has one listener at most, and none when the answers were collected", async () => {
    const upstream = await play([accept().readHead().send(ok("x")).again()], { loop: true });
    const { orders, attemptsEnded } = worldOf(upstream.origin);
    const call = gatewayFetch(orders);
    const { signal } = new AbortController();
    await (await call("/", { signal })).text();
    await (await call("/", { signal })).body?.cancel();
    await call("/", { signal, method: "HEAD" });
    await attemptsEnded(3);
    expect(getEventListeners(signal, "abort").length).toBeLessThan(2);
    await vi.waitUntil(() => {
      collectGarbage();
      return getEventListeners(signal, "abort").length === 0;
    }, 10_000);
  });

  it("ends an answer that has come in and is not read yet", async () => {
    const upstream = await play([accept().readHead().send(ok("x")).again()]);
    const { orders, attemptsEnded } = worldOf(upstream.origin);
    const controller = new AbortController();
    const response = await gatewayFetch(orders)("/", { signal: controller.signal });
    await attemptsEnded(1);
    controller.abort();
    // What else a reason says, Node's own fetch of Node 20 does not pass on.
    expect(await rejection(response.text())).toMatchObject({ name: "AbortError" });
  });

  it("cancels a stream that was being sent", async () => {
    const controller = new AbortController();
    const upstream = await play([
      accept()
        .readHead()
        .waitFor(() => controller.abort())
        .hang(),
    ]);
    let cancelled = false;
    const body = new ReadableStream({
      start: (stream) => stream.enqueue(new Uint8Array(1)),
      cancel: () => {
        cancelled = true;
      },
    });
    const init = { method: "POST", body, duplex: "half" as const, signal: controller.signal };
    await rejection(gatewayFetch(worldOf(upstream.origin).orders)("/", init));
    await new Promise((turn) => setImmediate(turn));
    expect(cancelled).toBe(true);
  });
});

describe("a refused target", () => {
  it("is replaced by another one, also for a POST with a stream", async () => {
    const upstream = await play([answer(ok("second", closing))]);
    const refusing = `http://127.0.0.1:${await refusingPort()}`;
    const targets = [refusing, { url: upstream.origin, backup: true }];
    const { orders, ended } = worldOf(targets);
    const body = Readable.from(["streamed"]) as unknown as ReadableStream;
    const init = { method: "POST", body, duplex: "half" as const };
    const response = await gatewayFetch(orders)("/", init);
    expect(await response.text()).toBe("second");
    expect(upstream.bodies().map(String)).toEqual(["streamed"]);
    expect(ended).toEqual(["connection_refused", 200]);
  });
});
