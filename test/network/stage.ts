/**
 * The lab's stage: this namespace with the gateways, another one with the targets, the emulated
 * link between them, routes, and the name server.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { testAuthority } from "../../src/testing/certificates.js";
import type { FarSettings } from "./far.js";
import { type NameServer, SIX, startNames } from "./names.js";
import type { Rule, Scenario } from "./scenarios.js";

export interface Stage {
  readonly ca: string;
  readonly names: NameServer;
  /** What passes between the gateways and the faulty target of a network; null for everything. */
  rule(net: number, rule: Rule | null): Promise<void>;
  /** Ends the open connections of that target, without a word or by resets. */
  forget(net: number, how: "silent" | "reset"): Promise<void>;
  /** Stops the process of the targets with ports from 1,000. */
  pause(): void;
  /** How often each path was executed. */
  executed(): Promise<ReadonlyMap<string, number>>;
  close(): void;
}

/** Buffers of the kernel, so that a megabyte does not fit into them. */
const BUFFERS = "4096 16384 65536";
const GATEWAY = "172.31.0.1";

const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const ip = (line: string) => execFileSync("ip", line.split(" "), { stdio: "pipe" });

export async function openStage(nets: ReadonlyMap<number, Scenario>): Promise<Stage> {
  ip("link set lo up");
  const { ca, issue } = testAuthority();
  const behaviours = Object.fromEntries(
    [...nets].flatMap(([net, { behaviour }]) => (behaviour ? [[net, behaviour]] : [])),
  );
  const settings = { behaviours, secure: issue({ names: ["far.test"] }) };
  const link = await startLink();
  const far = await startFar(["unshare", "--net"], { ...settings, firstPort: 0 });
  connectFar(far.pid ?? 0);
  const pausing = [...nets.values()].some(({ machine }) => machine === "stopped");
  const inFar = ["nsenter", "--net", "--target", `${far.pid}`];
  const other = pausing ? await startFar(inFar, { ...settings, firstPort: 1_000 }) : null;
  for (const [net, { route }] of nets) {
    if (route && route !== "none") ip(`route add ${route} 10.${net}.1.0/24`);
  }
  const names = await startNames();
  let asked = 0;
  return {
    ...{ ca, names },
    rule: (net, rule) => link.say({ net, rule }),
    forget: (net, forget) => link.say({ net, forget }),
    pause: () => void other?.kill("SIGSTOP"),
    executed() {
      asked += 1;
      const id = asked;
      far.send(id);
      return new Promise((resolve) => {
        const look = (told: { id: number; executed: Record<string, number> }): void => {
          if (told.id !== id) return;
          far.off("message", look);
          resolve(new Map(Object.entries(told.executed)));
        };
        far.on("message", look);
      });
    },
    close() {
      for (const child of [far, other, link.child]) child?.kill("SIGKILL");
    },
  };
}

async function startLink() {
  const child = spawn("python3", [fileOf("link.py")], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  let last: Promise<unknown> = Promise.resolve();
  const say = (message: object): Promise<void> => {
    const said = last.then(() => {
      child.stdin.write(`${JSON.stringify(message)}\n`);
      return lines.next();
    });
    last = said;
    return said.then(() => {});
  };
  return { child, say };
}

/** Resolves when its servers listen. */
async function startFar(within: readonly string[], settings: FarSettings): Promise<ChildProcess> {
  const [command = "", ...args] = [
    ...within,
    process.execPath,
    "--import",
    "tsx",
    fileOf("far.ts"),
  ];
  const child = spawn(command, args, {
    env: { ...process.env, FAR: JSON.stringify(settings) },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  await once(child, "message");
  return child;
}

function connectFar(pid: number): void {
  ip(`link set far netns ${pid}`);
  ip(`addr add ${GATEWAY}/32 dev near`);
  ip("link set near up");
  ip("route add 10.0.0.0/8 dev near");
  ip(`-6 addr add ${SIX.sixdead.replace("66", "1")}/64 dev near nodad`);
  ip(`-6 route add unreachable ${SIX.sixclosed}`);
  const inFar = (...command: string[]) =>
    execFileSync("nsenter", ["--net", "--target", `${pid}`, ...command], { stdio: "pipe" });
  const buffers = [`net.ipv4.tcp_rmem=${BUFFERS}`, `net.ipv4.tcp_wmem=${BUFFERS}`];
  inFar("ip", "link", "set", "lo", "up");
  inFar("ip", "link", "set", "far", "up");
  inFar("ip", "route", "add", "local", "10.0.0.0/8", "dev", "lo");
  inFar("ip", "route", "add", `${GATEWAY}/32`, "dev", "far");
  inFar("sysctl", "-qw", ...buffers);
  execFileSync("sysctl", ["-qw", ...buffers], { stdio: "pipe" });
}
