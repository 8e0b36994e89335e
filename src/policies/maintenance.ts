/**
 * Maintenance of one upstream, or of some of its paths: who has switched it on, and what for.
 *
 * Part of the drain gate, which refuses what it names.
 */
import { pathOf } from "../targets/route-rules.js";

/** Calls of these paths, or of all, are refused until it is ended. */
export interface MaintenanceState {
  /** The pattern of the paths, as in `routes`; null for all. */
  readonly path: string | null;
  readonly retryAfterMs: number;
}

interface Rule extends MaintenanceState {
  readonly regexp: RegExp | null;
}

export class Maintenance {
  /** Null while nothing is refused, which is what every call asks. */
  rules: readonly Rule[] | null = null;

  get states(): readonly MaintenanceState[] {
    return (this.rules ?? []).map(({ path, retryAfterMs }) => ({ path, retryAfterMs }));
  }

  start(rule: Rule): void {
    this.rules = [...this.#without(rule.path), rule];
  }

  /** Whether it was on. */
  end(path: string | null): boolean {
    const rest = this.#without(path);
    const isEnded = rest.length < (this.rules?.length ?? 0);
    this.rules = rest.length === 0 ? null : rest;
    return isEnded;
  }

  /** What holds for a call; one for all paths comes before those for some. */
  ruleFor(path: string): MaintenanceState | null {
    const rules = this.rules ?? [];
    const whole = rules.find(({ regexp }) => regexp === null);
    return whole ?? rules.find(({ regexp }) => regexp?.test(pathOf(path)) === true) ?? null;
  }

  #without(path: string | null): readonly Rule[] {
    return (this.rules ?? []).filter((one) => one.path !== path);
  }
}
