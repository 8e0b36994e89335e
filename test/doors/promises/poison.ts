/** What fails by what is asked costs who asks for something else nothing. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import type { Door } from "../door.js";
import { at, type DoorPromise, isFine, ofRequests } from "../promise.js";

type Fails = (request: IncomingMessage, response: ServerResponse) => unknown;

/** What becomes of a request for `/boom`. */
const FAILS: Readonly<Record<string, Fails>> = {
  "a reset": ({ socket }) => socket.destroy(),
  "a 503 that closes": (_, response) => response.writeHead(503, { connection: "close" }).end(),
  "a 500": (_, response) => response.writeHead(500).end(),
  "a 503": (_, response) => response.writeHead(503).end(),
  nonsense: ({ socket }) => socket.end("NONSENSE\r\n\r\n"),
  "a head that is too large": ({ socket }) =>
    socket.end(`HTTP/1.1 200 OK\r\nx: ${"x".repeat(100_000)}\r\n\r\n`),
  "a body that breaks": ({ socket }) =>
    socket.end("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf"),
  "no answer": () => {},
};

/** An application that is well, and fails what asks for `/boom`. */
function application(fails: Fails): Server {
  const server = createServer((request, response) => {
    request.resume();
    if (request.url?.startsWith("/boom")) fails(request, response);
    else response.end("fine");
  });
  return server.on("upgrade", ({ url }, socket) => {
    if (url?.startsWith("/boom")) socket.destroy();
    else
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
      );
  });
}

const ROUNDS = 4;
/** At the same time: more in a row than open a breaker. */
const AT_ONCE = 6;
const OTHERS = ["/orders/17", "/orders", "/users/3", "/cart"];

async function poisoned(door: Door, count: number, fails: Fails): Promise<void> {
  const servers = Array.from({ length: count }, () => application(fails));
  for (const server of servers) await once(server.listen(0, "127.0.0.1"), "listening");
  const targets = () =>
    servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const cleanUp = async (): Promise<void> => {
    for (const server of servers) server.close().closeAllConnections();
  };
  const hangs = fails === FAILS["no answer"];
  const options = {
    breaker: {},
    probe: false as const,
    timeouts: { connectMs: 4_000, responseMs: hangs ? 1_000 : 4_000, totalMs: 8_000 },
    ...(hangs ? { retry: false as const } : {}),
  };
  await at(door, { targets, options, cleanUp }, async (ground) => {
    const others = async (): Promise<void> => {
      for (const path of OTHERS) expect(isFine(await ground.ask({ path }), door), path).toBe(true);
    };
    await others();
    for (let round = 0; round < (hangs ? 1 : ROUNDS); round += 1) {
      const path = `/boom/${round}`;
      await Promise.all(Array.from({ length: AT_ONCE }, () => ground.ask({ path })));
      await others();
    }
    // Of one target nothing is out; of two, at most one may be for a moment.
    if (count === 1) expect(ground.breakerWent).toEqual([]);
  });
}

const OF = ["the target", "neither target"];

/** A row for each kind; before two targets for those that speak of connections. */
export const POISON: readonly DoorPromise[] = Object.entries(FAILS).flatMap(([what, fails], row) =>
  (row < 2 ? [1, 2] : [1]).map(
    (count): DoorPromise => ({
      name: `${what} for one route takes ${OF[count - 1]} from the others`,
      // An upgrade that fails is cut, whatever the application does with requests.
      cannot: (door) => (row === 0 ? null : ofRequests(door)),
      show: (door) => poisoned(door, count, fails),
    }),
  ),
);
