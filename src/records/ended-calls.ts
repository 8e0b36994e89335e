/**
 * Where our own metrics, log and dashboard get the calls that are over: many in a row, all of them
 * the same row.
 *
 * Guarantee: each follower gets every call that ended while it followed, once and in order; before
 * a follower comes or leaves, those that wait are handed over. A follower that throws disturbs no
 * other and is reported once, as listeners of events are.
 */
import { batch } from "../base/batch.js";
import { type Clock, epochMs, type Timer } from "../base/clock.js";
import { warnOfListener } from "../base/emitter.js";
import type { EndedCall } from "./ended-call.js";

export interface EndedCalls {
  /** Whether there is a follower. */
  readonly heard: boolean;
  add(call: EndedCall): void;
  /** Hands over what waits; who is asked for what it has counted does this first. */
  flush(): void;
  /**
   * Gives back how to leave. Nothing waits longer than the least that a follower names; one that
   * is asked before it is read needs no such time.
   */
  follow(handle: CallsHandler, waitMsMax?: number): () => void;
}

export type CallsHandler = (calls: readonly EndedCall[]) => void;

interface Follower {
  readonly handle: CallsHandler;
  readonly waitMsMax: number;
  reported: boolean;
}

export function endedCalls(clock: Pick<Clock, "after" | "now" | "wallNow">): EndedCalls {
  let followers: readonly Follower[] = [];
  let waitMsMax = Number.POSITIVE_INFINITY;
  let timer: Timer | null = null;

  const hand = (calls: readonly EndedCall[]): void => {
    timer?.cancel();
    timer = null;
    const epoch = epochMs(clock);
    for (const call of calls) call.date(epoch);
    for (const follower of followers) handOver(follower, calls);
  };
  const waiting = batch(hand);
  const set = (those: readonly Follower[]): void => {
    waiting.flush();
    followers = those;
    ended.heard = those.length > 0;
    waitMsMax = Math.min(Number.POSITIVE_INFINITY, ...those.map((one) => one.waitMsMax));
  };
  const ended = {
    heard: false,
    add(call: EndedCall) {
      waiting.add(call);
      if (timer !== null || waitMsMax === Number.POSITIVE_INFINITY || waiting.size === 0) return;
      timer = clock.after(waitMsMax, waiting.flush);
      timer.unref();
    },
    flush: waiting.flush,
    follow(handle: CallsHandler, ms = Number.POSITIVE_INFINITY) {
      const follower: Follower = { handle, waitMsMax: ms, reported: false };
      set([...followers, follower]);
      return () => {
        if (followers.includes(follower)) set(followers.filter((one) => one !== follower));
      };
    },
  };
  return ended;
}

function handOver(follower: Follower, calls: readonly EndedCall[]): void {
  try {
    follower.handle(calls);
  } catch (error) {
    if (follower.reported) return;
    follower.reported = true;
    warnOfListener("call:end", error);
  }
}
