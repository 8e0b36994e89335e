/**
 * Name resolution: every address of both families, and how long it took.
 * An address or a socket needs none of it, and the step says so.
 */

import { isIP } from "node:net";
import type { FailureCode } from "../../../catalog/failures.js";
import type { DiagnosisStep } from "../../../diagnosis/diagnosis-report.js";
import type { Endpoint } from "../world/endpoint.js";
import type { DoctorLimits } from "../world/limits.js";
import { type DoctorWorld, within } from "../world/world.js";

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

export interface Resolved {
  readonly step: DiagnosisStep;
  readonly addresses: readonly Address[];
}

export async function resolve(
  world: DoctorWorld,
  { hostname, socketPath }: Pick<Endpoint, "hostname" | "socketPath">,
  { resolveMs }: DoctorLimits,
): Promise<Resolved> {
  const literal = isIP(hostname);
  if (socketPath !== null || literal !== 0) {
    const detail = socketPath === null ? "an address needs no name server" : "a Unix socket";
    const addresses = literal === 0 ? [] : [{ address: hostname, family: familyOf(literal) }];
    return { step: stepOf(hostname, "skipped", null, null, detail, null), addresses };
  }
  const startedAt = world.clock.now();
  try {
    const found = await within(world.clock, resolveMs, world.lookup(hostname));
    const durationMs = world.clock.now() - startedAt;
    if (found === null) {
      const detail = `no answer within ${resolveMs} ms`;
      return failed(hostname, durationMs, resolveMs, detail, "dns_timeout");
    }
    const addresses = found.map(({ address, family }) => ({ address, family: familyOf(family) }));
    const detail = addresses.map(({ address }) => address).join(", ");
    return { step: stepOf(hostname, "ok", durationMs, resolveMs, detail, null), addresses };
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    const durationMs = world.clock.now() - startedAt;
    const name: FailureCode = NOT_FOUND.has(code) ? "dns_name_not_found" : "dns_error";
    return failed(hostname, durationMs, resolveMs, code, name);
  }
}

const NOT_FOUND = new Set(["ENOTFOUND", "ENODATA", "EAI_NODATA", "EAI_NONAME"]);

function familyOf(family: number): 4 | 6 {
  return family === 6 ? 6 : 4;
}

function failed(
  hostname: string,
  durationMs: number,
  limitMs: number,
  detail: string,
  code: FailureCode,
): Resolved {
  return { step: stepOf(hostname, "failed", durationMs, limitMs, detail, code), addresses: [] };
}

function stepOf(
  hostname: string,
  result: DiagnosisStep["result"],
  durationMs: number | null,
  limitMs: number | null,
  detail: string,
  code: FailureCode | null,
): DiagnosisStep {
  const name = `resolve ${hostname}`;
  return { layer: "resolve", name, result, durationMs, limitMs, detail, code };
}
