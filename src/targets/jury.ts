/**
 * What the other targets of an upstream say about one of them, for its breaker and its routes: a
 * failure that others share, or that they can do without, is judged otherwise.
 */
import type { Routed } from "./route-of.js";

export interface Jury {
  /** Enough others take calls, so that no call is refused for doubt alone. */
  canSpare(): boolean;
  /** No other takes calls. */
  isLast(): boolean;
  /** Other gateways have found it out of order: one failure here is enough. */
  isKnownIll(): boolean;
  /** For how long another gateway finds out whether it is well again; 0 for none. */
  courtesyMs(): number;
  /** The same is failing elsewhere as well. */
  isShared(request: Routed): boolean;
  /** Another has begun to answer a call well since then. */
  answersSince(at: number): boolean;
  /** When another answered a route well last that fails there, too; -Infinity for never. */
  answeredAt(route: string): number;
}

export const NO_JURY: Jury = {
  canSpare: () => false,
  isLast: () => true,
  isKnownIll: () => false,
  courtesyMs: () => 0,
  isShared: () => false,
  answersSince: () => false,
  answeredAt: () => Number.NEGATIVE_INFINITY,
};
