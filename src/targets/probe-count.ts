/**
 * What a row of probes says of a target: `fall` failed ones in a row that it is down, `rise` good
 * ones in a row that it is up.
 *
 * Before the first probe it counts as up: a gateway that starts would otherwise refuse its first
 * calls for the sake of what is almost always in order, and breaker and ejection judge meanwhile.
 * Its very first probe decides alone if it fails, since nothing speaks for the target yet.
 */
export interface ProbeCountOptions {
  readonly fall: number;
  readonly rise: number;
  /** Whether it takes calls before the first one. @default "up" */
  readonly initial?: "up" | "down";
}

export type ProbeState = "unknown" | "up" | "down";

export class ProbeCount {
  #state: ProbeState = "unknown";
  /** Results in a row that speak against the state. */
  #against = 0;
  readonly #options: ProbeCountOptions;

  constructor(options: ProbeCountOptions) {
    this.#options = options;
  }

  get state(): ProbeState {
    return this.#state;
  }

  /** The last result spoke against the state, so that it will change soon or not at all. */
  get inDoubt(): boolean {
    return this.#against > 0;
  }

  /** Takes a result in; true when the state is another one now. */
  note(passed: boolean): boolean {
    const { fall, rise } = this.#options;
    if (this.#state === "unknown") return this.#become(passed ? "up" : "down");
    if (passed === (this.#state === "up")) {
      this.#against = 0;
      return false;
    }
    this.#against += 1;
    if (this.#against < (passed ? rise : fall)) return false;
    return this.#become(passed ? "up" : "down");
  }

  /** The target itself has said that it takes no calls: only `rise` good probes say otherwise. */
  doubt(): void {
    this.#state = "down";
    this.#against = 0;
  }

  #become(state: ProbeState): true {
    this.#state = state;
    this.#against = 0;
    return true;
  }
}
