/**
 * How much of its weight a target carries, as reported: by its answers, its agent, or by its load
 * beside that of its peers. The least that is still believed counts.
 */

export type SharedBy = "declared" | "agent" | "load_report";

/** The share as it is believed now, and who has changed it. */
export type ShareListener = (share: number, by: SharedBy) => void;

export class CarriedShare {
  readonly #onChange: ShareListener | undefined;
  readonly #said = new Map<SharedBy, { readonly share: number; readonly until: number }>();
  #share = 1;
  /** When the first of them is no longer believed. */
  #until = Number.POSITIVE_INFINITY;

  constructor(onChange: ShareListener | undefined) {
    this.#onChange = onChange;
  }

  now(now: number): number {
    if (now > this.#until) this.#count(now);
    return this.#share;
  }

  said(by: SharedBy, share: number, until: number, now: number): void {
    this.#said.set(by, { share, until });
    const before = this.#share;
    this.#count(now);
    if (percent(before) !== percent(this.#share)) this.#onChange?.(this.#share, by);
  }

  #count(now: number): void {
    this.#share = 1;
    this.#until = Number.POSITIVE_INFINITY;
    for (const [by, { share, until }] of this.#said) {
      if (now > until) {
        this.#said.delete(by);
        continue;
      }
      this.#share = Math.min(this.#share, share);
      this.#until = Math.min(this.#until, until);
    }
  }
}

function percent(share: number): number {
  return Math.round(100 * share);
}
