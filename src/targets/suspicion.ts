/**
 * Whether what cannot be repeated keeps away from a target, since something was lost there.
 *
 * A request that may be repeated, or a probe, finds out for others whether the target is well
 * again: lost, it costs a repeat. One that may not is lost for good. So after a loss it goes
 * elsewhere until the target has answered well what was begun since. Where only such requests come
 * and nothing probes, one of them has to find out now and then: one at a time.
 * Guarantee: nothing is kept away for ever, and a target without a loss costs one comparison.
 */
import type { Clock } from "../base/clock.js";
import { EJECTION } from "../catalog/defaults.js";

export class Suspicion {
  readonly #clock: Pick<Clock, "now">;
  /** When something was lost last, and nothing begun since was answered well; NaN for never. */
  #lostAt = Number.NaN;
  /** What was begun after a loss was lost as well; what broke together is one loss. */
  #again = false;
  /** How many that cannot be repeated have tried it since. */
  #tries = 0;
  #until = 0;
  #awaitsProbe = false;
  /** Losses so far, and who is notified when it begins or ends; null for none. */
  losses = 0;
  changed: (() => void) | null = null;
  /** When others said that they lost something there, and for how long that is believed. */
  #heardAt = Number.NaN;
  #heardUntil = 0;
  /** Is asked at once where probes are sent; null where they are not. */
  #probeSoon: (() => void) | null = null;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Probes are sent to the target, so that time alone is no reason to believe in it. */
  probedBy(soon: () => void): void {
    this.#probeSoon = soon;
  }

  /** What was sent there at this moment has no good answer. */
  lost(startedAt: number): void {
    if (startedAt >= this.#lostAt) this.#again = true;
    const isNew = !this.exists;
    this.#lostAt = this.#clock.now();
    this.#until = this.#lostAt + this.#length();
    this.losses += 1;
    if (isNew) this.changed?.();
    if (this.#probeSoon === null) return;
    this.#awaitsProbe = true;
    this.#probeSoon();
  }

  /** Several wait for an answer and will hardly get one: it is more than chance. */
  confirmed(): void {
    this.#again = true;
    this.lost(Number.NEGATIVE_INFINITY);
  }

  /** What was begun at this moment was answered well. */
  proved(startedAt: number): void {
    if (startedAt >= this.#heardAt) this.#heardAt = Number.NaN;
    // An answer to what was begun before the loss says how the target was before.
    if (!(startedAt >= this.#lostAt)) return;
    this.#lostAt = Number.NaN;
    this.#again = false;
    this.#tries = 0;
    this.#awaitsProbe = false;
    this.changed?.();
  }

  /**
   * Others have lost something there. What was answered well here since they said so stands over
   * it, until they lose something again: `isNews`.
   */
  heard(forMs: number, isNews: boolean): void {
    if (isNews) this.#heardAt = this.#clock.now();
    this.#heardUntil = this.#clock.now() + forMs;
  }

  /** They say so no longer. */
  unheard(): void {
    this.#heardAt = Number.NaN;
  }

  /** A probe that was begun at this moment has passed, or failed. */
  probed(passed: boolean, startedAt: number): void {
    if (!passed || startedAt >= this.#lostAt) this.#awaitsProbe = !passed && this.exists;
  }

  /** What cannot be repeated is sent there all the same; it finds out for others of its kind. */
  tried(): void {
    if (!this.exists) return;
    this.#tries += 1;
    this.#until = this.#clock.now() + this.#length();
  }

  get exists(): boolean {
    return !Number.isNaN(this.#lostAt);
  }

  /** A probe is to say whether it is well. */
  get awaitsProbe(): boolean {
    return this.#awaitsProbe;
  }

  /**
   * Whether it lasts. The target was out until `outUntil`: for as long no call could find out, so
   * those who may be repeated have their time from then on.
   */
  holds(outUntil: number): boolean {
    if (!Number.isNaN(this.#heardAt) && this.#clock.now() < this.#heardUntil) return true;
    if (!this.exists) return false;
    if (this.#awaitsProbe) return true;
    return this.#clock.now() < Math.max(this.#until, outUntil + this.#length());
  }

  #length(): number {
    const { suspectMs, suspectAgainMs, suspectMsMax } = EJECTION;
    if (!this.#again) return suspectMs;
    return Math.min(suspectAgainMs * 2 ** Math.max(0, this.#tries - 1), suspectMsMax);
  }
}
