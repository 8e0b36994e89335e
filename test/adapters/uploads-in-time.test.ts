/**
 * How long an upload may take: for as long as it moves, beyond every deadline for an answer. The
 * clock is the test's; the bytes and sockets are real.
 */
import { createGateway, type ProxyOptions } from "good-gateway";
import { accept, ok, type Script, scriptedUpstream, virtualClock } from "good-gateway/testing";
import { afterEach, describe, expect, it } from "vitest";
import { begin, http2Client } from "./http2-client.js";
import { HTTP2_SERVERS } from "./http2-servers.js";
import { answerOf, rawClient, request } from "./raw-client.js";
import { PROXY_SERVERS, type ProxyServer } from "./servers.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const TIMEOUTS = { totalMs: 30_000, idleMs: 60_000, responseMs: Number.POSITIVE_INFINITY };
const PART = Buffer.alloc(10_000, "x");
const PARTS = 6;

async function world(serve: ProxyServer, script: Script, options: ProxyOptions = {}) {
  const clock = virtualClock();
  const upstream = await scriptedUpstream([script]);
  const gateway = createGateway(
    {
      name: "edge",
      upstreams: { app: { targets: upstream.origin, retry: false, timeouts: TIMEOUTS } },
      onWarning: () => {},
    },
    { clock },
  );
  const running = await serve(gateway.upstream("app"), options);
  cleanUps.push(async () => {
    await Promise.all([running.close().catch(() => {}), upstream.close()]);
    gateway.close();
  });
  return { clock, upstream, port: running.port, gateway };
}

const TAKES = Array.from({ length: PARTS }).reduce<Script>(
  (script) => script.readBytes(PART.length),
  accept().readHead(),
);

/** Sends part after part, each once the one before has arrived, ten seconds apart. */
async function steadily(
  { clock, upstream }: Pick<Awaited<ReturnType<typeof world>>, "clock" | "upstream">,
  send: (part: Buffer) => void,
): Promise<void> {
  for (let count = 1; count <= PARTS; count += 1) {
    send(PART);
    await expect.poll(() => upstream.bodies().length).toBe(count);
    if (count < PARTS) await clock.advance(10_000);
  }
}

describe.each(Object.entries(PROXY_SERVERS))("through %s", (_name, serve) => {
  it("a steady upload takes longer than totalMs, and arrives whole", async () => {
    const at = await world(serve, TAKES.send(ok("done")));
    const client = await rawClient(at.port);
    const length = String(PART.length * PARTS);
    client.write(request("PUT", "/", { "content-length": length }));
    await steadily(at, client.write);
    await client.over;
    expect(answerOf(client.received())).toMatchObject({ status: 200, text: "done" });
    expect(Buffer.concat(at.upstream.bodies())).toEqual(Buffer.alloc(PART.length * PARTS, "x"));
  });
});

const NODE = PROXY_SERVERS["node:http"] as ProxyServer;

it.each(Object.entries(HTTP2_SERVERS))("a steady upload through %s", async (_name, serve) => {
  const at = await world(serve, TAKES.send(ok("done")));
  const session = await http2Client(`http://127.0.0.1:${at.port}`);
  cleanUps.push(() => session.destroy());
  const length = PART.length * PARTS;
  const asked = begin(session, { ":method": "PUT", "content-length": length }, null);
  await steadily(at, (part) => void asked.stream.write(part));
  asked.stream.end();
  expect(await asked.over).toMatchObject({ status: 200, text: "done" });
});

describe("the deadline", () => {
  it("goes on when the upstream has the request, with the time that was left", async () => {
    const at = await world(NODE, TAKES.hang());
    const client = await rawClient(at.port);
    client.write(request("PUT", "/", { "content-length": String(PART.length * PARTS) }));
    await steadily(at, client.write);
    // The gateway has written all of it when the upstream has read it, a turn sooner or later.
    await new Promise((resolve) => setImmediate(resolve));
    await at.clock.advance(TIMEOUTS.totalMs - 1_000);
    expect(client.received()).toHaveLength(0);
    await at.clock.advance(1_000);
    await client.over;
    expect(answerOf(client.received())).toMatchObject({ status: 504 });
    expect(client.received().toString()).toContain("code=deadline_exceeded ");
  });

  it("of a caller stands, since that one waits no longer", async () => {
    const options = { forwarded: { trust: true } };
    const at = await world(NODE, accept().readHead().hang(), options);
    const client = await rawClient(at.port);
    const fields = { "content-length": "9", "x-envoy-expected-rq-timeout-ms": "5000" };
    client.write(request("PUT", "/", fields, "1 of 9"));
    await expect.poll(() => at.upstream.heads().length).toBe(1);
    await at.clock.advance(5_000);
    await client.until("\r\n\r\n");
    expect(client.received().toString()).toContain("code=request_body_timeout ");
  });

  it("leaves an upstream that reads nothing to idleMs", async () => {
    const at = await world(NODE, accept().readHead().stopReading().hang());
    const client = await rawClient(at.port);
    client.write(request("PUT", "/", { "content-length": "64000000" }));
    client.write(Buffer.alloc(64_000_000));
    await expect.poll(() => at.upstream.heads().length).toBe(1);
    await expect.poll(() => stalled(client.socket)).toBe(true);
    await at.clock.advance(TIMEOUTS.totalMs + 1_000);
    expect(client.received()).toHaveLength(0);
    // On a busy machine another part may have left in between.
    const waits = async () => {
      await at.clock.advance(TIMEOUTS.idleMs);
      return client.received().toString();
    };
    await expect.poll(waits).toContain("code=connection_write_timeout ");
  });
});

let seen = -1;
/** All buffers on the way are full: between two looks nothing more has left. */
function stalled(socket: {
  readonly bytesWritten: number;
  readonly writableLength: number;
}): boolean {
  const left = socket.writableLength;
  const same = left === seen && left > 0;
  seen = left;
  return same;
}
