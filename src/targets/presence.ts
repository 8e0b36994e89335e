/**
 * Whether the process behind a target is there: notices when one vanishes that had answered.
 *
 * A process that ends (crash, OOM kill, deploy) cuts the connections that it has and refuses new
 * ones. One connection alone may break for many reasons, so a cut is a suspicion only, which any
 * answer removes; a refusal, or several cuts in a row without an answer between, is an incident,
 * unless the process goes on to answer on a connection from before, or to accept new ones.
 * Guarantee: one incident from the first loss until the target has answered for a while, however
 * many calls it costs and however often the process comes and goes meanwhile. An exchange that is
 * answered costs two comparisons.
 */
import type { Clock, Timer } from "../base/clock.js";
import { type FailureCode, hasTrait } from "../catalog/failures.js";
import { INCIDENT } from "../catalog/health-defaults.js";
import { createEvidence, type Evidence, type Loss } from "./evidence.js";

/** Is notified of incidents. Its evidence is read when it is asked, and goes on to grow. */
export interface PresenceListener {
  /** Settled enough to be reported: what broke together has been counted. */
  started(evidence: Evidence): void;
  ended(evidence: Evidence): void;
}

/** What a failure says of the process; null for one that says nothing of it. */
function kindOf(code: FailureCode): Loss["kind"] | null {
  if (hasTrait(code, "refused")) return "refused";
  if (hasTrait(code, "cut")) return "cut";
  // One at rest that the peer closed says nothing by itself; it is counted once others do.
  return code === "stale_connection" ? "stale" : null;
}

type PresenceState = "suspected" | "gone" | "back";

interface Worry {
  readonly since: number;
  readonly evidence: Evidence;
  standing: PresenceState;
  /** Cuts in a row, while it is suspected. */
  cuts: number;
  backAt: number;
  reported: boolean;
}

export class Presence {
  readonly #clock: Clock;
  readonly #listener: PresenceListener;
  readonly #pending: () => number;
  #answeredAt = -1;
  #worry: Worry | null = null;
  #timer: Timer | null = null;

  /** `pending` says how many exchanges are under way at the target. */
  constructor(clock: Clock, listener: PresenceListener, pending: () => number) {
    this.#clock = clock;
    this.#listener = listener;
    this.#pending = pending;
  }

  /** The incident that goes on, null when there is none. */
  get evidence(): Evidence | null {
    const worry = this.#worry;
    return worry === null || worry.standing === "suspected" ? null : worry.evidence;
  }

  /** The target answered, on a connection that was opened then; -1 when that is not known. */
  answered(openedAt: number, now: number): void {
    this.#answeredAt = now;
    if (this.#worry !== null) this.#reassured(this.#worry, openedAt, now);
  }

  /** An exchange with the target ended by this name. */
  failed(code: FailureCode, loss: Omit<Loss, "code" | "kind" | "at">): void {
    const kind = kindOf(code);
    if (this.#answeredAt < 0 || kind === null) return;
    const at = this.#clock.now();
    const worry = this.#worryAt(at);
    worry.evidence.add({ ...loss, code, kind, at });
    if (kind !== "stale") this.#judge(worry, kind, loss.openedAt);
  }

  /** It is no longer a target; an incident that goes on ends without an answer. */
  stop(): void {
    const worry = this.#worry;
    if (worry !== null && worry.standing !== "suspected") this.#end(worry);
    this.#timer?.cancel();
    this.#worry = null;
    this.#answeredAt = -1;
  }

  #worryAt(at: number): Worry {
    const known = this.#worry;
    const isOld = known?.standing === "suspected" && at - known.since > INCIDENT.suspicionMs;
    if (known !== null && !isOld) return known;
    const evidence = createEvidence(this.#clock, {
      since: at,
      answeredAt: this.#answeredAt,
      inFlight: this.#pending(),
    });
    const made: Worry = {
      since: at,
      evidence,
      standing: "suspected",
      cuts: 0,
      backAt: -1,
      reported: false,
    };
    this.#worry = made;
    return made;
  }

  #judge(worry: Worry, kind: "refused" | "cut", openedAt: number): void {
    if (worry.standing === "suspected") {
      // Who accepts a connection after that, and cuts it, is there.
      if (kind === "cut" && openedAt > worry.since) return;
      worry.cuts += 1;
      if (kind === "refused" || worry.cuts >= INCIDENT.cutsMin) {
        worry.standing = "gone";
        this.#after(INCIDENT.settleMs, () => this.#report(worry));
      }
      return;
    }
    // What breaks late on a connection of the old process is no news of the new one.
    const isNew = kind === "refused" || openedAt >= worry.backAt;
    if (worry.standing === "back" && isNew) {
      worry.standing = "gone";
      worry.evidence.goneAgain();
      this.#timer?.cancel();
    }
  }

  #reassured(worry: Worry, openedAt: number, now: number): void {
    const isOld = openedAt >= 0 && openedAt < worry.since;
    if (worry.standing === "suspected") this.#worry = null;
    else if (isOld && !worry.reported && worry.evidence.facts().refused === 0) {
      // A connection from before goes on, so the process does: what was cut was so by what it got.
      this.#timer?.cancel();
      this.#worry = null;
    } else if (worry.standing === "gone") {
      worry.standing = "back";
      worry.backAt = now;
      worry.evidence.back(now, openedAt < 0 ? null : openedAt >= worry.since);
      this.#after(INCIDENT.quietMs, () => this.#end(worry));
    }
  }

  #report(worry: Worry): void {
    if (worry.reported) return;
    worry.reported = true;
    this.#listener.started(worry.evidence);
  }

  #end(worry: Worry): void {
    this.#report(worry);
    this.#worry = null;
    worry.evidence.end(this.#clock.now());
    this.#listener.ended(worry.evidence);
  }

  #after(ms: number, fn: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(ms, fn);
    this.#timer.unref();
  }
}
