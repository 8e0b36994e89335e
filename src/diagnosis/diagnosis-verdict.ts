/**
 * From findings to one verdict: the fault that explains the most.
 *
 * What fails every request comes before what fails some. A certain cause comes before a likely
 * one, and of two as sure the one that lies earlier on a
 * request's way, since what comes later follows from it. Warnings never make a verdict of fault.
 */
import { FAILURES } from "../catalog/failures.js";
import {
  type Confidence,
  type DiagnosisStep,
  type Finding,
  LAYERS,
  type Verdict,
} from "./diagnosis-report.js";

const SURENESS: Readonly<Record<Confidence, number>> = { certain: 0, likely: 1, possible: 2 };

/** Findings in the order in which they are reported: faults first, the surest first. */
export function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const severity = { fault: 0, warning: 1, note: 2 } as const;
  return [...findings].sort(
    (a, b) =>
      severity[a.severity] - severity[b.severity] ||
      a.impact.localeCompare(b.impact) ||
      SURENESS[a.confidence] - SURENESS[b.confidence] ||
      LAYERS.indexOf(a.layer) - LAYERS.indexOf(b.layer),
  );
}

export function verdictOf(steps: readonly DiagnosisStep[], findings: readonly Finding[]): Verdict {
  const [first] = inOrder(findings);
  if (first?.severity === "fault") return { well: false, next: first.fix, ...first };
  const failed = steps.find(({ result }) => result === "failed");
  if (failed !== undefined) return withoutCause(failed);
  return {
    well: true,
    layer: null,
    blame: null,
    confidence: first === undefined ? "certain" : "likely",
    cause: null,
    title: first === undefined ? "All is well." : "It answers, with something to look at.",
    evidence: [],
    next: first === undefined ? "Nothing to do." : first.fix,
  };
}

/** A step failed and the cause is unknown: the catalog's row is the best that can be said. */
function withoutCause({ layer, code, name, detail }: DiagnosisStep): Verdict {
  const row = code === null ? null : FAILURES[code];
  return {
    well: false,
    layer,
    blame: row?.blame ?? "upstream",
    confidence: "possible",
    cause: code,
    title: row?.summary ?? `${name} failed.`,
    evidence: [`${name}: ${detail}`],
    next: row?.remedies[0] ?? "Look at the log of the application at this second.",
  };
}
