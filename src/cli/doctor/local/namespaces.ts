/**
 * Network namespaces: a front in a container has other ports and names than this machine, and a
 * localhost of its own. What it asks is looked at from inside, where this user may; elsewhere the
 * command that does so is said.
 */
import { readlink } from "node:fs/promises";
import { join } from "node:path";
import { note } from "../../../diagnosis/diagnosis-finding.js";
import type { DiagnosisStep, Finding, Report } from "../../../diagnosis/diagnosis-report.js";
import type { DoctorLimits } from "../world/limits.js";
import type { DoctorWorld } from "../world/world.js";

/** Whether the network of a process is this one, another, or may not be known by this user. */
export async function networkOf(
  { root }: DoctorWorld,
  pid: number,
): Promise<"own" | "other" | "hidden"> {
  const at = (one: string): Promise<string | null> => readlink(join(root, "proc", one, "ns/net"));
  // Without namespaces there is one network for all.
  const own = await at("self").catch(() => null);
  if (own === null) return "own";
  try {
    return (await at(String(pid))) === own ? "own" : "other";
  } catch (error) {
    // A process that is gone has none.
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "own" : "hidden";
  }
}

/** What was asked from here and failed may be there for the front. */
export function hiddenNetwork(
  pid: number,
  file: string,
  found: readonly Finding[],
): readonly Finding[] {
  const failed = found.some(
    ({ severity, layer }) => severity === "fault" && (layer === "connect" || layer === "resolve"),
  );
  if (!failed) return [];
  return [
    note({
      cause: "network_not_readable",
      layer: "config",
      title: `This user may not read whether the front (pid ${pid}) has a network of its own.`,
      evidence: ["in another network localhost and the names are others than here"],
      fix: "Look as root, who may:",
      write: `sudo good-gateway doctor ${file}`,
    }),
  ];
}

export function insideCommand(pid: number, file: string): string {
  return `sudo nsenter -t ${pid} -n good-gateway doctor ${file}`;
}

/** The same look within the network of a process; null where this user may not enter it. */
export async function lookFromInside(
  world: DoctorWorld,
  pid: number,
  file: string,
  { limits, ms }: { readonly limits: DoctorLimits; readonly ms: number },
): Promise<Report | null> {
  const times = ["--timeout", String(limits.responseMs), "--idle", String(limits.idleMs)];
  const text = await world.inside(pid, ["doctor", "--json", ...times, file], ms);
  const [report] = reportsIn(text);
  if (report === undefined) return null;
  const step: DiagnosisStep = {
    layer: "config",
    name: "network",
    result: "ok",
    durationMs: null,
    limitMs: null,
    detail: `the front (pid ${pid}) has a network of its own: looked at from inside it`,
    code: null,
  };
  const evidence = [...report.verdict.evidence, step.detail];
  return {
    ...report,
    steps: [step, ...report.steps],
    verdict: { ...report.verdict, evidence },
  };
}

function reportsIn(text: string | null): readonly Report[] {
  try {
    const said: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(said) ? (said as readonly Report[]) : [];
  } catch {
    return [];
  }
}
