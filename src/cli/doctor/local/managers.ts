/**
 * What PM2, systemd and supervisord say of the programs that they keep. Each is asked by its own
 * command, and what is not installed says nothing.
 */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ManagedFacts } from "../facts/local-facts.js";
import type { DoctorWorld } from "../world/world.js";
import { entriesOf, unixListenersOf } from "./sockets.js";

export async function managedPrograms(world: DoctorWorld): Promise<readonly ManagedFacts[]> {
  const all = await Promise.all([pm2(world), systemd(world), supervisord(world)]);
  return all.flat();
}

interface Pm2Process {
  readonly name?: string;
  readonly pid?: number;
  readonly pm2_env?: {
    readonly status?: string;
    readonly restart_time?: number;
    readonly unstable_restarts?: number;
    readonly exit_code?: number;
    readonly pm_exec_path?: string;
    readonly args?: unknown;
    readonly PORT?: unknown;
    readonly env?: { readonly PORT?: unknown };
  };
}

async function pm2(world: DoctorWorld): Promise<readonly ManagedFacts[]> {
  // Asked without a daemon PM2 would start one; a diagnosis starts nothing.
  const socket = (await unixListenersOf(world)).find(({ path }) => path.endsWith("/rpc.sock"));
  if (socket === undefined) return [];
  const text = await world.run("env", [`PM2_HOME=${dirname(socket.path)}`, "pm2", "jlist"]);
  const list = parsed(/\[[\s\S]*\]/.exec(text ?? "")?.[0]);
  if (!Array.isArray(list)) return [];
  return (list as readonly Pm2Process[]).map(({ name = "?", pid, pm2_env: env = {} }) => {
    const running = env.status === "online";
    return {
      manager: "pm2" as const,
      name,
      pid: pid === undefined || pid === 0 ? null : pid,
      state: env.status ?? "?",
      running,
      loops: (env.unstable_restarts ?? 0) > 0 || env.status === "waiting restart",
      restarts: env.restart_time ?? null,
      lastEnd: env.exit_code === undefined ? null : `exit code ${env.exit_code}`,
      about: [env.pm_exec_path, env.args, env.PORT, env.env?.PORT].flat().join(" "),
    };
  });
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

const PROPERTIES =
  "Id,MainPID,ActiveState,SubState,NRestarts,Result,ExecMainStatus,ExecStart,Environment";

/** All services at once: their blocks stand one below the other, with an empty line between. */
async function systemd(world: DoctorWorld): Promise<readonly ManagedFacts[]> {
  const text = await world.run("systemctl", [
    ...["show", "*.service", "--all", "--no-pager"],
    `--property=${PROPERTIES}`,
  ]);
  return (text ?? "").split(/\n\s*\n/).flatMap(unitOf);
}

function unitOf(block: string): readonly ManagedFacts[] {
  const values = new Map(
    block.split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  const name = values.get("Id");
  if (name === undefined) return [];
  const pid = Number(values.get("MainPID") ?? 0);
  const result = values.get("Result") ?? "success";
  const sub = values.get("SubState") ?? "?";
  return [
    {
      manager: "systemd",
      name,
      pid: pid === 0 ? null : pid,
      state: `${values.get("ActiveState") ?? "?"} (${sub})`,
      running: values.get("ActiveState") === "active",
      loops: sub.startsWith("auto-restart"),
      restarts: Number(values.get("NRestarts") ?? 0),
      lastEnd:
        result === "success" ? null : `${result}, status ${values.get("ExecMainStatus") ?? "?"}`,
      about: `${values.get("ExecStart") ?? ""} ${values.get("Environment") ?? ""}`,
    },
  ];
}

const USUAL_FILES = ["/etc/supervisor/supervisord.conf", "/etc/supervisord.conf"];

async function supervisord(world: DoctorWorld): Promise<readonly ManagedFacts[]> {
  const file = await supervisordFile(world);
  const option = file === null ? [] : ["-c", file];
  // It ends with a code of its own when a program is not running, but prints all the same.
  const script = 'supervisorctl "$@" status 2>/dev/null || true';
  const text = await world.run("sh", ["-c", script, "sh", ...option]);
  const configuration = file === null ? "" : await textOf(world, file);
  return (text ?? "").split("\n").flatMap((line) => programOf(line, configuration));
}

/** The file with which it runs; null for the usual one of supervisorctl itself. */
async function supervisordFile(world: DoctorWorld): Promise<string | null> {
  for (const pid of (await entriesOf(join(world.root, "proc"))).filter((one) =>
    /^\d+$/.test(one),
  )) {
    const words = (await textOf(world, `/proc/${pid}/cmdline`)).split("\0");
    if (!words.slice(0, 2).some((word) => /(?:^|\/)supervisord$/.test(word))) continue;
    const at = words.findIndex((word) => word === "-c" || word === "--configuration");
    const named = at < 0 ? undefined : words[at + 1];
    if (named?.startsWith("/") === true) return named;
  }
  for (const path of USUAL_FILES) if ((await textOf(world, path)) !== "") return path;
  return null;
}

function textOf({ root }: DoctorWorld, path: string): Promise<string> {
  return readFile(join(root, path), "utf8").catch(() => "");
}

function programOf(line: string, configuration: string): readonly ManagedFacts[] {
  const [, name, state, rest = ""] =
    /^(\S+)\s+(STOPPED|STARTING|RUNNING|BACKOFF|STOPPING|EXITED|FATAL|UNKNOWN)\b\s*(.*)$/.exec(
      line,
    ) ?? [];
  if (name === undefined || state === undefined) return [];
  const pid = /pid (\d+)/.exec(rest)?.[1];
  const running = state === "RUNNING";
  const program = name.split(":").at(-1) ?? name;
  const section = configuration.split(/^\[/m).find((one) => one.startsWith(`program:${program}]`));
  return [
    {
      manager: "supervisord",
      name,
      pid: pid === undefined ? null : Number(pid),
      state,
      running,
      loops: state === "BACKOFF",
      restarts: null,
      lastEnd: running || rest === "" ? null : rest,
      about: section ?? "",
    },
  ];
}
