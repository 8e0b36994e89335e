/**
 * Docker's and Podman's engine, through its socket where there is one and this user may read it:
 * the containers of this machine with state, health, networks and ports. It is only read.
 */
import { type RequestOptions, request } from "node:http";
import { join } from "node:path";
import { parseDate } from "../../../base/clock.js";
import { type DoctorWorld, within } from "../world/world.js";

export interface Container {
  readonly name: string;
  readonly image: string;
  /** Of the compose file that it was made by; empty for none. */
  readonly service: string;
  readonly folder: string;
  /** `running`, `exited`, `restarting`, `paused`, `created`, `dead`. */
  readonly state: string;
  readonly exitCode: number;
  readonly killedForMemory: boolean;
  readonly restarts: number;
  /** `healthy`, `unhealthy`, `starting`; empty without a check. */
  readonly health: string;
  /** What its check said last. */
  readonly healthSaid: string;
  readonly networks: readonly string[];
  /** Ports of this machine that lead to it, also while it is down. */
  readonly ports: readonly number[];
  /** In milliseconds since 1970. */
  readonly createdAt: number;
  readonly startedAt: number;
}

export type EngineSaid =
  | { readonly kind: "none" }
  /** There is a socket, and this user may not open it. */
  | { readonly kind: "forbidden"; readonly path: string }
  | { readonly kind: "listed"; readonly containers: readonly Container[] };

const SOCKETS = ["run/docker.sock", "var/run/docker.sock", "run/podman/podman.sock"];
const ANSWER_MS_MAX = 2_000;
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
const CONTAINERS_MAX = 50;

type EngineJson = Readonly<Record<string, unknown>>;

export async function askEngine(world: DoctorWorld): Promise<EngineSaid> {
  const uid = process.getuid?.() ?? 0;
  const own = [`run/user/${uid}/docker.sock`, `run/user/${uid}/podman/podman.sock`];
  let forbidden: string | null = null;
  const usual = [...SOCKETS, ...own].map((socket) => ({ socketPath: join(world.root, socket) }));
  const named = engineOf(process.env["DOCKER_HOST"]);
  for (const path of named === null ? usual : [named]) {
    const listed = await get(world, path, "/containers/json?all=1");
    if (listed === "forbidden") forbidden ??= path.socketPath ?? "";
    if (!Array.isArray(listed)) continue;
    const ids = (listed as readonly (EngineJson | null)[])
      .slice(0, CONTAINERS_MAX)
      .map((one) => String(one?.["Id"]));
    const answers = await Promise.all(ids.map((id) => get(world, path, `/containers/${id}/json`)));
    return { kind: "listed", containers: answers.flatMap(containerOf) };
  }
  return forbidden === null ? { kind: "none" } : { kind: "forbidden", path: forbidden };
}

type EngineAddress = Pick<RequestOptions, "socketPath" | "host" | "port">;

/** `unix:///run/docker.sock` or `tcp://10.0.0.1:2375`; null where it names none of these. */
function engineOf(text = ""): EngineAddress | null {
  const socketPath = /^unix:\/\/(\/.+)$/.exec(text)?.[1];
  if (socketPath !== undefined) return { socketPath };
  const [, host, port] = /^tcp:\/\/([^/:]+|\[[^\]]+\]):(\d+)\/?$/.exec(text) ?? [];
  return host === undefined ? null : { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

/** Null where nothing listens, or what comes is no JSON; bounded in time and bytes. */
async function get(world: DoctorWorld, engine: EngineAddress, path: string): Promise<unknown> {
  let end = (): void => {};
  const answer = new Promise<unknown>((resolve) => {
    const asked = request({ ...engine, path, agent: false, headers: { host: "localhost" } });
    end = () => asked.destroy();
    asked.once("error", ({ code }: NodeJS.ErrnoException) =>
      resolve(code === "EACCES" ? "forbidden" : null),
    );
    asked.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        if (text.length > ANSWER_BYTES_MAX) asked.destroy();
      });
      response.once("error", () => resolve(null));
      response.once("close", () => resolve(response.statusCode === 200 ? parsed(text) : null));
    });
    asked.end();
  });
  const said = await within(world.clock, ANSWER_MS_MAX, answer);
  end();
  return said;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function containerOf(said: unknown): readonly Container[] {
  if (typeof said !== "object" || said === null) return [];
  const answer = said as EngineJson;
  const state = inner(answer, "State");
  const health = inner(state, "Health");
  const log = (Array.isArray(health["Log"]) ? health["Log"] : []) as readonly EngineJson[];
  const labels = inner(inner(answer, "Config"), "Labels");
  const bindings = Object.values(inner(inner(answer, "HostConfig"), "PortBindings")).flat();
  return [
    {
      name: String(answer["Name"] ?? "").replace(/^\//, ""),
      image: String(inner(answer, "Config")["Image"] ?? ""),
      service: String(labels["com.docker.compose.service"] ?? ""),
      folder: String(labels["com.docker.compose.project.working_dir"] ?? ""),
      state: String(state["Status"] ?? ""),
      exitCode: Number(state["ExitCode"] ?? 0),
      killedForMemory: state["OOMKilled"] === true,
      restarts: Number(answer["RestartCount"] ?? 0),
      health: String(health["Status"] ?? ""),
      healthSaid:
        String(log.at(-1)?.["Output"] ?? "")
          .trim()
          .split("\n")[0] ?? "",
      networks: Object.keys(inner(inner(answer, "NetworkSettings"), "Networks")),
      ports: bindings.map((one) => Number((one as EngineJson | null)?.["HostPort"] ?? 0)),
      createdAt: parseDate(String(answer["Created"] ?? "")),
      startedAt: parseDate(String(state["StartedAt"] ?? "")),
    },
  ];
}

function inner(map: EngineJson, key: string): EngineJson {
  const value = map[key];
  return typeof value === "object" && value !== null ? (value as EngineJson) : {};
}
