/**
 * A real HAProxy in front of one server, with a configuration of its own on a free port.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, listening, startProcess } from "./processes.js";
import { programPath } from "./programs.js";

export interface Haproxy {
  readonly port: number;
  stop(): Promise<void>;
}

/** `upstreamPort` is where it sends everything, over a connection for each request. */
export async function startHaproxy(upstreamPort: number): Promise<Haproxy> {
  const program = programPath("haproxy");
  if (program === null) throw new Error("haproxy is not installed");
  const folder = await mkdtemp(join(tmpdir(), "good-gateway-haproxy-"));
  const port = await freePort();
  const file = join(folder, "haproxy.cfg");
  await writeFile(file, configuration(port, upstreamPort));
  const running = startProcess(program, ["-db", "-f", file]);
  await Promise.race([
    listening(port),
    running.ended.then((code) => {
      throw new Error(`haproxy ended with ${code}:\n${running.lines.join("\n")}`);
    }),
  ]);
  return {
    port,
    async stop() {
      await running.stop("SIGTERM");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configuration(port: number, upstreamPort: number): string {
  return [
    "global",
    "  maxconn 1000",
    "defaults",
    "  mode http",
    "  timeout connect 5s",
    "  timeout client 30s",
    "  timeout server 30s",
    "  http-reuse never",
    "frontend clients",
    `  bind 127.0.0.1:${port}`,
    "  default_backend servers",
    "backend servers",
    `  server one 127.0.0.1:${upstreamPort}`,
    "",
  ].join("\n");
}
