/**
 * A process that vanished behind a target: what events, snapshots and `gateway.incidents` show.
 * Plain data that says what it cost so far, or in all.
 */
import type { IncidentFacts } from "../targets/evidence.js";
import type { Verdict } from "./diagnosis-report.js";

export interface Incident extends IncidentFacts {
  /** Counted from 1 in each gateway. */
  readonly id: number;
  readonly upstream: string;
  readonly target: string;
  /** What `gateway.diagnose` said when it was reported, and again when it was over. */
  readonly verdict: Verdict;
}

/** An incident as a diagnosis looks at it. */
export type IncidentSeen = Omit<Incident, "verdict">;
