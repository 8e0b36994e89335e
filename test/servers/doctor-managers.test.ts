/**
 * The doctor and the managers of processes: a program that its manager has given up is told by the
 * manager's name for it, with its exit code and its restarts, and not as a port that nobody has.
 *
 * supervisord is real. PM2 and systemd answer in the words of `pm2 jlist` and `systemctl show`, as
 * real ones print them, since systemd cannot be the first process of a test.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { buildQuick } from "../tools/build-quick.mjs";
import { runDoctor } from "./tools/doctor.js";
import { endProcesses, quietPort, startProcess } from "./tools/processes.js";
import { describeWith, programPath } from "./tools/programs.js";

const MINUTE = 60_000;
const POLL_MS = 100;
let folder: string;

beforeAll(buildQuick, MINUTE);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "good-gateway-managers-"));
});
afterEach(async () => {
  await endProcesses();
  rmSync(folder, { recursive: true, force: true });
});

/** A program that prints a text, whatever it is asked. */
function prints(name: string, text: string): void {
  writeFileSync(join(folder, `${name}.txt`), text);
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\ncat ${JSON.stringify(join(folder, `${name}.txt`))}\n`);
  chmodSync(path, 0o755);
}

function unit(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join("\n");
}

async function verdict(port: number) {
  const { report } = await runDoctor([`http://127.0.0.1:${port}/`], { programs: folder });
  return report.verdict;
}

describeWith(["supervisord", "supervisorctl"], "the doctor and supervisord", () => {
  it("names the program that is FATAL", { timeout: MINUTE }, async () => {
    const port = await quietPort();
    const file = join(folder, "supervisord.conf");
    writeFileSync(
      file,
      `[supervisord]
nodaemon=true
logfile=${folder}/log
pidfile=${folder}/pid
[unix_http_server]
file=${folder}/control.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${folder}/control.sock
[program:shop]
command=${process.execPath} -e "process.exit(3)"
environment=PORT="${port}"
startretries=0
`,
    );
    const daemon = startProcess(programPath("supervisord") as string, ["-n", "-c", file]);
    await daemon.line("FATAL");
    const seen = await verdict(port);
    expect(seen).toMatchObject({ layer: "process", cause: "stopped_by_manager" });
    expect(seen.title).toBe('supervisord has "shop" as FATAL: the application is not running.');
    expect(seen.confidence).toBe("certain");
    await daemon.stop("SIGTERM");
  });
});

describeWith(["sh", "cat"], "the doctor and systemd", () => {
  it("names the unit whose port it is, with its exit code and its restarts", async () => {
    const port = await quietPort();
    prints(
      "systemctl",
      [
        unit({ Id: "e2scrub.service", MainPID: 0, ActiveState: "failed", SubState: "failed" }),
        unit({
          ...{ Id: "shop.service", MainPID: 0, ActiveState: "failed", SubState: "failed" },
          ...{ NRestarts: 5, Result: "exit-code", ExecMainStatus: 1, Environment: `PORT=${port}` },
          ExecStart: "{ path=/usr/bin/node ; argv[]=/usr/bin/node /srv/shop/main.js ; }",
        }),
      ].join("\n\n"),
    );
    const seen = await verdict(port);
    expect(seen).toMatchObject({ layer: "process", cause: "stopped_by_manager" });
    expect(seen.title).toMatch(/^systemd has "shop\.service" as failed/);
    expect(seen.evidence).toContain("it ended: exit-code, status 1");
    expect(seen.evidence).toContain("restarts so far: 5");
  });

  it("tells a kill for memory, and a start again and again", async () => {
    const port = await quietPort();
    const common = { Id: "shop.service", MainPID: 0, Environment: `PORT=${port}` };
    prints(
      "systemctl",
      unit({ ...common, ActiveState: "failed", SubState: "failed", Result: "oom-kill" }),
    );
    expect(await verdict(port)).toMatchObject({ layer: "process", cause: "killed_for_memory" });
    prints(
      "systemctl",
      unit({ ...common, ActiveState: "activating", SubState: "auto-restart", NRestarts: 41 }),
    );
    expect(await verdict(port)).toMatchObject({ layer: "process", cause: "restarts_in_a_loop" });
  });

  it("takes a unit that has nothing to do with the port for no cause", async () => {
    prints(
      "systemctl",
      unit({ Id: "e2scrub.service", MainPID: 0, ActiveState: "failed", SubState: "failed" }),
    );
    expect(await verdict(await quietPort())).toMatchObject({ cause: "nothing_listens" });
  });
});

describeWith(["sh", "cat"], "the doctor and PM2", () => {
  it("names the application that is errored", async () => {
    const port = await quietPort();
    const daemon = createServer().listen(join(folder, "rpc.sock"));
    await sleep(POLL_MS);
    const shop = { name: "shop", pid: 0, pm2_env: {} };
    const pm2_env = {
      ...{ status: "errored", restart_time: 16, unstable_restarts: 0, exit_code: 1 },
      ...{ pm_exec_path: "/srv/shop/main.js", PORT: String(port) },
    };
    prints("pm2", `>>>> In-memory PM2 is out-of-date\n${JSON.stringify([{ ...shop, pm2_env }])}`);
    const seen = await verdict(port);
    daemon.close();
    expect(seen).toMatchObject({ layer: "process", cause: "stopped_by_manager" });
    expect(seen.title).toMatch(/^pm2 has "shop" as errored/);
    expect(seen.evidence).toContain("it ended: exit code 1");
    expect(seen.evidence).toContain("restarts so far: 16");
  });
});
