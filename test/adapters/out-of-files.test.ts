/**
 * This machine has no file left for a new connection: a call takes the next one that becomes free,
 * and says what was missing if none does. Below node:net the answer is made up; all else is real.
 */
import { constants } from "node:os";
import { createGateway } from "good-gateway";
import { virtualClock } from "good-gateway/testing";
import { afterEach, expect, it } from "vitest";
import { replaceConnect } from "../gallery/tools/below-node.js";
import { exchange, get } from "./raw-client.js";
import { listening, PROXY_SERVERS, type ProxyServer } from "./servers.js";
import { gate } from "./world.js";

const CONNECT_MS = 700;
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** One call is under way on the only connection, and a second one waits for it. */
async function twoCalls() {
  const clock = virtualClock();
  const held = gate();
  const ports: (number | undefined)[] = [];
  const upstream = await listening((req, res) => {
    ports.push(req.socket.remotePort);
    void held.opened.then(() => res.end(req.url));
  });
  const timeouts = { connectMs: CONNECT_MS };
  const targets = `http://127.0.0.1:${upstream.port}`;
  const app = { targets, retry: false, timeouts } as const;
  const gateway = createGateway(
    { name: "edge", upstreams: { app }, onWarning: () => {} },
    { clock },
  );
  const serve = PROXY_SERVERS["node:http"] as ProxyServer;
  const running = await serve(gateway.upstream("app"), {});
  cleanUps.push(async () => {
    await Promise.all([running.close().catch(() => {}), upstream.close()]);
    gateway.close();
  });
  const first = exchange(running.port, get("/one"));
  await expect.poll(() => ports.length).toBe(1);
  // The client's own files are not what is missing.
  const { port } = upstream;
  const answer = (_address: string, to: number) => (to === port ? -constants.errno.EMFILE : null);
  cleanUps.push(await replaceConnect(answer));
  const second = exchange(running.port, get("/two"));
  const waiting = () => gateway.upstream("app").targets[0]?.connections.waiting;
  await expect.poll(waiting).toBe(1);
  return { clock, open: held.open, first, second, ports };
}

it("takes the connection that becomes free", async () => {
  const { clock, open, first, second, ports } = await twoCalls();
  open();
  expect(await first).toMatchObject({ status: 200, text: "/one" });
  await clock.runTurns(4);
  expect(await second).toMatchObject({ status: 200, text: "/two" });
  expect(new Set(ports).size).toBe(1);
});

it("says what was missing when none becomes free in time", async () => {
  const { clock, open, first, second } = await twoCalls();
  await clock.advance(CONNECT_MS);
  const refused = await second;
  expect(refused.status).toBe(500);
  expect(refused.field("proxy-status")).toContain("code=local_resources_exhausted ");
  open();
  expect(await first).toMatchObject({ status: 200, text: "/one" });
});
