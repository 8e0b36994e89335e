/**
 * A real HAProxy in front of one server, or of groups of them, with a configuration of its own on
 * free ports.
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
  const { ports, stop } = await startHaproxyBefore([[upstreamPort]]);
  return { port: ports[0] as number, stop };
}

/** One port for each group, before which it balances. */
export async function startHaproxyBefore(
  groups: readonly (readonly number[])[],
): Promise<{ readonly ports: readonly number[]; stop(): Promise<void> }> {
  const program = programPath("haproxy");
  if (program === null) throw new Error("haproxy is not installed");
  const folder = await mkdtemp(join(tmpdir(), "good-gateway-haproxy-"));
  const ports = await Promise.all(groups.map(freePort));
  const file = join(folder, "haproxy.cfg");
  await writeFile(file, configuration(ports, groups));
  const running = startProcess(program, ["-db", "-f", file]);
  await Promise.race([
    listening(ports[0] as number),
    running.ended.then((code) => {
      throw new Error(`haproxy ended with ${code}:\n${running.lines.join("\n")}`);
    }),
  ]);
  return {
    ports,
    async stop() {
      await running.stop("SIGTERM");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configuration(ports: readonly number[], groups: readonly (readonly number[])[]): string {
  return [
    "global",
    "  maxconn 4000",
    "defaults",
    "  mode http",
    "  timeout connect 5s",
    "  timeout client 30s",
    "  timeout server 30s",
    "  http-reuse never",
    ...groups.flatMap((group, at) => [
      `frontend clients${at}`,
      `  bind 127.0.0.1:${ports[at]}`,
      `  default_backend servers${at}`,
      `backend servers${at}`,
      ...group.map((port, index) => `  server s${index} 127.0.0.1:${port}`),
    ]),
    "",
  ].join("\n");
}
