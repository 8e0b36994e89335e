/**
 * Warnings: contradictory options, and findings of the start checks.
 *
 * Guarantee: each text is emitted once while it is kept; the latest are kept for the snapshot.
 */
import { GATEWAY } from "../catalog/defaults.js";
import { START_CHECKS, warningCode } from "../catalog/start-checks.js";
import type { Finding } from "../diagnosis/diagnosis-report.js";
import { type Sighting, sightingFinding, toldSighting } from "./start-checks.js";

/** One warning that was emitted. */
export interface GatewayWarning {
  /** The code of the process warning. */
  readonly code: string;
  readonly message: string;
}

export interface Warnings {
  warn(message: string, code?: string): void;
  /** Emits the finding of a start check, and keeps it for diagnoses. */
  report(sighting: Sighting): void;
  reported(): readonly GatewayWarning[];
  /** Findings about this upstream, and about the process. */
  findingsFor(upstream: string): readonly Finding[];
}

/** `onWarning` replaces the process warning. */
export function createWarnings(
  onWarning: (message: string, code: string) => void = warnTheProcess,
): Warnings {
  const reported = new Map<string, GatewayWarning>();
  const sightings = new Map<string, Sighting>();
  const warn = (message: string, code = OPTIONS): void => {
    if (reported.has(message)) return;
    keep(reported, message, { code, message });
    onWarning(message, code);
  };
  return {
    warn,
    report(sighting) {
      const message = toldSighting(sighting);
      keep(sightings, message, sighting);
      const { level } = START_CHECKS[sighting.code];
      if (level === "warning") warn(message, warningCode(sighting.code));
    },
    reported: () => [...reported.values()],
    findingsFor: (name) =>
      [...sightings.values()]
        .filter(({ upstream }) => upstream === null || upstream === name)
        .map(sightingFinding),
  };
}

const OPTIONS = "GOOD_GATEWAY_OPTIONS";

function warnTheProcess(message: string, code: string): void {
  process.emitWarning(message, { code });
}

/** The oldest makes room. */
function keep<Kept>(all: Map<string, Kept>, message: string, one: Kept): void {
  all.set(message, one);
  if (all.size <= GATEWAY.warningsMax) return;
  const [oldest = message] = all.keys();
  all.delete(oldest);
}
