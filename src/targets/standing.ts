/**
 * How a target is, in one word: what the snapshot, the verdict, the page and `watch` show, and what
 * the state of an upstream is derived from. The words are in the catalog (`STANDINGS`).
 */
import { EVIDENCE } from "../catalog/defaults.js";
import { type Blame, FAILURES } from "../catalog/failures.js";
import type { Standing } from "../catalog/words.js";
import type { Target } from "./target.js";

export function standingOf(target: Target): Standing {
  const { breaker, health, draining, failures, refusing } = target;
  if (target.disabled) return "disabled";
  if (draining) return "draining";
  if (health.deniedForMs() > 0) return "out";
  if (breaker !== null && breaker.state !== "closed") {
    if (breaker.inDoubt) return "in_doubt";
    const isTried = breaker.state === "half_open" || breaker.deniedForMs() === 0;
    return isTried ? "on_trial" : "out";
  }
  if (health.overruled) return "overruled";
  if (failures >= EVIDENCE.avoidedAfter) return "failing";
  if (refusing?.isOdd === true) return "refusing";
  return breaker?.suspects?.list().some(isShunned) === true ? "route_failing" : "well";
}

function isShunned({ standing }: { readonly standing: string }): boolean {
  return standing !== "watched";
}

/**
 * Who is at fault for what these targets refuse: that of their latest failures, where it is one for
 * all of them. Absent where it is not, or where nothing has failed.
 */
export function blameFor(targets: readonly Target[]): { readonly blame?: Blame } {
  const blames = targets.flatMap(({ failedBy }) =>
    failedBy === null ? [] : [FAILURES[failedBy].blame],
  );
  const [blame] = blames;
  return blame !== undefined && blames.every((one) => one === blame) ? { blame } : {};
}
