/**
 * The top of the pipe: what is thrown past the policies is a bug of ours, and is answered as one.
 *
 * Guarantee: what it gives back never rejects; whoever is told has been when anybody above is.
 */
import type { Call } from "../core/call.js";
import { noResponse, type Outcome } from "../core/outcome.js";
import { type Listening, Pending } from "../core/pending.js";
import type { Step } from "../core/pipe.js";

/** Is told what every call came to. */
export interface CallListener {
  over(call: Call, outcome: Outcome<unknown>): void;
}

/** Takes a call through the steps. */
export function safely<Body>(
  step: Step<Call, Body>,
  call: Call,
  listener: CallListener,
): Pending<Body> {
  return begun(step, call).neverRejects().inform(new Top<Body>(call, listener));
}

function begun<Body>(step: Step<Call, Body>, call: Call): Pending<Body> {
  try {
    return Pending.of(step(call));
  } catch (cause) {
    return Pending.settled<Body>(noResponse({ code: "proxy_internal_error", cause }));
  }
}

// A class, since every call makes one.
class Top<Body> implements Listening<Body> {
  next: Listening<Body> | null = null;
  private readonly call: Call;
  private readonly listener: CallListener;

  constructor(call: Call, listener: CallListener) {
    this.call = call;
    this.listener = listener;
  }

  told(outcome: Outcome<Body>): null {
    this.listener.over(this.call, outcome);
    return null;
  }
}
