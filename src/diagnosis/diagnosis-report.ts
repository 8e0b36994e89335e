/**
 * The words of a diagnosis: steps that were taken, findings, and the one verdict.
 *
 * A step is what was tried on one layer and how it went. A finding is something that is wrong, or
 * will be: a cause with its evidence and what to do. The verdict is the finding that explains the
 * most. All of it is plain data, so that it can be printed, sent as JSON, or shown on a page.
 */
import type { Blame, FailureCode } from "../catalog/failures.js";

/** Where on the way to an answer, in the order in which a request passes. */
export type Layer =
  | "config"
  | "resolve"
  | "route"
  | "connect"
  | "secure"
  | "request"
  | "head"
  | "body"
  | "keep_alive"
  | "health"
  | "process";

export const LAYERS: readonly Layer[] = [
  "config",
  "resolve",
  "route",
  "connect",
  "secure",
  "request",
  "head",
  "body",
  "keep_alive",
  "health",
  "process",
];

/** One thing that was tried. */
export interface DiagnosisStep {
  readonly layer: Layer;
  /** What was tried, such as `connect to 127.0.0.1:3000`. */
  readonly name: string;
  readonly result: "ok" | "warning" | "failed" | "skipped";
  readonly durationMs: number | null;
  /** The limit that this was held against; null where there is none. */
  readonly limitMs: number | null;
  readonly detail: string;
  /** The name that a gateway would give it; null when it went well. */
  readonly code: FailureCode | null;
  /** What it was tried for, where a report has several: an upstream of a configuration. */
  readonly of?: string;
}

export type Confidence = "certain" | "likely" | "possible";

/** Something that is wrong (fault), will be (warning), or is good to know (note). */
export interface Finding {
  /** A stable name of the cause, such as `listens_on_other_port`. */
  readonly cause: string;
  readonly severity: "fault" | "warning" | "note";
  /** Whether every request of this kind fails now, or some do, now and then. */
  readonly impact: "all" | "some";
  readonly layer: Layer;
  readonly blame: Blame;
  readonly confidence: Confidence;
  /** One sentence. */
  readonly title: string;
  /** What was seen, in the order in which it convinces. */
  readonly evidence: readonly string[];
  /** What to do about it. */
  readonly fix: string;
  /** The line to write in place of what is there, for findings in a configuration. */
  readonly write?: string;
  readonly where?: { readonly file: string; readonly line: number };
  readonly code: FailureCode | null;
}

/** What it all comes to. */
export interface Verdict {
  /** Nothing is wrong; there may still be warnings. */
  readonly well: boolean;
  readonly layer: Layer | null;
  readonly blame: Blame | null;
  readonly confidence: Confidence;
  readonly cause: string | null;
  readonly title: string;
  readonly evidence: readonly string[];
  readonly next: string;
  /** The line to write, and where, for a cause in a configuration. */
  readonly write?: string;
  readonly where?: { readonly file: string; readonly line: number };
}

export interface Report {
  /** What was looked at, as it was given. */
  readonly subject: string;
  readonly steps: readonly DiagnosisStep[];
  readonly findings: readonly Finding[];
  readonly verdict: Verdict;
}
