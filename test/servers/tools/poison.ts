/**
 * Callers beside a client that sends what an application fails, through real proxies.
 *
 * Each cell has instances, a proxy and callers of its own; all of them run side by side, so that a
 * table takes no longer than a cell. The instances are well: what the others lose, the proxy lost.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startHaproxyBefore } from "./haproxy.js";
import { startNginx } from "./nginx.js";
import { freePort } from "./processes.js";

export const KINDS = ["reset", "500", "502", "503", "hang", "garbage", "head", "upgrade"] as const;

export interface Cell {
  readonly kind: (typeof KINDS)[number];
  readonly targets: number;
  readonly method: "GET" | "POST";
  readonly perSecond: number;
  /** Poison, against the others, 0 for none; in bursts of so many. */
  readonly poison: number;
  readonly burst?: number;
}

export interface CellResult {
  readonly calls: number;
  readonly failed: number;
  /** The numbers of those that failed, in the order in which they were sent. */
  readonly lost: readonly number[];
  /** Of those that failed, by status and what the proxy says of it, or how the client ended. */
  readonly why: Readonly<Record<string, number>>;
  /** Milliseconds of each of the others' calls that was answered well. */
  readonly took: readonly number[];
}

export const FRONTS = { "good-gateway": gateways, HAProxy: haproxies, nginx: nginxes } as const;

/** Ports before each group of instances, and how to end what listens there. */
interface Front {
  readonly ports: readonly number[];
  stop(): Promise<void> | void;
}

type Groups = readonly (readonly number[])[];

const PATHS = ["/orders", "/orders/17", "/users/3", "/cart"];
/** By then a target is known by what it has answered. */
const POISON_FROM_MS = 2_000;
/** No caller waits longer for an answer; far beyond what a gateway and a busy machine take. */
const PATIENCE_MS = 60_000;

/** Plays all cells at the same time, for so many seconds. */
export async function playPoison(
  cells: readonly Cell[],
  front: keyof typeof FRONTS,
  seconds: number,
): Promise<readonly CellResult[]> {
  const total = cells.reduce((sum, { targets }) => sum + targets, 0);
  const instances = await child("instances.mjs", String(total));
  const left = [...instances.ports];
  const groups = cells.map(({ targets }) => left.splice(0, targets));
  const before = await FRONTS[front](groups);
  try {
    return await Promise.all(
      cells.map((cell, at) => play(cell, before.ports[at] as number, seconds)),
    );
  } finally {
    await before.stop();
    instances.stop();
  }
}

/** Three instances, one of which becomes ill but for its health and one route: calls since then. */
export async function playIll(
  fault: string,
  method: Cell["method"],
  perSecond: number,
  seconds: number,
): Promise<CellResult> {
  const instances = await child("instances.mjs", "3");
  const before = await gateways([instances.ports]);
  const cell = { kind: "reset", targets: 3, method, perSecond, poison: 0 } as const;
  try {
    const port = before.ports[0] as number;
    await play(cell, port, 1);
    instances.send(fault);
    return await play(cell, port, seconds);
  } finally {
    await before.stop();
    instances.stop();
  }
}

async function play(cell: Cell, port: number, seconds: number): Promise<CellResult> {
  const { kind, method, perSecond, poison, burst = 1 } = cell;
  const agent = new Agent({ keepAlive: true });
  const took: number[] = [];
  const why: Record<string, number> = {};
  const lost: number[] = [];
  let calls = 0;
  const other = async (): Promise<void> => {
    const number = calls++;
    const path = PATHS[number % PATHS.length] as string;
    const startedAt = performance.now();
    const end = await send(agent, port, method, path);
    if (GOOD.test(end)) took.push(performance.now() - startedAt);
    else {
      why[end] = (why[end] ?? 0) + 1;
      lost.push(number);
    }
  };
  const bad = (): Promise<unknown> =>
    kind === "upgrade"
      ? send(agent, port, "GET", "/socket", { connection: "Upgrade", upgrade: "websocket" })
      : send(agent, port, method, `/boom/${kind}`);
  const under = new Set<Promise<unknown>>();
  const at = async (rate: number, size: number, one: () => Promise<unknown>): Promise<void> => {
    const endsAt = performance.now() + seconds * 1_000;
    while (performance.now() < endsAt) {
      for (let index = 0; index < size; index += 1) {
        const call = one();
        under.add(call);
        void call.finally(() => under.delete(call));
      }
      await sleep(-Math.log(1 - Math.random()) * ((size * 1_000) / rate));
    }
  };
  const poisoning = poison > 0 && sleep(POISON_FROM_MS).then(() => at(poison, burst, bad));
  await at(perSecond, 1, other);
  const failed = await Promise.all(under).then(() => calls - took.length);
  await poisoning;
  agent.destroy();
  return { calls, failed, lost, why, took };
}

const GOOD = /^200\b/;

/** The status of a whole answer, with what a proxy says of it; else how it ended. */
function send(
  agent: Agent,
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve) => {
    const asked = request({ agent, host: "127.0.0.1", port, path, method, headers });
    const timer = setTimeout(() => {
      resolve("no patience");
      asked.destroy();
    }, PATIENCE_MS);
    const over = (end: string): void => {
      clearTimeout(timer);
      resolve(end);
    };
    asked.once("error", ({ message }) => over(message));
    asked.once("close", () => over("closed"));
    asked.once("response", (answer) => {
      answer.resume();
      answer.once("error", ({ message }) => over(message));
      const said = answer.headers["proxy-status"];
      const status = String(answer.statusCode);
      answer.once("end", () => over(said === undefined ? status : `${status} ${said}`));
    });
    asked.end(method === "POST" ? "amount=1" : undefined);
  });
}

async function child(script: string, argument: string) {
  const path = fileURLToPath(new URL(`../poison/${script}`, import.meta.url));
  const started = fork(path, [argument], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [ports] = (await once(started, "message")) as [readonly number[]];
  return {
    ports,
    send: (message: string) => started.send(message),
    stop: () => started.disconnect(),
  };
}

function gateways(groups: Groups): Promise<Front> {
  return child("gateways.mjs", JSON.stringify(groups));
}

async function haproxies(groups: Groups): Promise<Front> {
  return startHaproxyBefore(groups);
}

async function nginxes(groups: Groups): Promise<Front> {
  const ports = await Promise.all(groups.slice(1).map(freePort));
  const http = groups.map((group, at) => {
    const servers = group.map((port) => `server 127.0.0.1:${port};`).join(" ");
    const listen = at === 0 ? "$port" : ports[at - 1];
    return [
      `upstream app${at} { ${servers} keepalive 32; }`,
      `server { listen 127.0.0.1:${listen}; location / { proxy_pass http://app${at};`,
      "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;",
      'proxy_set_header Connection "$connection_of"; } }',
    ].join("\n");
  });
  const map = 'map $http_upgrade $connection_of { default upgrade; "" ""; }';
  const { port, stop } = await startNginx({ http: [map, ...http].join("\n") });
  return { ports: [port, ...ports], stop };
}
