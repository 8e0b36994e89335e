import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { fullBacklog, refusingPort, silentListener } from "../../../src/testing/index.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function open(where: { port: number; host: string } | { path: string }): Socket {
  const socket = connect(where);
  cleanUps.push(() => socket.destroy());
  return socket;
}

describe("refusingPort", () => {
  it("is a port where connections are refused, again and again", async () => {
    const port = await refusingPort();
    for (let round = 0; round < 3; round += 1) {
      const [error] = await once(open({ port, host: "127.0.0.1" }), "error");
      expect(error).toMatchObject({ code: "ECONNREFUSED" });
    }
  });

  it("is another port each time, and nobody else can listen there", async () => {
    const ports = [await refusingPort(), await refusingPort()] as const;
    expect(ports[0]).not.toBe(ports[1]);
    await expect(silentListener({ port: ports[0] })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

describe("silentListener", () => {
  it("accepts, reads and says nothing", async () => {
    const listener = await silentListener();
    cleanUps.push(() => listener.close());
    const socket = open(listener);
    await once(socket, "connect");
    const spoke = once(socket, "readable").then(() => "spoke");
    await new Promise((resolve) => void socket.write(Buffer.alloc(10_000_000), resolve));
    const silence = systemClock.sleep(20).then(() => "silent");
    expect(await Promise.race([spoke, silence])).toBe("silent");
    expect([listener.connections(), listener.openConnections()]).toEqual([1, 1]);
  });

  it("ends its connections when it is closed", async () => {
    const listener = await silentListener({ unix: true });
    expect(listener.origin).toBe(`unix:${listener.socketPath}`);
    const socket = open({ path: listener.socketPath ?? "" });
    await once(socket, "connect");
    socket.resume();
    await Promise.all([listener.close(), once(socket, "close")]);
    expect(listener.openConnections()).toBe(0);
  });
});

describe.runIf(process.platform === "linux")("fullBacklog", () => {
  it("is a port where connecting neither succeeds nor fails", async () => {
    const full = await fullBacklog();
    cleanUps.push(() => full.close());
    const socket = open(full);
    const answer = Promise.race([
      once(socket, "connect").then(() => "connected"),
      systemClock.sleep(100).then(() => "nothing"),
    ]);
    expect(await answer).toBe("nothing");
  });
});
