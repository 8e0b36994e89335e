/**
 * A small body that comes with its head: it leaves with its head, in one write, and whatever else
 * is told of it (kept connections, repeats, clients that cut it) holds as for any other.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { createGateway } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { afterEach, describe, expect, it } from "vitest";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close().closeAllConnections());
  return (server.address() as AddressInfo).port;
}

/** A proxy before an upstream that keeps what it was sent; `act` may end a request otherwise. */
async function proxied(act: (req: IncomingMessage) => boolean = () => false) {
  const bodies: string[] = [];
  const upstream = await listening(
    createServer(async (req, res) => {
      if (act(req)) return;
      const body = await buffer(req).catch(() => null);
      if (body === null) return;
      bodies.push(body.toString("latin1"));
      res.end("taken");
    }),
  );
  const gateway = createGateway({
    upstreams: { app: { targets: [`http://127.0.0.1:${upstream}`] } },
  });
  closing.push(() => gateway.close());
  const port = await listening(createServer(nodeProxy(gateway.upstream("app"))));
  const socket = connect(port, "127.0.0.1");
  closing.push(() => socket.destroy());
  await once(socket, "connect");
  return { bodies, socket, upstream, writes: countWrites(upstream) };
}

/** What is written to sockets that lead to this port. */
function countWrites(port: number): () => number {
  const prototype = Socket.prototype as unknown as Record<"_write" | "_writev", unknown>;
  const { _write, _writev } = prototype;
  let writes = 0;
  const counting = (write: unknown) =>
    function (this: Socket, ...given: unknown[]): void {
      if (this.remotePort === port) writes += 1;
      Reflect.apply(write as () => void, this, given);
    };
  Object.assign(prototype, { _write: counting(_write), _writev: counting(_writev) });
  closing.push(() => Object.assign(prototype, { _write, _writev }));
  return () => writes;
}

const BODY = "0123456789abcdef".repeat(640);
const head = (method: string, more = ""): string =>
  `${method} /orders HTTP/1.1\r\nHost: a\r\n${more}Content-Length: ${BODY.length}\r\n\r\n`;

/** Until so many answers have come. */
async function answers(socket: Socket, count: number): Promise<string> {
  let text = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += (chunk as Buffer).toString("latin1");
    if (text.split("taken").length > count) break;
  }
  return text;
}

describe("a small body that comes with its head", () => {
  it.each(["POST", "PUT", "PATCH", "DELETE"])("leaves with its head: %s", async (method) => {
    const { bodies, socket, writes } = await proxied();
    for (let turn = 1; turn <= 3; turn += 1) {
      const before = writes();
      socket.write(head(method) + BODY);
      expect(await answers(socket, 1)).toContain("200 OK");
      expect(writes() - before, `request ${turn}`).toBe(1);
    }
    expect(bodies).toEqual([BODY, BODY, BODY]);
  });

  it("is the same in pieces, and behind another one", async () => {
    const { bodies, socket } = await proxied();
    const text = head("POST") + BODY;
    for (const at of [30, head("POST").length, head("POST").length + 1, text.length - 1]) {
      socket.write(text.slice(0, at));
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.write(text.slice(at));
      expect(await answers(socket, 1)).toContain("200 OK");
    }
    socket.write(text + text);
    expect(await answers(socket, 2)).toContain("200 OK");
    expect(bodies).toEqual(Array(6).fill(BODY));
  });

  it("is repeated whole where nothing of it was taken", async () => {
    let cut = 0;
    const { bodies, socket } = await proxied((req) => {
      if (req.method !== "PUT" || cut > 0) return false;
      cut += 1;
      req.socket.destroy();
      return true;
    });
    socket.write(head("PUT") + BODY);
    expect(await answers(socket, 1)).toContain("200 OK");
    expect(bodies).toEqual([BODY]);
  });

  it("reaches nobody when its client leaves before its last byte", async () => {
    const { bodies, socket } = await proxied();
    socket.write(head("POST") + BODY.slice(1));
    socket.end();
    await once(socket.resume(), "close");
    expect(bodies).toEqual([]);
  });
});
