/**
 * One target of three, on sockets and with the defaults: failing fast wins it nothing, and well
 * again it is used again. Counted in calls, at a pace that a busy machine can only slow down.
 */
import { once } from "node:events";
import { Agent, createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type BalanceOptions, createGateway, type UpstreamOptions } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { afterEach, describe, expect, it } from "vitest";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** What it does: serve, answer with a status at once, never answer, refuse connections. */
type Mode = "well" | number | "silent" | "down";

/** An instance of an application that is well at first. */
async function instance() {
  let mode: Mode = "well";
  /** Numbers of the calls that it was asked for. */
  const asked: number[] = [];
  const server = createServer((req, res) => {
    req.resume();
    asked.push(Number(req.headers["x-call"]));
    if (mode === "silent") return;
    if (mode !== "well") return void res.writeHead(mode as number).end();
    setTimeout(() => res.end("done"), 5 + 10 * Math.random());
  });
  const { port } = await listening(server);
  return {
    port,
    asked,
    async become(next: Mode) {
      if (next === "down") {
        server.closeAllConnections();
        await new Promise((closed) => server.close(closed));
      } else if (mode === "down") await listening(server, port);
      mode = next;
    },
  };
}

async function listening(server: Server, port = 0): Promise<AddressInfo> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close().closeAllConnections());
  return server.address() as AddressInfo;
}

/** Instances behind a gateway, and how to ask it; resolves to the status. */
async function behind(count: number, options: Partial<UpstreamOptions>) {
  const instances = await Promise.all(Array.from({ length: count }, instance));
  const targets = instances.map(({ port }) => `http://127.0.0.1:${port}`);
  const gateway = createGateway({
    onWarning: () => {},
    upstreams: { app: { targets, ...options } },
  });
  closing.push(() => gateway.close());
  const { port } = await listening(createServer(nodeProxy(gateway.upstream("app"))));
  const agent = new Agent({ keepAlive: true });
  closing.push(() => agent.destroy());
  const ask = (method: "GET" | "POST", call: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const path = ["/orders/17", "/orders", "/users/3", "/cart"][call % 4];
      const headers = { "x-call": call, "x-user": `user ${call % 100}` };
      const sent = request({ agent, port, host: "127.0.0.1", method, path, headers });
      sent.once("error", reject).once("response", (answer) => {
        answer.resume().once("end", () => resolve(answer.statusCode ?? 0));
      });
      sent.end(method === "POST" ? "amount=1" : undefined);
    });
  return { instances, ask };
}

const BALANCERS: Readonly<Record<string, BalanceOptions>> = {
  two_choices: { policy: "two_choices" },
  least_pending: { policy: "least_pending" },
  round_robin: { policy: "round_robin" },
  hash: { policy: "hash", key: { header: "x-user" } },
};
const WARM_CALLS = 60;
const CALLS = 600;
const CALLERS = 4;
/** A third would be its part. */
const REFUSED_MAX = 0.12;

describe.each([429, 408, 500, 404])("one of three answers %i at once", (status) => {
  it.each(Object.entries(BALANCERS))(
    "it wins nothing by it: %s",
    async (_, balance) => {
      const play = async (method: "GET" | "POST"): Promise<void> => {
        const { instances, ask } = await behind(3, { balance });
        // Connections are open and code is compiled before it becomes ill.
        for (let call = 0; call < WARM_CALLS; call += 1) expect(await ask(method, call)).toBe(200);
        for (const { asked } of instances) asked.length = 0;
        await instances[0]?.become(status);
        let [sent, refused] = [0, 0];
        const caller = async (): Promise<void> => {
          while (sent < CALLS) if ((await ask(method, sent++)) !== 200) refused += 1;
        };
        await Promise.all(Array.from({ length: CALLERS }, caller));
        const what = `${method}, ${refused} of ${sent} refused`;
        expect(instances[0]?.asked.length, what).toBeGreaterThan(0);
        expect(instances[0]?.asked.length, what).toBeLessThan(REFUSED_MAX * CALLS);
        expect(refused, what).toBeLessThan(REFUSED_MAX * CALLS);
      };
      await Promise.all([play("GET"), play("POST")]);
    },
    60_000,
  );
});

const PER_SECOND = 15;
const OUT_S = 6;
/** From the moment at which it is well: the first trial, and its whole share. */
const FIRST_S_MAX = 2;
const SHARE_S_MAX = 10;
const AFTER_S = 22;

const WAYS = [
  ["silent", "GET", 3],
  ["silent", "GET", 1],
  ["down", "GET", 3],
  ["down", "POST", 3],
  ["down", "GET", 1],
  [500, "GET", 3],
  [503, "GET", 3],
] as const;

/** How many calls it took until it was asked again, and its part of those after ten seconds. */
async function heal([mode, method, count]: (typeof WAYS)[number]) {
  const { instances, ask } = await behind(count, { timeouts: { responseMs: 3_000 } });
  const [one] = instances;
  let call = 0;
  const under: Promise<number>[] = [];
  const callFor = async (seconds: number): Promise<void> => {
    for (const end = call + PER_SECOND * seconds; call < end; call += 1) {
      under.push(ask(method, call));
      await sleep(1_000 / PER_SECOND);
    }
  };
  await callFor(2);
  await one?.become(mode);
  await callFor(OUT_S);
  await one?.become("well");
  const wellFrom = call;
  await callFor(AFTER_S);
  await Promise.all(under);
  const later = one?.asked.filter((number) => number >= wellFrom) ?? [];
  const shareFrom = wellFrom + SHARE_S_MAX * PER_SECOND;
  const share = later.filter((number) => number >= shareFrom).length / (call - shareFrom);
  return { first: (later[0] ?? call) - wellFrom, share: share * count };
}

it("what is well again is used again within seconds, however it was out", async () => {
  const healed = await Promise.all(WAYS.map(heal));
  for (const [at, { first, share }] of healed.entries()) {
    const what = WAYS[at]?.join(", ");
    expect(first, what).toBeLessThanOrEqual(FIRST_S_MAX * PER_SECOND);
    expect(share, what).toBeGreaterThan(0.7);
  }
}, 120_000);
