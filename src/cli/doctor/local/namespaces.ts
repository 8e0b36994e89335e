/**
 * Network namespaces: a front in a container has other ports and names than this machine, and a
 * localhost of its own. What it asks is looked at from inside, where this user may; elsewhere the
 * command that does so is said.
 */
import { readlink } from "node:fs/promises";
import { join } from "node:path";
import type { DiagnosisStep, Report } from "../../../diagnosis/diagnosis-report.js";
import type { DoctorLimits } from "../world/limits.js";
import type { DoctorWorld } from "../world/world.js";

/** Whether a process has another network than this one; false where that cannot be read. */
export async function hasOtherNetwork({ root }: DoctorWorld, pid: number): Promise<boolean> {
  const [own, its] = await Promise.all(
    ["self", String(pid)].map((one) =>
      readlink(join(root, "proc", one, "ns/net")).catch(() => null),
    ),
  );
  return own != null && its != null && own !== its;
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
