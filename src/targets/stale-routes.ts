/**
 * Routes whose kept connections end when they are asked: too often for connections that had rested.
 *
 * One reset on a kept connection says nothing of what was asked: the peer may have closed it a
 * moment before. When calls of one route meet that again and again, and others of the same target
 * are answered between them, the route does it.
 * Guarantee: made by the first such reset; bounded by `EVIDENCE.routesMax`; what many good answers
 * ago happened is forgotten, so that a target that is well pays nothing.
 */
import { EVIDENCE } from "../catalog/defaults.js";
import type { Breaker } from "./breaker.js";
import type { Routed } from "./route-ledger.js";

interface Resets {
  /** Each but the first came after a good answer of another route. */
  readonly inRow: number;
  /** Good answers before the latest. */
  readonly good: number;
}

export class StaleRoutes {
  /** The latest last. */
  readonly #routes = new Map<string, Resets>();
  #good = 0;

  /** A call of this route was lost so; whether that is no chance any more. */
  lost(route: string): boolean {
    const { inRow = 0, good = -1 } = this.#routes.get(route) ?? {};
    const now = inRow + (this.#good > good ? 1 : 0);
    this.#routes.delete(route);
    this.#routes.set(route, { inRow: now, good: this.#good });
    if (this.#routes.size > EVIDENCE.routesMax) this.#forgetOldest();
    return now >= EVIDENCE.staleInRow;
  }

  /** A call was answered well. */
  passed(breaker: Pick<Breaker, "routeOf">, request: Routed): void {
    this.#good += 1;
    const [oldest] = this.#routes.values();
    if (oldest === undefined) return;
    this.#routes.delete(breaker.routeOf(request));
    if (this.#good - oldest.good > EVIDENCE.staleMemory) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const route of this.#routes.keys()) {
      this.#routes.delete(route);
      return;
    }
  }
}
