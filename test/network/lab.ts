/**
 * What gateways make of networks and machines that do not work, played in namespaces: to be started
 * under `unshare --net --mount`, with the kinds of scenarios to play. Prints its rows as JSON.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import type { Process } from "../servers/tools/processes.js";
import { DOORS, type DoorSettings, type OpenDoor, plain, type Told } from "./doors.js";
import { type Group, startHaproxy, startNginx } from "./fronts.js";
import { CALLS } from "./limits.js";
import { leaveFiles, refuse, takePorts } from "./machine.js";
import type { Row } from "./row.js";
import { SCENARIOS, type Scenario, titleOf } from "./scenarios.js";
import { openStage, type Stage } from "./stage.js";

/** One line of the table: a scenario, a door, one or three targets, a method. */
interface Line {
  readonly door: string;
  readonly targets: 1 | 3;
  readonly method: "GET" | "POST";
  /** Makes its addresses its own. */
  readonly number: number;
  readonly open: (settings: DoorSettings) => Promise<OpenDoor>;
}

// OpenSSL 3.5, that of Node 24, offers a key of a kilobyte as well, which rules by size would hit.
tls.DEFAULT_ECDH_CURVE = "X25519";

/** Nothing is wrong here. */
const WARM_NET = 9;
const WARM: Scenario = { kind: "warm", name: "warm", alone: ["well"] };
const FIRST_NET = 10;
const FIRST_PORT = 20_000;
/** Of the scenarios that do not change the process itself. */
const AT_ONCE = 4;
const WARM_CALLS = 6;
const SMALL = 5;
const OFFSETS: Readonly<Record<string, number>> = { stopped: 1_000, "nothing listens": 2_000 };

/** Kinds, or single scenarios. */
const wanted = process.argv.slice(2);
const nets = new Map(
  SCENARIOS.flatMap((scenario, at) => {
    const isWanted = wanted.includes(scenario.kind) || wanted.includes(titleOf(scenario));
    return isWanted ? [[FIRST_NET + at, scenario] as const] : [];
  }),
);
const folder = mkdtempSync(join(tmpdir(), "lab-"));

const LINES: readonly Line[] = [
  ...DOORS.flatMap(({ name, methods, open }) => linesOf(name, methods, open)),
  ...["HAProxy", "nginx"].flatMap((name) => linesOf(name, ["GET", "POST"], open)),
].map((line, at) => ({ ...line, number: at + 1 }));

function linesOf(
  door: string,
  methods: Line["method"][] | readonly Line["method"][],
  open: Line["open"],
) {
  return methods.flatMap((method) =>
    ([1, 3] as const).map((targets) => ({ door, method, targets, open })),
  );
}

/** A front is there already, on the port that its settings name. */
async function open({ socketPath }: DoorSettings): Promise<OpenDoor> {
  const ask = plain({ port: Number(socketPath) });
  return {
    async ask(call) {
      const { status, whole } = await ask(call);
      return { status, whole, code: null, blame: null, attempts: 0, problem: "" };
    },
    close: async () => {},
  };
}

function isFront({ door }: Line): boolean {
  return door === "HAProxy" || door === "nginx";
}

function hostsOf(net: number, { naming, route }: Scenario, { number, targets }: Line) {
  const named = (role: string, how: string) => `${role}x${number}.n${net}.${how}.test`;
  const address = (role: number) => `10.${net}.${role}.${number}`;
  if (route === "none") return [`192.0.2.${number}`, address(2), address(3)].slice(0, targets);
  if (naming === undefined) return [1, 2, 3].map(address).slice(0, targets);
  return [named("bad1", naming), named("well2", "well"), named("well3", "well")].slice(0, targets);
}

function offsetOf({ machine }: Scenario): number {
  return OFFSETS[machine ?? ""] ?? 0;
}

function portOf(net: number, { number }: Line): number {
  return FIRST_PORT + net * LINES.length + number;
}

async function playLine(stage: Stage, net: number, scenario: Scenario, line: Line, fault: Fault) {
  const hosts = hostsOf(net, scenario, line);
  const { totalMs, machine, body = SMALL, uploadMs = 0 } = scenario;
  const door = await line.open({
    ...{ hosts, ports: [offsetOf(scenario)], totalMs, ca: stage.ca },
    socketPath: isFront(line) ? `${portOf(net, line)}` : join(folder, `${net}-${line.number}`),
  });
  const ask = (name: string) =>
    door.ask({
      ...{ method: line.method, path: `/${net}/${line.number}/${name}` },
      ...{ body: line.method === "POST" ? Buffer.alloc(body, "p") : null, uploadMs },
    });
  if (scenario.later !== undefined) {
    await Promise.all(Array.from({ length: WARM_CALLS }, (_, at) => ask(`warm${at}`)));
  }
  await fault.begin();
  const restore = await trouble(machine, line, hosts[0] ?? "");
  const told: Told[] = [];
  let slowestMs = 0;
  const calls = line.targets === 1 ? CALLS.alone : scenario.body ? 4 : CALLS.beside;
  for (let call = 0; call < calls; call += 1) {
    const from = performance.now();
    told.push(await ask(`${call}`));
    slowestMs = Math.max(slowestMs, Math.round(performance.now() - from));
  }
  await restore();
  await door.close();
  return rowOf(scenario, line, told, slowestMs);
}

async function trouble(machine: Scenario["machine"], line: Line, host: string) {
  if (machine === "no files") return leaveFiles(line.door === "gatewayFetch" ? 0 : 2);
  if (machine !== "no ports") return () => {};
  return takePorts(host, { "HTTP/2": 81, TLS: 443 }[line.door] ?? 80);
}

