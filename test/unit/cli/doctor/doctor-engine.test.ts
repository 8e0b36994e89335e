/**
 * The engine's socket, played by a script: what the doctor makes of containers that are down,
 * killed, restarted, unhealthy or newer than their front, and of a socket that says nothing.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { askEngine } from "../../../../src/cli/doctor/local/engine.js";
import { readSubject } from "../../../../src/cli/doctor/look-at.js";
import { DOCTOR_LIMITS } from "../../../../src/cli/doctor/world/limits.js";
import { systemWorld } from "../../../../src/cli/doctor/world/world.js";
import type { Report } from "../../../../src/diagnosis/diagnosis-report.js";

const opened: Server[] = [];
const folders: string[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const one of opened.splice(0)) one.closeAllConnections();
  for (const one of folders.splice(0)) rmSync(one, { recursive: true, force: true });
});

interface Told {
  readonly service: string;
  readonly state?: object;
  readonly restarts?: number;
  readonly created?: string;
  readonly port?: number;
}

/** A machine with an engine that has these containers; `answer` in place of what it would say. */
async function machine(told: readonly Told[], answer: string | null = null) {
  const root = mkdtempSync(join(tmpdir(), "eng-"));
  folders.push(root);
  mkdirSync(join(root, "run"));
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const at = Number(/^\/containers\/(\d+)\/json$/.exec(request.url ?? "")?.[1] ?? -1);
    const one = told[at];
    const all = told.map((_, index) => ({ Id: String(index) }));
    response.end(answer ?? JSON.stringify(one === undefined ? all : inspected(one, root)));
  });
  opened.push(server);
  await new Promise<void>((ready) => void server.listen(join(root, "run/docker.sock"), ready));
  return { root, asked, world: { ...systemWorld, root, run: async () => null } };
}

function inspected({ service, state, restarts = 0, created, port }: Told, folder: string): object {
  const bindings = port === undefined ? {} : { "80/tcp": [{ HostPort: String(port) }] };
  return {
    Name: `/shop-${service}-1`,
    Created: created ?? "2026-01-01T00:00:00Z",
    State: { Status: "running", StartedAt: "2026-01-02T00:00:00Z", ...state },
    RestartCount: restarts,
    Config: {
      Labels: {
        "com.docker.compose.service": service,
        "com.docker.compose.project.working_dir": folder,
      },
    },
    HostConfig: { PortBindings: bindings },
    NetworkSettings: { Networks: { shop_default: {} } },
  };
}

async function doctor(
  on: Awaited<ReturnType<typeof machine>>,
  subject: string,
  files: Readonly<Record<string, string>> = {},
): Promise<Report> {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(on.root, name), text);
  const look = await readSubject(subject);
  const endAt = systemWorld.clock.now() + 60_000;
  const limits = { ...DOCTOR_LIMITS, idleMs: 50 };
  return look(on.world, { limits, healthPath: null, upgrades: false, endAt });
}

const FILE = "services:\n  front: { image: nginx }\n  app: { image: shop }\n";

describe("the containers of a compose file", () => {
  it.each([
    ["exited", { Status: "exited", ExitCode: 1 }, "container_down"],
    [
      "killed for memory",
      { Status: "exited", ExitCode: 137, OOMKilled: true },
      "killed_for_memory",
    ],
    ["restarting", { Status: "restarting", ExitCode: 1 }, "container_restarts"],
    ["paused", { Status: "paused" }, "container_paused"],
    [
      "unhealthy",
      { Health: { Status: "unhealthy", Log: [{ Output: "wget: not found\n" }] } },
      "container_unhealthy",
    ],
    ["done with its work", { Status: "exited", ExitCode: 0 }, null],
    ["well", {}, null],
  ])("one is %s", async (_, state, cause) => {
    const on = await machine([{ service: "front" }, { service: "app", state, restarts: 3 }]);
    const { findings } = await doctor(on, join(on.root, "compose.yml"), { "compose.yml": FILE });
    const seen = findings.filter((one) => one.cause !== "not_looked_at");
    expect(seen.map((one) => one.cause)).toEqual(cause === null ? [] : [cause]);
    expect(seen.map(({ where }) => where?.line)).toEqual(cause === null ? [] : [3]);
    expect(on.asked.every((line) => line.startsWith("GET "))).toBe(true);
  });

  it("one is missing beside others, and a front is older than what it asks", async () => {
    const created = "2026-01-03T00:00:00Z";
    const on = await machine([{ service: "front" }, { service: "app", created }]);
    const front = 'front: { image: nginx, volumes: ["./s.conf:/etc/nginx/conf.d/s.conf"] }';
    const { findings } = await doctor(on, join(on.root, "compose.yml"), {
      "compose.yml": `services:\n  ${front}\n  app: { image: a }\n  db: { image: b }\n`,
      "s.conf": "server { location / { proxy_pass http://app:80; } }",
    });
    const causes = findings.map(({ cause, write }) => `${cause}: ${write}`);
    expect(causes).toContain("front_keeps_old_address: docker compose restart front");
    expect(causes).toContain("container_missing: docker compose up -d db");
  });
});

describe("an address that a container publishes", () => {
  it("is refused because the container is down", async () => {
    const on = await machine([
      { service: "app", state: { Status: "exited", ExitCode: 3 }, port: 1 },
    ]);
    const { verdict } = await doctor(on, "http://127.0.0.1:1/");
    expect([verdict.cause, verdict.layer]).toEqual(["container_down", "connect"]);
    expect(verdict.title).toContain("shop-app-1");
  });
});

describe("a socket", () => {
  it.each([["no JSON"], ["null"], ["{}"], ["[null, 1]"]])(
    "that says %s names nothing",
    async (said) => {
      const on = await machine([], said);
      const told = await askEngine(on.world).catch((error: Error) => error.message);
      expect(told).toEqual(expect.objectContaining({ kind: expect.stringMatching(/none|listed/) }));
    },
  );

  it("that DOCKER_HOST names is asked, and no other", async () => {
    const on = await machine([{ service: "front" }]);
    const far = JSON.stringify({ Name: "/far" });
    const remote = createServer(({ url }, response) =>
      response.end(url === "/containers/0/json" ? far : JSON.stringify([{ Id: "0" }])),
    );
    opened.push(remote);
    await new Promise<void>((ready) => void remote.listen(0, "127.0.0.1", ready));
    const { port } = remote.address() as AddressInfo;
    for (const [host, names] of [
      [`tcp://127.0.0.1:${port}`, ["far"]],
      [`unix://${join(on.root, "run/docker.sock")}`, ["shop-front-1"]],
    ] as const) {
      vi.stubEnv("DOCKER_HOST", host);
      const said = await askEngine({ ...systemWorld, root: "/nowhere" });
      expect(said.kind === "listed" && said.containers.map(({ name }) => name)).toEqual(names);
    }
    expect(on.asked.length).toBe(2);
  });

  it("that is not there names nothing", async () => {
    const root = mkdtempSync(join(tmpdir(), "eng-"));
    folders.push(root);
    expect(await askEngine({ ...systemWorld, root })).toEqual({ kind: "none" });
  });
});
