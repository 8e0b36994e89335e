/**
 * The doctor and a front in a network namespace of its own, as in a container: what it asks is
 * looked at from inside that network, also where this machine has a server at the same address.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { runDoctor } from "./tools/doctor.js";
import { doctorFolder } from "./tools/doctor-folder.js";
import { endProcesses, freePort, startProcess } from "./tools/processes.js";
import { programPath } from "./tools/programs.js";

const MINUTES = 120_000;
const APP =
  'require("node:http").createServer({ keepAliveTimeout: 70000 }, (_, r) => r.end("ok"))' +
  '.listen(Number(process.argv[1]), "127.0.0.1", () => console.log("listening"))';

/** All of it ends with the first process. */
const APART = ["--net", "--pid", "--fork", "--kill-child"];

const may =
  programPath("nginx") !== null &&
  spawnSync("unshare", ["--net", "--mount", "ip", "link", "set", "lo", "up"]).status === 0;

const folder = doctorFolder("ns");
const servers: Server[] = [];
afterEach(async () => {
  for (const one of servers.splice(0)) one.close();
  await endProcesses();
});
/** nginx in a network of its own, which asks an application; with that application, or without. */
async function front(name: string, port: number, app: boolean): Promise<string> {
  const config = join(folder(), `${name}.conf`);
  writeFileSync(
    config,
    `daemon off; user root; worker_processes 1; pid ${config}.pid; events {}
    http { access_log off; ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((kind) => `${kind}_temp_path ${config}-${kind};`)
      .join(" ")}
    server { listen 127.0.0.1:80; location / { proxy_pass http://127.0.0.1:${port}; } } }`,
  );
  const script =
    `ip link set lo up; ${app ? '"$1" -e "$2" "$3" &' : ""} ` +
    'echo begun; exec "$4" -c "$5" -e "$5.log"';
  const nginx = programPath("nginx") as string;
  const words = [process.execPath, APP, String(port), nginx, config];
  const running = startProcess("unshare", [...APART, "sh", "-c", script, "sh", ...words]);
  await running.line(app ? "listening" : "begun");
  return config;
}

describe.skipIf(!may)("a front in a network of its own", () => {
  it("is well: what it asks is in there", { timeout: MINUTES }, async () => {
    const { report } = await runDoctor([await front("well", await freePort(), true)]);
    expect(report.verdict.well, report.verdict.title).toBe(true);
    expect(report.verdict.evidence.join()).toMatch(/looked at from inside/);
  });

  it("says that it may not see the network of the front", { timeout: MINUTES }, async () => {
    const given = [await front("hidden", await freePort(), true)];
    const { report } = await runDoctor(given, { asNobody: true });
    expect(report.verdict.cause).toBe("nothing_listens");
    const hidden = report.findings.find(({ cause }) => cause === "network_not_readable");
    expect(hidden).toMatchObject({ write: `sudo good-gateway doctor ${given[0]}` });
  });

  it("asks for what listens on this machine only", { timeout: MINUTES }, async () => {
    const server = createServer((_, response) => response.end("ok"));
    servers.push(server);
    const port = await freePort();
    await new Promise<void>((ready) => void server.listen(port, "127.0.0.1", ready));
    const { report } = await runDoctor([await front("apart", port, false)]);
    expect([report.verdict.layer, report.verdict.cause]).toEqual(["connect", "nothing_listens"]);
  });
});
