/**
 * When the targets of an upstream are probed, and what becomes of the results.
 *
 * Configured probes ask each target again and again, more often while its state is in doubt.
 * Without them, a target whose breaker opens is tried by TCP alone: where nothing accepts, it is
 * tried again until something does, which ends the open time. Either way off the path of calls,
 * and nothing of it keeps a process alive.
 */
import type { Clock, Timer } from "../base/clock.js";
import { News } from "../base/news.js";
import type { Random } from "../base/random.js";
import { HOPE, PROBE } from "../catalog/defaults.js";
import type { Breaker } from "../targets/breaker.js";
import type { Dialled } from "../targets/target.js";
import type { WatchedHealth } from "../targets/watched-health.js";
import {
  type ProbeDone,
  type ProbeQuestion,
  probeTarget,
  type RunningProbe,
} from "../transports/probe.js";

/** Who looks after one target. */
export interface Prober {
  /** Begins, once. */
  start(): void;
  /** Its breaker opened or its health changed: do not wait as long as planned. */
  soon(): void;
  /** Calls wait for it: looks whether it accepts connections again. Null where it cannot say. */
  findOut(): Promise<void> | null;
  /** It refused connections when its breaker opened, and has accepted one since. */
  hasReturned(): boolean;
  stop(): void;
}

/** What every prober of a gateway uses. */
export interface ProberParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Probes a target once, in place of a real probe. */
  readonly probe?: typeof probeTarget;
}

export interface ProbeResult {
  readonly passed: boolean;
  /** What was wrong, in a few words; null when it passed. */
  readonly wrong: string | null;
  readonly tookMs: number;
}

export interface ProbeSettings extends ProbeQuestion {
  readonly intervalMs: number;
}

/** Probes as configured. */
export function activeProber(
  parts: ProberParts,
  target: Dialled,
  settings: ProbeSettings,
  health: WatchedHealth,
  report: (result: ProbeResult) => void,
): Prober {
  const { clock, random } = parts;
  const loop = probeLoop(parts);
  let dueAt = 0;
  let probedAt = Number.NEGATIVE_INFINITY;
  const next = (): void => {
    const { intervalMs } = settings;
    const faster = Math.max(intervalMs / PROBE.fasterFactor, PROBE.fasterMsMin);
    const ms = jittered(random, health.inDoubt ? Math.min(intervalMs, faster) : intervalMs);
    dueAt = clock.now() + ms;
    loop.after(ms, probe);
  };
  const sooner = (): void => {
    const now = clock.now();
    const ms = Math.max(0, probedAt - now + PROBE.fasterMsMin) + PROBE.fasterMsMin * random.next();
    // Never later: who loses one call after another would not be probed at all.
    if (now + ms >= dueAt) return;
    dueAt = now + ms;
    loop.after(ms, probe);
  };
  const probe = (): void => {
    const startedAt = clock.now();
    probedAt = startedAt;
    const done: ProbeDone = (wrong, said) => {
      const passed = wrong === null;
      report({ passed, wrong, tookMs: clock.now() - startedAt });
      if (said === undefined) health.probed(passed, startedAt);
      else if (said !== "nothing") health.agentSaid(said, startedAt);
      next();
    };
    loop.ask(target, settings, done);
  };
  return {
    start: () => loop.ifIdle(probe),
    soon: () => loop.ifWaiting(sooner),
    findOut: () => null,
    hasReturned: () => false,
    stop: loop.stop,
  };
}

/** Tries a target whose breaker is open, if nothing accepts connections there. */
export function reconnectProber(
  parts: ProberParts,
  target: Dialled,
  breaker: Breaker,
  userAgent: string,
): Prober {
  return new ReconnectProber(parts, target, breaker, userAgent);
}

/** A class, since every target has one, and few breakers ever open. */
class ReconnectProber implements Prober {
  readonly #parts: ProberParts;
  readonly #target: Dialled;
  readonly #breaker: Breaker;
  readonly #userAgent: string;
  #loop: ProbeLoop | null = null;
  #askedAt = 0;
  #wasRefused = false;
  #returned = false;
  /** Calls that wait for a result; null before the first. */
  #news: News | null = null;
  #hastened = false;

  constructor(parts: ProberParts, target: Dialled, breaker: Breaker, userAgent: string) {
    this.#parts = parts;
    this.#target = target;
    this.#breaker = breaker;
    this.#userAgent = userAgent;
  }

  /** Nothing is asked before a breaker opens. */
  start(): void {}

  soon(): void {
    if (this.#breaker.state !== "open") return;
    this.#returned = false;
    this.#probes().ifIdle(() => {
      this.#wasRefused = false;
      this.#connect(PROBE.reconnectMs);
    });
  }

  findOut(): Promise<void> | null {
    if (!this.#wasRefused || this.#breaker.state !== "open") return null;
    // The first who waits sets the time for all that come after.
    if (!this.#hastened) this.#probes().ifWaiting(() => this.#hasten());
    this.#news ??= new News();
    return this.#news.next();
  }

  hasReturned(): boolean {
    return this.#returned;
  }

  stop(): void {
    this.#probes().stop();
  }

  #probes(): ProbeLoop {
    this.#loop ??= probeLoop(this.#parts);
    return this.#loop;
  }

  #hasten(): void {
    this.#hastened = true;
    const dueMs = Math.max(0, this.#askedAt + HOPE.connectMs - this.#parts.clock.now());
    this.#probes().after(dueMs, () => this.#connect(PROBE.reconnectMs));
  }

  #connect(waitMs: number): void {
    this.#hastened = false;
    this.#askedAt = this.#parts.clock.now();
    const question = {
      path: null,
      statuses: [],
      body: null,
      userAgent: this.#userAgent,
      timeoutMs: PROBE.reconnectTimeoutMs,
      allowH2: false,
    };
    this.#probes().ask(this.#target, question, (wrong) => this.#done(wrong, waitMs));
  }

  #done(wrong: string | null, waitMs: number): void {
    // That it accepts now says something only if it did not before.
    if (wrong === null && this.#wasRefused) {
      this.#returned = true;
      this.#breaker.hasten();
    }
    this.#wasRefused = wrong !== null;
    this.#news?.publish();
    if (wrong === null || this.#breaker.state !== "open") return;
    const longer = Math.min(waitMs * 2, PROBE.reconnectMsMax);
    this.#probes().after(jittered(this.#parts.random, waitMs), () => this.#connect(longer));
  }
}

function jittered(random: Random, ms: number): number {
  return ms * (1 + PROBE.jitter * (2 * random.next() - 1));
}

type ProbeLoop = ReturnType<typeof probeLoop>;

/** One probe or one wait at a time, until it is stopped. */
function probeLoop({ clock, probe = probeTarget }: ProberParts) {
  let timer: Timer | null = null;
  let running: RunningProbe | null = null;
  let stopped = false;
  return {
    after(ms: number, fn: () => void): void {
      timer?.cancel();
      timer = null;
      if (stopped) return;
      timer = clock.after(ms, () => {
        timer = null;
        fn();
      });
      timer.unref();
    },
    ask(target: Dialled, question: ProbeQuestion, done: ProbeDone): void {
      if (stopped) return;
      running = probe(clock, target, question, (wrong, said) => {
        running = null;
        done(wrong, said);
      });
    },
    ifWaiting(fn: () => void): void {
      if (timer !== null) fn();
    },
    ifIdle(fn: () => void): void {
      if (timer === null && running === null) fn();
    },
    stop(): void {
      stopped = true;
      timer?.cancel();
      timer = null;
      running?.cancel();
      running = null;
    },
  };
}
