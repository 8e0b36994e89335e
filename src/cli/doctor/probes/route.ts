/**
 * The way that the kernel takes to an address: the interface, the gateway and the source address,
 * as `ip route get` prints them. Where that program is missing nothing is known, and nothing is
 * said.
 */
import type { DiagnosisStep } from "../../../diagnosis/diagnosis-report.js";
import type { DoctorWorld } from "../world/world.js";
import type { Address } from "./resolve.js";

export interface IpRoute {
  readonly step: DiagnosisStep;
  /** What `ip route get` says in its first line. */
  readonly text: string;
}

/** Null when nothing is known of the way. */
export async function routeTo(world: DoctorWorld, address: Address): Promise<IpRoute | null> {
  const startedAt = world.clock.now();
  // `ip` ends with a code of its own where there is no way, and says which it is.
  const script = `ip -o route get ${address.address} 2>&1 || true`;
  const out = (await world.run("sh", ["-c", script])) ?? "";
  const durationMs = world.clock.now() - startedAt;
  const text = wordsOf(out, address);
  if (text === null) return null;
  const barred = /^(?:unreachable|prohibit|blackhole|no route)/.test(text);
  const step: DiagnosisStep = {
    layer: "route",
    name: `route to ${address.address}`,
    result: barred ? "failed" : "ok",
    durationMs,
    limitMs: null,
    detail: text,
    code: barred ? "destination_ip_unroutable" : null,
  };
  return { step, text };
}

/** `ip` speaks of a barred way in the words of an errno. */
function wordsOf(out: string, { address }: Address): string | null {
  const [line = ""] = out.split("\n");
  if (/Network is unreachable/.test(line)) return "no route";
  if (/No route to host/.test(line)) return `unreachable ${address}`;
  if (/Permission denied/.test(line)) return `prohibit ${address}`;
  if (/Invalid argument/.test(line)) return `blackhole ${address}`;
  if (!line.includes(address)) return null;
  return line
    .replace(/\\.*$/, "")
    .replace(/\s+uid \d+/, "")
    .trim();
}
