/**
 * Upgrades that no listener takes end by time, whether or not the server has shown its door.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import { virtualClock } from "good-gateway/testing";
import { afterEach, describe, expect, it } from "vitest";
import { LIMITS } from "../../../../src/catalog/defaults.js";
import { servesUntaken, watchServers } from "../../../../src/doors/hpm/hpm-untaken.js";

const SHAKE = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const clock = virtualClock();
const refused: string[] = [];
const doorOf = (name: string) => ({
  clock,
  ms: 1_000,
  refuse(_req: IncomingMessage, socket: Duplex) {
    refused.push(name);
    socket.destroy();
  },
});
watchServers(doorOf("first"));

const servers: Server[] = [];

/** A server with an upgrade that `listener` was called for. */
async function shaken(listener: (req: IncomingMessage, socket: Duplex) => void) {
  const server = createServer((_req, res) => void res.end()).on("upgrade", listener);
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.on("error", () => {}).resume();
  client.write(SHAKE);
  const [req] = (await once(server, "upgrade")) as [IncomingMessage];
  return { req, client };
}

afterEach(() => {
  refused.length = 0;
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

describe("an upgrade that no listener takes", () => {
  it("is refused when its server shows a door at any time", async () => {
    const { req, client } = await shaken(() => {});
    await clock.advance(100_000);
    expect(refused).toEqual([]);
    servesUntaken(req, doorOf("own"));
    await clock.advance(1_000);
    expect(refused).toEqual(["own"]);
    client.destroy();
  });

  it("is refused in the end by a server that shows none", async () => {
    const { client } = await shaken(() => {});
    const closed = once(client, "close");
    await clock.advance(LIMITS.untakenUpgradeMs - 1);
    expect(refused).toEqual([]);
    await clock.advance(1_001);
    expect(refused).toEqual(["first"]);
    await closed;
    expect(clock.pending()).toBe(0);
  });

  it("is left alone when a listener reads or answers it", async () => {
    const reads = await shaken((_req, socket) => void socket.on("data", () => {}));
    const answers = await shaken((_req, socket) => void socket.write("HTTP/1.1 101 x\r\n\r\n"));
    await clock.advance(2 * LIMITS.untakenUpgradeMs);
    expect(refused).toEqual([]);
    reads.client.destroy();
    answers.client.destroy();
  });
});
