/**
 * Clients that speak HTTP/2, through every server adapter that can, to upstreams of HTTP/1.1.
 */
import { once } from "node:events";
import { constants } from "node:http2";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { accept, ok, respond } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { ask2, begin, frame, http2Client } from "./http2-client.js";
import { HTTP2_SERVERS, secureHttp2 } from "./http2-servers.js";
import { answerOf, rawClient } from "./raw-client.js";
import { gate, inWorld } from "./world.js";

const PLAIN = accept().readHead().send(ok("hello"));
const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const at = (port: number): string => `http://127.0.0.1:${port}`;

describe.each(Object.entries(HTTP2_SERVERS))("through %s", (_name, serve) => {
  it("a request arrives as one of HTTP/1.1, without pseudo-fields, and Via says what came", () =>
    inWorld(serve, { scripts: [PLAIN] }, async ({ port, upstream }) => {
      const answer = await ask2(at(port), { ":path": "/a?b=1", te: "trailers", "x-own": "1" });
      expect(answer).toMatchObject({ status: 200, text: "hello", complete: true });
      expect(upstream.heads()[0]).toMatch(/^GET \/a\?b=1 HTTP\/1\.1\r\n/);
      expect(upstream.heads()[0]).not.toMatch(/^(?::|te:|http2-settings:)/im);
      const [received] = upstream.requests();
      expect(received?.header("host")).toBe("shop.example");
      expect(received?.header("x-own")).toBe("1");
      expect(received?.header("via")).toMatch(/^2\.0 /);
      expect(received?.header("x-forwarded-host")).toBe("shop.example");
      expect(received?.header("transfer-encoding")).toBeUndefined();
    }));

  it.each([
    "content-length: 2\r\n\r\nok",
    "transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  ])("a 205 has no content, whatever the upstream sends with it: %j", (rest) => {
    const script = accept().readHead().send(`HTTP/1.1 205 Reset Content\r\n${rest}`);
    return inWorld(serve, { scripts: [script] }, async ({ port }) => {
      expect(await ask2(at(port))).toMatchObject({ status: 205, text: "", complete: true });
    });
  });

  it("cookies that came one by one are sent as one field", () =>
    inWorld(serve, { scripts: [PLAIN] }, async ({ port, upstream }) => {
      await ask2(at(port), { cookie: ["a=1", "b=2", "c=3"] });
      expect(upstream.heads()[0]?.match(/^cookie:.*$/gim)).toEqual(["cookie: a=1; b=2; c=3"]);
    }));

  it("a Host that is not :authority is refused", () =>
    inWorld(serve, { scripts: [] }, async ({ port }) => {
      expect((await ask2(at(port), { host: "inner.example" })).status).toBe(400);
    }));

  it("fields of one connection do not pass to the client", () => {
    const fields = { connection: "keep-alive, x-hop", "keep-alive": "timeout=5", "x-hop": "1" };
    const script = accept()
      .readHead()
      .send(respond(200, "x", { ...fields, "set-cookie": ["a=1", "b=2"], "x-own": "2" }));
    return inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const { headers, text } = await ask2(at(port));
      expect(Object.keys(headers)).not.toContain("connection");
      expect(Object.keys(headers)).not.toContain("keep-alive");
      expect(Object.keys(headers)).not.toContain("x-hop");
      expect(Object.keys(headers)).not.toContain("transfer-encoding");
      expect(headers).toMatchObject({ "set-cookie": ["a=1", "b=2"], "x-own": "2" });
      expect(text).toBe("x");
    });
  });

  it("a body passes, with its length and without", () => {
    const script = accept().readHead().readBody().send(ok("done"));
    return inWorld(serve, { scripts: [script.again()] }, async ({ port, upstream }) => {
      await ask2(at(port), { ":method": "POST", "content-length": 5 }, "12345");
      await ask2(at(port), { ":method": "POST" }, "abcdefg");
      expect(upstream.bodies().map(String)).toEqual(["12345", "abcdefg"]);
      expect(upstream.requests()[0]?.header("content-length")).toBe("5");
    });
  });

  // Node throws for such a list, which says nothing against the upstream.
  it("fields of which Node takes one, and that came twice, are one of what came", () => {
    const head =
      "HTTP/1.1 200 OK\r\nx-content-type-options: nosniff\r\nX-Content-Type-Options: nosniff\r\n" +
      "content-type: text/html\r\ncontent-type: text/plain\r\nage: 1\r\nage: 2\r\nage: 3\r\n" +
      "content-language: de\r\ncontent-language: fr\r\netag: a\r\netag: b\r\n" +
      "cache-control: no-store\r\ncache-control: private\r\ncontent-length: 2\r\n\r\n";
    const script = accept().readHead().send(`${head}ok`);
    return inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const { status, text, headers } = await ask2(at(port));
      expect({ status, text }).toEqual({ status: 200, text: "ok" });
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "content-type": "text/html",
        "content-language": "de, fr",
        age: "1",
        etag: "a",
        "cache-control": "no-store, private",
      });
      expect(headers).not.toHaveProperty("proxy-status");
    });
  });

  it("so are those of an answer without a body, of interim answers and of trailers", () => {
    const twice = "x-content-type-options: nosniff\r\nx-content-type-options: nosniff\r\n";
    const script = accept()
      .readHead()
      .send(`HTTP/1.1 103 Early Hints\r\n${twice}link: </a>\r\n\r\n`)
      .send(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n${twice}\r\n`)
      .send(`2\r\nok\r\n0\r\n${twice}x-sum: 1\r\nx-sum: 2\r\n\r\n`)
      .readHead()
      .send(`HTTP/1.1 304 Not Modified\r\n${twice}\r\n`);
    return inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const answer = await ask2(at(port));
      expect(answer).toMatchObject({ status: 200, text: "ok", complete: true });
      expect(answer.interim[0]).toMatchObject({ "x-content-type-options": "nosniff" });
      expect(answer.trailers).toMatchObject({ "x-content-type-options": "nosniff" });
      expect(answer.trailers["x-sum"]).toBe("1, 2");
      const bodiless = await ask2(at(port));
      expect(bodiless).toMatchObject({ status: 304, complete: true });
      expect(bodiless.headers["x-content-type-options"]).toBe("nosniff");
    });
  });

  it("trailers of the answer pass", () => {
    const script = accept()
      .readHead()
      .send(`${CHUNKED}3\r\nabc\r\n`)
      .send("0\r\nx-checksum: 42\r\ngrpc-status: 0\r\n\r\n");
    return inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const answer = await ask2(at(port), { te: "trailers" });
      expect(answer).toMatchObject({ status: 200, text: "abc", complete: true });
      expect(answer.trailers).toMatchObject({ "x-checksum": "42", "grpc-status": "0" });
    });
  });

  it("HEAD, 204 and an empty answer end with their head", () => {
    const scripts = [
      accept().readHead().send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
      accept().readHead().send(respond(204)).readHead().send(ok("")),
    ];
    return inWorld(serve, { scripts }, async ({ port }) => {
      const session = await http2Client(at(port));
      for (const [method, status] of [
        ["HEAD", 200],
        ["GET", 204],
        ["GET", 200],
      ] as const) {
        const asked = begin(session, { ":method": method });
        const [, flags] = (await once(asked.stream, "response")) as [unknown, number];
        expect(flags & constants.NGHTTP2_FLAG_END_STREAM).not.toBe(0);
        expect(await asked.over).toMatchObject({ status, text: "" });
      }
      session.destroy();
    });
  });

  it("early hints come before the answer", () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n";
    const seen = gate();
    const script = accept().readHead().send(hints).waitFor(seen.opened).send(ok("page"));
    return inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const session = await http2Client(at(port));
      const asked = begin(session, {});
      await once(asked.stream, "headers");
      seen.open();
      const answer = await asked.over;
      expect(answer).toMatchObject({ status: 200, text: "page" });
      expect(answer.interim[0]).toMatchObject({ ":status": 103, link: "</a.css>; rel=preload" });
      session.destroy();
    });
  });

  it("a body that is cut resets its stream, and the session goes on", () => {
    const seen = gate();
    const begun = accept().readHead().send(`${CHUNKED}3\r\nabc\r\n`);
    const cut = begun.waitFor(seen.opened).reset();
    return inWorld(serve, { scripts: [cut, PLAIN] }, async ({ port }) => {
      const session = await http2Client(at(port));
      const asked = begin(session, {});
      await once(asked.stream, "data");
      seen.open();
      const answer = await asked.over;
      expect(answer).toMatchObject({ status: 200, text: "abc", complete: false });
      expect(answer.code).toBe(constants.NGHTTP2_INTERNAL_ERROR);
      expect(await begin(session, {}).over).toMatchObject({ status: 200, text: "hello" });
      session.destroy();
    });
  });

  it("a client that resets its stream ends the call upstream", () => {
    const left = accept().readHead().send(`${CHUNKED}3\r\nabc\r\n`).hang();
    return inWorld(serve, { scripts: [left] }, async ({ port, gateway }) => {
      const session = await http2Client(at(port));
      const ended = new Promise((resolve) => gateway.on("call:end", resolve));
      const asked = begin(session, {});
      await once(asked.stream, "data");
      asked.stream.close(constants.NGHTTP2_CANCEL);
      expect(await ended).toMatchObject({ clientEnd: "aborted" });
      session.destroy();
    });
  });

  it("a client that resets while it is waiting ends the call upstream", () => {
    const head = gate();
    const left = accept()
      .readHead()
      .waitFor(() => head.open())
      .hang();
    return inWorld(serve, { scripts: [left] }, async ({ port, gateway }) => {
      const session = await http2Client(at(port));
      const ended = new Promise((resolve) => gateway.on("call:end", resolve));
      begin(session, { ":method": "POST" }, null).stream.write("a beginning");
      await head.opened;
      session.destroy();
      expect(await ended).toMatchObject({ clientEnd: "aborted", status: null });
    });
  });

  it("an answer that comes before the upload is over stops the upload without an error", () => {
    const fields = { connection: "close" };
    const script = accept()
      .readHead()
      .send(respond(413, "too much", fields))
      .close();
    return inWorld(serve, { scripts: [script] }, async ({ port }) => {
      const session = await http2Client(at(port));
      const asked = begin(session, { ":method": "POST", "content-length": 1_000_000 }, null);
      asked.stream.write("a beginning");
      expect(await asked.over).toMatchObject({ status: 413, text: "too much", code: 0 });
      session.destroy();
    });
  });

  it("failures are answered like anywhere else", () =>
    inWorld(serve, { scripts: null }, async ({ port }) => {
      const { status, headers, text } = await ask2(at(port));
      expect(status).toBe(502);
      expect(headers["proxy-status"]).toContain("error=connection_refused");
      expect(JSON.parse(text)).toMatchObject({ code: "connection_refused" });
    }));

  it("CONNECT, the extended one included, is refused", () =>
    inWorld(serve, { scripts: [] }, async ({ port }) => {
      const headers = { ":method": "CONNECT", ":path": undefined, ":scheme": undefined };
      expect(await ask2(at(port), headers)).toMatchObject({ status: 405 });
      const session = await http2Client(at(port));
      expect(session.remoteSettings.enableConnectProtocol ?? false).toBe(false);
      session.destroy();
    }));

  it("a request with a field of one connection is malformed, and nothing is sent", () =>
    inWorld(serve, { scripts: [] }, async ({ port }) => {
      const client = await rawClient(port);
      client.write(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
      client.write(frame(4, 0, 0, Buffer.alloc(0)));
      client.write(frame(1, 5, 1, Buffer.concat([GET_ROOT, literal("connection", "x-own")])));
      const reset = frame(3, 0, 1, Buffer.from([0, 0, 0, constants.NGHTTP2_PROTOCOL_ERROR]));
      while (!client.received().includes(reset)) await once(client.socket, "data");
      client.socket.destroy();
    }));
});

describe("over TLS with allowHTTP1", () => {
  it("serves both versions, and answers what the parser of HTTP/1.1 refuses", () =>
    inWorld(secureHttp2, { scripts: [PLAIN.again()] }, async ({ port, upstream }) => {
      const answer = await ask2(`https://127.0.0.1:${port}`);
      expect(answer).toMatchObject({ status: 200, text: "hello" });
      expect(upstream.requests()[0]?.header("x-forwarded-proto")).toBe("https");
      const old = answerOf(
        await over1(port, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
      );
      expect(old).toMatchObject({ status: 200, text: "hello" });
      const refused = answerOf(await over1(port, "GET / HTTP/1.1\r\nno colon\r\n\r\n"));
      expect(refused.status).toBe(400);
      expect(refused.field("proxy-status")).toContain("edge");
    }));
});

/** All that comes on a connection of HTTP/1.1 over TLS. */
async function over1(port: number, request: string): Promise<Buffer> {
  const raw = connectTcp({ port, host: "127.0.0.1" });
  const ALPNProtocols = ["http/1.1"];
  const socket = connectTls({ socket: raw, rejectUnauthorized: false, ALPNProtocols });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => void chunks.push(chunk));
  socket.write(request);
  await once(socket, "end");
  socket.destroy();
  return Buffer.concat(chunks);
}

// RFC 7541 §6.1: GET, http and / stand in the static table; the authority is a literal.
const GET_ROOT = Buffer.concat([Buffer.from([0x82, 0x86, 0x84, 0x41, 1]), Buffer.from("a")]);

function literal(name: string, value: string): Buffer {
  const [first, second] = [Buffer.from(name), Buffer.from(value)];
  return Buffer.concat([
    Buffer.from([0, first.length]),
    first,
    Buffer.from([second.length]),
    second,
  ]);
}
