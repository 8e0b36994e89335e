/**
 * A process behind the gateway is killed under load and started again: one incident, told once at
 * its start and once at its end, with the evidence that an alert needs.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createGateway, type Gateway, type Incident } from "good-gateway";
import { afterEach, describe, expect, it } from "vitest";

/** Starting processes takes its time on a busy machine, and an incident ends seconds after it. */
const PROCESSES_MS = 60_000;
const CALLERS = 8;

const SERVER = `
  const { createServer } = require("node:http");
  const server = createServer((req, res) => {
    if (req.url === "/hangs") return;
    setTimeout(() => res.end("ok"), 5);
  });
  const listening = () => process.stdout.write(String(server.address().port));
  server.listen(Number(process.argv[1]), "127.0.0.1", listening);
`;

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
}

const children = new Set<ChildProcess>();
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
});

/** Port 0 for any that is free. */
async function startProcess(port: number): Promise<Started> {
  const child = spawn(process.execPath, ["-e", SERVER, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.add(child);
  const [text] = await once(child.stdout as NonNullable<typeof child.stdout>, "data");
  return { child, port: Number(text) };
}

/** Calls without a pause until it is stopped. */
function load(gateway: Gateway<"app">) {
  const counts = { good: 0, failed: 0 };
  let stopped = false;
  const caller = async (): Promise<void> => {
    while (!stopped) {
      const outcome = await gateway.upstream("app").send({ path: "/", method: "POST" });
      if (outcome.kind === "no_response") {
        counts.failed += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
      } else {
        counts.good += 1;
        await outcome.response.body.text().catch(() => {});
      }
    }
  };
  const callers = Promise.all(Array.from({ length: CALLERS }, caller));
  const stop = async (): Promise<void> => {
    stopped = true;
    await callers;
  };
  return { counts, stop };
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("a process that is killed under load and started again", () => {
  it("is one incident with one start and one end", { timeout: PROCESSES_MS }, async () => {
    const { child: first, port } = await startProcess(0);
    const target = `http://127.0.0.1:${port}`;
    const gateway = createGateway({
      upstreams: { app: { targets: target, retry: false, breaker: { openMs: 60 } } },
      onWarning: () => {},
    });
    const told: (readonly [string, Incident])[] = [];
    gateway.on("incident:start", (incident) => told.push(["start", incident]));
    gateway.on("incident:end", (incident) => told.push(["end", incident]));
    const { counts, stop } = load(gateway);
    await until(() => counts.good >= 200);
    // Some that a restart within a round trip could not hide.
    const hanging = Array.from({ length: 4 }, () =>
      gateway.upstream("app").send({ path: "/hangs" }),
    );
    await until(() => (gateway.upstream("app").targets[0]?.pending ?? 0) >= 5);
    expect(gateway.incidents).toEqual([]);

    first.kill("SIGKILL");
    await until(() => told.length > 0);
    const [, start] = told[0] as (typeof told)[number];
    expect(start).toMatchObject({ id: 1, upstream: "app", target, endedAt: null });
    expect(start.refused + start.cut).toBeGreaterThan(0);
    expect(start.inFlight).toBeGreaterThanOrEqual(4);
    expect(start.lastAnswerAt).toBeLessThanOrEqual(start.startedAt);
    await until(() => counts.failed >= 20);
    expect(gateway.snapshot().incidents).toMatchObject([{ id: 1, answeredAgainAt: null }]);

    await startProcess(port);
    await until(() => told.length > 1);
    await stop();
    await Promise.all(hanging);
    expect(told.map(([name]) => name)).toEqual(["start", "end"]);
    const [, end] = told[1] as (typeof told)[number];
    expect(end).toMatchObject({ id: 1, newProcess: true, relapses: 0 });
    expect(end.refused).toBeGreaterThan(0);
    // At its start a refusal may have been seen before any of the sockets that were cut.
    // On a busy machine an answer may be read after the cuts; what was lost before it is then no
    // part of the incident, and where that is all, it has no sockets.
    const { lost, oldestMs, youngestMs } = end.sockets ?? { lost: 1, oldestMs: 0, youngestMs: 0 };
    expect(oldestMs).toBeGreaterThanOrEqual(youngestMs);
    expect(lost).toBeGreaterThanOrEqual(1);
    expect(end.callsHit).toBeGreaterThanOrEqual(end.callsFailed);
    expect(end.callsFailed + end.callsTurnedAway).toBeGreaterThanOrEqual(20);
    expect(end.answeredAgainAt).toBeGreaterThan(end.startedAt);
    expect(gateway.incidents).toEqual([end]);
    gateway.close();
    expect(told).toHaveLength(2);
  });
});
