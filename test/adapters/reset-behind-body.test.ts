/**
 * An answer that only the end of its connection delimits, and a reset right behind its bytes: the
 * kernel has both when Node looks, and libuv reports an orderly end (RFC 9112 §8: it is none).
 */
import { once } from "node:events";
import { createServer as createHttp, type Server as HttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { createGateway } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { afterEach, describe, expect, it } from "vitest";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function listening(server: Server | HttpServer): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Answers `/well` as it should; all else without a length, and ends the connection that way. */
async function proxied(end: (socket: Socket) => void): Promise<number> {
  const upstream = await listening(
    createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (chunk: Buffer) => {
        if (chunk.includes("/well")) {
          socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
          return;
        }
        socket.write("HTTP/1.1 200 OK\r\n\r\nhello");
        end(socket);
      });
    }),
  );
  const app = { targets: `http://127.0.0.1:${upstream}`, retry: false, breaker: false } as const;
  const gateway = createGateway({ upstreams: { app: { ...app, ejection: false } } });
  closing.push(() => gateway.close());
  return listening(createHttp(nodeProxy(gateway.upstream("app"))));
}

/** What a client gets that closes its connection. */
async function ask(port: number, line: string, body = ""): Promise<string> {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  const framing = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
  socket.write(`${line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${framing}\r\n${body}`);
  return text(socket);
}

const WHOLE = /\r\n0\r\n\r\n$/;
const TIMES = 30;

describe.each([
  ["GET", ""],
  ["POST", "amount=1"],
])("%s, an answer that the end of the connection delimits", (method, body) => {
  it.each([["a new connection"], ["a connection that has served before"]])(
    "is cut by a reset right behind it: %s",
    async (way) => {
      const port = await proxied((socket) => socket.resetAndDestroy());
      for (let time = 0; time < TIMES; time += 1) {
        if (way !== "a new connection") await ask(port, "GET /well");
        const answer = await ask(port, `${method} /cut`, body);
        expect(answer).toMatch(/^HTTP\/1\.1 (?:200|502) /);
        expect(answer.startsWith("HTTP/1.1 200") && WHOLE.test(answer), `time ${time}`).toBe(false);
      }
    },
  );

  it("is whole by an orderly end", async () => {
    const port = await proxied((socket) => socket.end());
    for (let time = 0; time < TIMES; time += 1) {
      expect(await ask(port, `${method} /ends`, body)).toMatch(WHOLE);
    }
  });
});
