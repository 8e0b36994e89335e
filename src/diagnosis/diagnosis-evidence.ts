/**
 * A pattern of failures in words: what was seen, in the order in which it convinces. Nothing is
 * concluded here; that is the matter of diagnosis.ts.
 */
import { isoDate } from "../base/clock.js";
import { DIAGNOSIS } from "../catalog/health-defaults.js";
import { said } from "./diagnosis-finding.js";
import type { FailurePattern } from "./diagnosis-pattern.js";

export function evidenceOf(pattern: FailurePattern): readonly string[] {
  const { codes, count, since, successes, nothingSucceedsSince, everWorked } = pattern;
  return said(
    `${count} times ${codes.join(" or ")} since ${isoDate(since)}`,
    targetEvidence(pattern),
    routeEvidence(pattern),
    connectionEvidence(pattern),
    ageEvidence(pattern),
    !everWorked && "no exchange has succeeded since the gateway was made",
    everWorked &&
      nothingSucceedsSince !== null &&
      pattern.failedInARow >= DIAGNOSIS.patternMin &&
      `nothing has succeeded since ${isoDate(nothingSucceedsSince)}`,
    nothingSucceedsSince === null && successes > 0 && `${successes} exchanges succeeded meanwhile`,
  );
}

function targetEvidence(pattern: FailurePattern): string | null {
  const { target, targets, targetsFailing, otherTargetsWork } = pattern;
  if (targets === 1) return null;
  if (target === null) {
    return targetsFailing === targets
      ? `at all ${targets} targets`
      : `at ${targetsFailing} of ${targets} targets`;
  }
  return otherTargetsWork
    ? `only at ${target}; others of the ${targets} targets answer`
    : `at ${target}, and no other of the ${targets} targets answered meanwhile`;
}

function routeEvidence({ route, otherRoutesWork }: FailurePattern): string | null {
  if (route === null) return "on several routes";
  return otherRoutesWork
    ? `only on ${route}; other routes are answered`
    : `on ${route}, and no other route was answered meanwhile`;
}

function connectionEvidence(pattern: FailurePattern): string | null {
  const { connections, newConnectionsWork, socketAgeMs } = pattern;
  if (socketAgeMs === null) return null;
  if (connections === "both") return "on new connections and on kept ones";
  if (connections === "new") return "on new connections";
  return newConnectionsWork ? "only on kept connections; new ones work" : "on kept connections";
}

function ageEvidence(pattern: FailurePattern): string | null {
  const { socketAgeMs, restedMs, agesAlike, closedBy, connections } = pattern;
  if (socketAgeMs === null || connections !== "kept") return null;
  const age = `${seconds(socketAgeMs)} old`;
  const rest = restedMs === null ? age : `${age}, after ${seconds(restedMs)} at rest`;
  if (!agesAlike) return `connections of all ages, typically ${rest}`;
  return `connections were ${rest}: ${closedBy ?? "no program is known to close them then"}`;
}

/** A length of time, as people say it. */
export function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;
}