function rowOf({ kind, name }: Scenario, line: Line, told: readonly Told[], slowestMs: number) {
  const { door, targets, method } = line;
  const distinct = <T>(values: readonly T[]) => [...new Set(values)].sort();
  const failed = told.filter(({ whole }) => !whole);
  return {
    ...{ kind, scenario: name, door, targets, method, calls: told.length, lost: failed.length },
    statuses: distinct(told.map(({ status }) => status)),
    codes: distinct(failed.flatMap(({ code }) => (code === null ? [] : [code]))),
    blames: distinct(failed.flatMap(({ blame }) => (blame === null ? [] : [blame]))),
    attempts: told.reduce((sum, { attempts }) => sum + attempts, 0),
    ...{ executed: 0, twice: 0, slowestMs, starvedMs: 0 },
    problems: distinct(told.flatMap(({ problem }) => (problem === "" ? [] : [problem]))),
  };
}

/** Begins when all lines of the scenario are ready for it. */
interface Fault {
  begin(): Promise<void>;
}

function faultOf(stage: Stage, net: number, { rule, later }: Scenario, lines: number): Fault {
  const apply = async () => {
    if (later === "silent" || later === "reset") await stage.forget(net, later);
    if (later !== "moves") return;
    stage.names.moved.add(net);
    await stage.rule(net, { syn: "drop" });
  };
  let [waiting, go] = [lines, () => {}];
  const all = new Promise<void>((resolve) => {
    go = resolve;
  }).then(apply);
  const begin = () => {
    waiting -= 1;
    if (waiting === 0) go();
    return all;
  };
  return { begin: rule === undefined && later !== undefined ? begin : async () => {} };
}

async function play(stage: Stage, net: number, scenario: Scenario, lines: readonly Line[]) {
  const { rule, machine, later } = scenario;
  if (rule !== undefined || later !== undefined) await stage.rule(net, rule ?? {});
  const fault = faultOf(stage, net, scenario, lines.length);
  const rows: Row[] = [];
  if (machine === "no files" || machine === "no ports") {
    for (const line of lines) rows.push(await playLine(stage, net, scenario, line, fault));
  } else {
    const played = lines.map((line) => playLine(stage, net, scenario, line, fault));
    rows.push(...(await Promise.all(played)));
  }
  await stage.rule(net, null);
  return rows;
}

/** The doors of a scenario: fronts only where they can take part. */
function linesFor(scenario: Scenario, fronts: { has(door: string): boolean }): readonly Line[] {
  const { kind, naming } = scenario;
  return LINES.filter((line) => {
    if (line.door === "WebSocket" && scenario.body !== undefined) return false;
    if (!isFront(line)) return true;
    if (!fronts.has(line.door) || kind === "the gateway's own machine") return false;
    return line.door !== "nginx" || naming === undefined;
  });
}

async function startFronts(): Promise<ReadonlyMap<string, Process>> {
  const groups = (door: string): Group[] =>
    [...nets].flatMap(([net, scenario]) =>
      linesFor(scenario, new Set([door]))
        .filter((line) => line.door === door)
        .map((line) => ({
          port: portOf(net, line),
          servers: hostsOf(net, scenario, line).map(
            (host, at) => `${host}:${at === 0 ? 80 + offsetOf(scenario) : 80}`,
          ),
        })),
    );
  const fronts = new Map<string, Process>();
  for (const [door, start] of [
    ["HAProxy", startHaproxy],
    ["nginx", startNginx],
  ] as const) {
    const served = groups(door);
    const process = served.length > 0 ? await start(served) : null;
    if (process !== null) fronts.set(door, process);
  }
  return fronts;
}

const stage = await openStage(nets);
// Before the fronts start, which are in the same group then.
const unfilter = [...nets].flatMap(([net, { machine }]) =>
  machine === "refused by a filter" ? [refuse(net)] : [],
);
const fronts = await startFronts();
stage.pause();
const waiting = [...nets];
const rows: Row[] = [];
const worker = async (): Promise<void> => {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [net, scenario] = next;
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    const played = await play(stage, net, scenario, linesFor(scenario, fronts));
    const starvedMs = Math.round(delay.max / 1e6);
    delay.disable();
    await sleep(100);
    const executed = await stage.executed();
    const numbers = linesFor(scenario, fronts).map(({ number }) => number);
    played.forEach((row, at) => {
      const counts = Array.from({ length: row.calls }, (_, call) => {
        return executed.get(`/${net}/${numbers[at]}/${call}`) ?? 0;
      });
      const [once, twice] = [1, 2].map((least) => counts.filter((count) => count >= least).length);
      rows.push({ ...row, starvedMs, executed: once ?? 0, twice: twice ?? 0 });
    });
  }
};
// What is compiled in the first calls keeps no scenario waiting.
await play(
  stage,
  WARM_NET,
  WARM,
  LINES.filter((line) => !isFront(line)),
);
const isAlone = [...nets.values()].some(({ machine }) => machine?.startsWith("no "));
const atOnce = isAlone ? 1 : Number(process.env["LAB_AT_ONCE"] ?? AT_ONCE);
await Promise.all(Array.from({ length: atOnce }, worker));
await Promise.all([...fronts.values()].map((front) => front.stop()));
for (const undo of unfilter) undo();
stage.close();
process.stdout.write(JSON.stringify(rows), () => process.exit(0));
