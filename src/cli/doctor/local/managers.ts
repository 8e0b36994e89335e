/**
 * What PM2, systemd and supervisord say of the programs that they keep. Each is asked by its own
 * command, and what is not installed says nothing.
 */
import { dirname } from "node:path";
import type { DoctorWorld } from "../world.js";
import type { ManagedFacts } from "./local-facts.js";
import { unixListenersOf } from "./sockets.js";

export async function managedPrograms(
  world: DoctorWorld,
  pid: number | null,
): Promise<readonly ManagedFacts[]> {
  const all = await Promise.all([pm2(world), systemd(world, pid), supervisord(world)]);
  return all.flat();
}

interface Pm2Process {
  readonly name?: string;
  readonly pid?: number;
  readonly pm2_env?: {
    readonly status?: string;
    readonly restart_time?: number;
    readonly exit_code?: number;
  };
}

async function pm2(world: DoctorWorld): Promise<readonly ManagedFacts[]> {
  // Asked without a daemon PM2 would start one; a diagnosis starts nothing.
  const socket = (await unixListenersOf(world)).find(({ path }) => path.endsWith("/rpc.sock"));
  if (socket === undefined) return [];
  const text = await world.run("env", [`PM2_HOME=${dirname(socket.path)}`, "pm2", "jlist"]);
  const list = parsed(/\[[\s\S]*\]/.exec(text ?? "")?.[0]);
  if (!Array.isArray(list)) return [];
  return (list as readonly Pm2Process[]).map(({ name = "?", pid, pm2_env: env = {} }) => ({
    manager: "pm2" as const,
    name,
    pid: pid === undefined || pid === 0 ? null : pid,
    state: env.status ?? "?",
    running: env.status === "online",
    restarts: env.restart_time ?? null,
    lastEnd: env.exit_code === undefined ? null : `exit code ${env.exit_code}`,
  }));
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

/** The unit of the process, and the units that failed. */
async function systemd(world: DoctorWorld, pid: number | null): Promise<readonly ManagedFacts[]> {
  const failed =
    (await world.run("systemctl", ["list-units", "--failed", "--plain", "--no-legend"])) ?? "";
  const names = failed
    .split("\n")
    .map((line) => line.trim().split(/\s+/)[0] ?? "")
    .filter((name) => name.endsWith(".service"));
  const own = pid === null ? null : await world.run("ps", ["-o", "unit=", "-p", String(pid)]);
  const unit = own?.trim() ?? "";
  const units = unit.endsWith(".service") ? [unit, ...names] : names;
  const shown = await Promise.all(units.slice(0, UNITS_MAX).map((name) => showUnit(world, name)));
  return shown.filter((one) => one !== null);
}

const UNITS_MAX = 10;
const PROPERTIES =
  "Id,MainPID,ActiveState,SubState,NRestarts,Result,ExecMainStatus,Restart,Type,LimitNOFILESoft";

async function showUnit(world: DoctorWorld, name: string): Promise<ManagedFacts | null> {
  const text = await world.run("systemctl", ["show", name, `--property=${PROPERTIES}`]);
  if (text === null) return null;
  const values = new Map(
    text.split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  const pid = Number(values.get("MainPID") ?? 0);
  const result = values.get("Result") ?? "success";
  return {
    manager: "systemd",
    name,
    pid: pid === 0 ? null : pid,
    state: `${values.get("ActiveState") ?? "?"} (${values.get("SubState") ?? "?"})`,
    running: values.get("ActiveState") === "active",
    restarts: Number(values.get("NRestarts") ?? 0),
    lastEnd:
      result === "success" ? null : `${result}, status ${values.get("ExecMainStatus") ?? "?"}`,
  };
}

async function supervisord(world: DoctorWorld): Promise<readonly ManagedFacts[]> {
  // It ends with a code of its own when a program is not running, but prints all the same.
  const text = await world.run("sh", ["-c", "supervisorctl status 2>/dev/null || true"]);
  return (text ?? "").split("\n").flatMap((line) => {
    const [, name, state, rest = ""] =
      /^(\S+)\s+(STOPPED|STARTING|RUNNING|BACKOFF|STOPPING|EXITED|FATAL|UNKNOWN)\b\s*(.*)$/.exec(
        line,
      ) ?? [];
    if (name === undefined || state === undefined) return [];
    const pid = /pid (\d+)/.exec(rest)?.[1];
    const running = state === "RUNNING";
    return [
      {
        manager: "supervisord" as const,
        name,
        pid: pid === undefined ? null : Number(pid),
        state,
        running,
        restarts: null,
        lastEnd: running || rest === "" ? null : rest,
      },
    ];
  });
}
