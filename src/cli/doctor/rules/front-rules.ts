/**
 * What can be said of a front as a whole: whether it has read its configuration since that was
 * changed, what it wrote into its log of errors, and whether the system lets it connect at all.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fault, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { FrontConfig } from "../config/front-config.js";
import type { LocalFront } from "../local/front.js";
import type { RunningFront } from "../local/fronts.js";
import { linesOf } from "../local/sockets.js";
import type { DoctorWorld } from "../world/world.js";
import { saidInLog } from "./front-log.js";

export async function frontFindings(
  world: DoctorWorld,
  file: string,
  front: LocalFront,
  found: readonly Finding[],
): Promise<readonly Finding[]> {
  const { config, running } = front;
  const faults = found.filter(({ severity }) => severity === "fault");
  const all = await Promise.all([
    notReloaded(file, config, running),
    forbiddenBySystem(world, config),
    saidInLog(world, front, faults.length > 0),
  ]);
  return all.flat();
}

/** A change made this little before the start belongs to the start. */
const RELOAD_SLACK_MS = 2_000;

async function notReloaded(
  file: string,
  { upstreams, front }: FrontConfig,
  running: RunningFront | null,
): Promise<readonly Finding[]> {
  if (running === null) return [];
  const files = new Set([file, ...upstreams.map(({ where }) => where.file)]);
  for (const one of files) {
    const info = await stat(one).catch(() => null);
    if (info === null || info.mtimeMs <= running.workersSince + RELOAD_SLACK_MS) continue;
    return [
      warning({
        cause: "not_reloaded",
        layer: "config",
        blame: "proxy",
        title: `${one} was changed after ${front} had read it: what runs is an older one.`,
        evidence: [`pid ${running.pid} works with what it read before the change`],
        fix: "Check it, and let it be read again:",
        write: RELOADS[front] ?? "",
      }),
    ];
  }
  return [];
}

const RELOADS: Partial<Record<FrontConfig["front"], string>> = {
  nginx: "nginx -t && nginx -s reload",
  apache: "apachectl configtest && apachectl graceful",
  haproxy: "haproxy -c -f FILE && systemctl reload haproxy",
  caddy: "caddy reload",
};

/** SELinux as Red Hat sets it up: a web server may not connect to anything. */
async function forbiddenBySystem(
  { root }: DoctorWorld,
  { front, upstreams }: FrontConfig,
): Promise<readonly Finding[]> {
  if (front !== "nginx" && front !== "apache" && front !== "haproxy") return [];
  const [enforce = "0"] = await linesOf(join(root, "sys/fs/selinux/enforce"));
  const folder = join(root, "sys/fs/selinux/booleans");
  const name = front === "haproxy" ? "haproxy_connect_any" : "httpd_can_network_connect";
  const [allowed = "1"] = await linesOf(join(folder, name));
  const overNetwork = upstreams.some(({ address }) => !address.includes("unix:"));
  if (enforce.trim() !== "1" || !allowed.startsWith("0") || !overNetwork) return [];
  return [
    fault({
      cause: "forbidden_by_selinux",
      layer: "connect",
      blame: "proxy",
      code: "destination_ip_prohibited",
      confidence: "likely",
      title:
        `SELinux does not let ${front} connect to anything: its log says ` +
        "(13: Permission denied).",
      evidence: [`SELinux enforces, and ${name} is off`],
      fix: "Allow it:",
      write: `setsebool -P ${name} 1`,
    }),
  ];
}
