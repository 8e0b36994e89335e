/**
 * A request that ends the HTTP/2 connection it is sent on: it takes those along that share the
 * connection, so after two such ends each exchange has one for itself.
 */
import { once } from "node:events";
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createGateway } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { type VirtualClock, virtualClock } from "good-gateway/testing";
import { afterEach, describe, expect, it } from "vitest";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const WAYS: Readonly<Record<string, (stream: ServerHttp2Stream) => void>> = {
  "destroys the connection": destroySocket,
  "leaves with an error": ({ session }) => {
    session?.goaway(2);
    session?.destroy();
  },
  "leaves in order, and cuts": ({ session }) => session?.destroy(),
};
/** Sockets of the application by the port at their other end; a session does not lend its own. */
const sockets = new Map<number | undefined, Socket>();
function destroySocket({ session }: ServerHttp2Stream): void {
  sockets.get(session?.socket.remotePort)?.destroy();
}

const CALLERS = 8;
const CALLS = 600;

/** An application that ends its connection for `/boom`, and answers all else a moment later. */
async function application(boom: (stream: ServerHttp2Stream) => void) {
  const sessions: ServerHttp2Session[] = [];
  const server = createServer();
  server.on("session", (session) => void sessions.push(session));
  server.on("sessionError", () => {});
  server.on("connection", (socket: Socket) => void sockets.set(socket.remotePort, socket));
  const used = new Set<unknown>();
  server.on("stream", (stream, headers) => {
    used.add(stream.session);
    stream.on("error", () => {});
    if (headers[":path"] === "/boom") return boom(stream);
    setTimeout(() => {
      if (stream.destroyed) return;
      stream.respond({ ":status": 200 });
      stream.end("done");
    }, 10);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { sessions, used, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function gatewayTo(origin: string, parts: { readonly clock?: VirtualClock } = {}) {
  const app = { targets: origin, allowH2: "h2c", breaker: false, ejection: false } as const;
  const gateway = createGateway({ onWarning: () => {}, upstreams: { app } }, parts);
  closing.push(() => gateway.close());
  const fetch = gatewayFetch(gateway.upstream("app"));
  return async (path: string, method: string): Promise<number> => {
    const answer = await fetch(path, { method }).catch(() => null);
    await answer?.text().catch(() => {});
    return answer?.status ?? 0;
  };
}

describe("a request that ends the connection it is sent on", () => {
  it.each(Object.entries(WAYS))("%s: others lose no more than two connections", async (_, boom) => {
    const { origin } = await application(boom);
    const ask = gatewayTo(origin);
    let [sent, lost, booms, over] = [0, 0, 0, false];
    const poison = async (): Promise<void> => {
      for (; !over; booms += 1) {
        await ask("/boom", "POST");
        await sleep(5);
      }
    };
    const caller = async (): Promise<void> => {
      for (; sent < CALLS; ) {
        sent += 1;
        if ((await ask("/orders", "POST")) !== 200) lost += 1;
      }
    };
    const poisoning = poison();
    await Promise.all(Array.from({ length: CALLERS }, caller));
    over = true;
    await poisoning;
    expect(booms).toBeGreaterThan(20);
    expect(lost).toBeLessThanOrEqual(2 * CALLERS);
  });

  it("once is a crash, and the next connection is shared", async () => {
    const { origin, sessions } = await application(destroySocket);
    const ask = gatewayTo(origin);
    const all = () => Promise.all(Array.from({ length: CALLERS }, () => ask("/orders", "GET")));
    await ask("/orders", "GET");
    const under = all();
    await ask("/boom", "POST");
    await under;
    const before = sessions.length;
    expect(await all()).toEqual(Array(CALLERS).fill(200));
    expect(sessions.length).toBeLessThanOrEqual(before + 1);
  });

  it("is forgotten after a while without such an end", async () => {
    const { origin, used } = await application(destroySocket);
    const clock = virtualClock();
    const ask = gatewayTo(origin, { clock });
    const all = async (): Promise<number> => {
      used.clear();
      await Promise.all(Array.from({ length: CALLERS }, () => ask("/orders", "POST")));
      return used.size;
    };
    for (let time = 0; time < 2; time += 1) {
      await ask("/orders", "POST");
      await Promise.all([all(), ask("/boom", "POST")]);
    }
    expect(await all()).toBe(CALLERS);
    await clock.advance(10_001);
    expect(await all()).toBe(1);
  });
});
