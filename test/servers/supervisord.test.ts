/** supervisord as Debian packages it: a stop that waits for answers, and exit codes. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, expect, it } from "vitest";
import { buildQuick } from "../tools/build-quick.mjs";
import { endProcesses, freePort, listening, startProcess } from "./tools/processes.js";
import { describeWith, programPath } from "./tools/programs.js";

const EXAMPLE = new URL("../../examples/drain.mjs", import.meta.url).pathname;
const BUILD_MS = 60_000;

function configuration(folder: string, port: number, more: string): string {
  return `
[supervisord]
nodaemon=true
logfile=${folder}/supervisord.log
pidfile=${folder}/supervisord.pid
[unix_http_server]
file=${folder}/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${folder}/supervisor.sock
[program:drain]
command=${process.execPath} ${EXAMPLE}
environment=PORT="${port}"
redirect_stderr=true
stdout_logfile=${folder}/drain.log
startsecs=0
${more}
`;
}

async function world(more: string) {
  const folder = await mkdtemp(join(tmpdir(), "good-gateway-supervisor-"));
  const port = await freePort();
  const file = join(folder, "supervisord.conf");
  await writeFile(file, configuration(folder, port, more));
  const daemon = startProcess(programPath("supervisord") as string, ["-n", "-c", file], {
    // Nothing of this run is to look like npm, which supervisord's children are warned of.
    env: { npm_lifecycle_event: "" },
  });
  await listening(port);
  return {
    port,
    control: (...args: string[]) =>
      startProcess(programPath("supervisorctl") as string, ["-c", file, ...args]).ended,
    log: (name: string) => readFile(join(folder, name), "utf8"),
    async stop() {
      await daemon.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

afterEach(endProcesses);
beforeAll(buildQuick, BUILD_MS);

describeWith(["supervisord", "supervisorctl"], "supervisord", () => {
  it("stops and starts again without cutting an answer, and sees exit code 0", async () => {
    const { port, control, log, stop } = await world("stopasgroup=true\nkillasgroup=true");
    for (let turn = 0; turn < 2; turn += 1) {
      await listening(port);
      const answers = ["GET", "POST"].map((method) =>
        fetch(`http://127.0.0.1:${port}/slow`, { method }),
      );
      // The requests have to be there before the signal.
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(await control("restart", "drain")).toBe(0);
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200]);
    }
    // Before it listens it has no handler for signals.
    await listening(port);
    expect(await control("stop", "drain")).toBe(0);
    const seen = await log("supervisord.log");
    expect(seen.match(/stopped: drain \(exit status 0\)/g)).toHaveLength(3);
    expect(seen).not.toContain("SIGKILL");
    expect(await log("drain.log")).toMatch(/finished 2, cut 0, in \d+ ms/);
    await stop();
  });
});
