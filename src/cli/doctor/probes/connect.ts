/**
 * Connections: to every address of both families at once, or to the Unix socket. What refuses, what
 * is silent and what has no route are three different things.
 */
import { connect as connectTcp, type Socket } from "node:net";
import type { FailureCode } from "../../../catalog/failures.js";
import { classifyError } from "../../../core/classify.js";
import { Timeline } from "../../../core/timeline.js";
import type { DiagnosisStep } from "../../../diagnosis/diagnosis-report.js";
import type { Endpoint } from "../world/endpoint.js";
import type { DoctorLimits } from "../world/limits.js";
import type { DoctorWorld } from "../world/world.js";
import { arrival } from "./arrival.js";
import type { Address } from "./resolve.js";

export interface DialResult {
  readonly step: DiagnosisStep;
  /** The address that was dialled; null for a Unix socket. */
  readonly address: Address | null;
  /** The errno of Node, such as ECONNREFUSED; null when it connected or was silent. */
  readonly errno: string | null;
}

/** Where a socket is opened to. */
export interface SocketPlace {
  readonly address: Address | null;
  readonly port: number;
  readonly socketPath: string | null;
}

/** HAProxy's PROXY protocol, version 1: the one line that comes before everything else. */
export const PROXY_LINE = "PROXY TCP4 127.0.0.1 127.0.0.1 40000 80\r\n";

export function placesOf(
  { port, socketPath }: Endpoint,
  addresses: readonly Address[],
): readonly SocketPlace[] {
  if (socketPath !== null) return [{ address: null, port, socketPath }];
  return addresses.map((address) => ({ address, port, socketPath: null }));
}

export function placeInWords({ address, port, socketPath }: SocketPlace): string {
  if (address === null) return `unix:${socketPath ?? ""}`;
  return address.family === 6 ? `[${address.address}]:${port}` : `${address.address}:${port}`;
}

/** Opens a socket within the limit; rejects with Node's error, or with null for silence. */
export function openSocket(
  world: DoctorWorld,
  place: SocketPlace,
  limitMs: number,
): Promise<Socket> {
  const { socketPath, address, port } = place;
  const socket =
    socketPath === null
      ? connectTcp({ host: address?.address ?? "", port })
      : // The kernel begins an abstract name with a zero.
        connectTcp({ path: socketPath.replace(/^@/, "\0") });
  return arrival(world, socket, "connect", limitMs);
}

export async function dial(
  world: DoctorWorld,
  place: SocketPlace,
  { connectMs }: DoctorLimits,
): Promise<DialResult> {
  const startedAt = world.clock.now();
  const name = `connect to ${placeInWords(place)}`;
  const done = (
    result: DiagnosisStep["result"],
    detail: string,
    code: FailureCode | null,
    errno: string | null,
  ): DialResult => {
    const durationMs = world.clock.now() - startedAt;
    const step: DiagnosisStep = {
      layer: "connect",
      name,
      result,
      durationMs,
      limitMs: connectMs,
      detail,
      code,
    };
    return { step, address: place.address, errno };
  };
  try {
    (await openSocket(world, place, connectMs)).destroy();
    return done("ok", "accepted", null, null);
  } catch (error) {
    if (error === null) {
      return done("failed", `no answer within ${connectMs} ms`, "connection_timeout", null);
    }
    const timeline = new Timeline(startedAt);
    timeline.enter("connect", startedAt);
    timeline.endAt = world.clock.now();
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    return done("failed", code, classifyError(timeline, null, error), code);
  }
}
