/**
 * What is wrong with the place of things: a front that asks itself, and a disk without a free byte
 * where the front writes.
 */
import { statfs } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { fault } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { ConfiguredUpstream } from "../config/front-config.js";
import type { Facts } from "../facts/facts.js";
import type { LocalFront } from "../local/front.js";
import type { RunningFront } from "../local/fronts.js";
import type { DoctorWorld } from "../world/world.js";

/** The place that is asked is where the same front takes this very request. */
export function asksItself(
  { where, manner, address, context }: ConfiguredUpstream,
  { endpoint, local }: Facts,
  running: RunningFront | null,
): readonly Finding[] {
  if (local === null || endpoint.socketPath !== null) return [];
  if (manner?.ports?.includes(endpoint.port) !== true) return [];
  const [site = "", ...others] = manner.hosts ?? [];
  const own = [site, ...others].includes(manner.host ?? "");
  const held = [local.process?.pid, local.process?.parentPid].includes(running?.pid ?? -1);
  // Without a process to prove it, the same name on the same port is the same server.
  if (!held && running !== null) return [];
  if (!own && !held) return [];
  return [
    fault({
      cause: "asks_itself",
      layer: "config",
      code: "loop_detected",
      blame: "proxy",
      confidence: held ? "certain" : "likely",
      title: `The front asks itself: it listens on port ${endpoint.port}, and ${address} is there.`,
      evidence: [context],
      fix: "Write the address of the application; the front's own is another.",
      where,
    }),
  ];
}

/** Where fronts buffer bodies that do not fit their memory, unless they say where. */
const TEMPORARY = ["/var/lib/nginx", "/var/cache/nginx", "/tmp"];

export async function diskFindings(
  { root }: DoctorWorld,
  { config, running }: LocalFront,
): Promise<readonly Finding[]> {
  if (config.front === "good-gateway") return [];
  const log = config.errorLog === null ? [] : [dirname(config.errorLog)];
  const own = [...log, ...(config.temporary ?? [])].flatMap((path) =>
    isAbsolute(path) ? path : running?.prefix == null ? [] : join(running.prefix, path),
  );
  for (const folder of new Set([...own, ...TEMPORARY])) {
    const space = await statfs(join(root, folder)).catch(() => null);
    if (space === null || space.blocks === 0) continue;
    const files = space.files > 0 && space.ffree === 0;
    if (space.bfree > 0 && !files) continue;
    return [
      fault({
        cause: "disk_full",
        layer: "process",
        blame: "proxy",
        code: "local_resources_exhausted",
        impact: "some",
        title: `The disk of ${folder} is full: large bodies cannot be buffered there.`,
        evidence: [files ? "no inode is free" : `0 of ${space.blocks} blocks are free`],
        fix: "Make room, and look at what fills it:",
        write: `df -h ${folder}; df -i ${folder}; du -xsh ${folder}/* | sort -h | tail`,
      }),
    ];
  }
  return [];
}
