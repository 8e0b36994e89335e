/**
 * A real nginx with a configuration of its own, in a folder of its own, on a free port.
 *
 * One worker process, so that there is one pool of connections to the upstream, as the comments of
 * the tests count them.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, listening, startProcess } from "./processes.js";
import { programPath } from "./programs.js";

export interface NginxOptions {
  /** What stands in the `http` block; `$port` is the port that the test speaks to. */
  readonly http: string;
}

export interface Nginx {
  readonly port: number;
  /** What it has written to its log of errors. */
  errors(): Promise<string>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export async function startNginx({ http }: NginxOptions): Promise<Nginx> {
  const program = programPath("nginx");
  if (program === null) throw new Error("nginx is not installed");
  const folder = await mkdtemp(join(tmpdir(), "good-gateway-nginx-"));
  const port = await freePort();
  await writeFile(join(folder, "nginx.conf"), configuration(http.replaceAll("$port", `${port}`)));
  const running = startProcess(program, [
    ...["-p", folder, "-c", "nginx.conf"],
    // The log that is used before the configuration is read is one of the system otherwise.
    ...["-e", join(folder, "error.log")],
  ]);
  await Promise.race([
    listening(port),
    running.ended.then((code) => {
      throw new Error(`nginx ended with ${code}:\n${running.lines.join("\n")}`);
    }),
  ]);
  return {
    port,
    errors: () => readFile(join(folder, "error.log"), "utf8"),
    async stop() {
      // SIGTERM is nginx's fast end; its workers follow.
      await running.stop("SIGTERM");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configuration(http: string): string {
  return [
    "daemon off;",
    // As root it would change to a user who must not read the folder.
    process.getuid?.() === 0 ? "user root;" : "",
    "worker_processes 1;",
    "pid nginx.pid;",
    "events { worker_connections 4096; }",
    "http {",
    "access_log off;",
    ...["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${name}_temp;`,
    ),
    http,
    "}",
  ].join("\n");
}
