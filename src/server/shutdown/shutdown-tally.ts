/**
 * What a shutdown counts, and what it asks of whatever holds connections.
 * Guarantee: what has ended by itself and what was cut are distinguished, and nothing counts as
 * both.
 */
import type { Clock } from "../../base/clock.js";
import type { Random } from "../../base/random.js";
import type { ShutdownCounts, ShutdownReport } from "../../records/shutdown-report.js";
import type { ShutdownPlan } from "./shutdown-options.js";

/** Work of a server by kind. */
export interface WorkCounts {
  /** Ordinary requests, from their head to the last byte of their answer. */
  readonly requests: number;
  /** Answers of the type text/event-stream. */
  readonly eventStreams: number;
  /** Connections that were switched to another protocol, such as WebSockets, and tunnels. */
  readonly upgrades: number;
}

/** What came of the work since the shutdown began; counted up while it runs. */
export interface ShutdownTally {
  readonly finished: Mutable<WorkCounts>;
  readonly cut: Mutable<WorkCounts>;
  /** Connections that were closed while at rest. */
  idleClosed: number;
  /** Requests on new connections that were answered with 503. */
  refused: number;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export function newTally(): ShutdownTally {
  const none = (): WorkCounts => ({ requests: 0, eventStreams: 0, upgrades: 0 });
  return { finished: none(), cut: none(), idleClosed: 0, refused: 0 };
}

/** What the connections of all servers share. */
export interface DrainParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly plan: ShutdownPlan;
  readonly tally: ShutdownTally;
}

/** Connections of one kind, as a shutdown sees them. */
export interface Tracker {
  /** Connections that are open, without those that came when answers closed theirs already. */
  readonly open: number;
  /** Requests, streams and upgraded connections that are under way. */
  readonly busy: number;
  /** From here on it is counted what ends. */
  begin(): void;
  /** From here on every answer closes its connection. */
  closeAfterAnswers(): void;
  /** Closes what is at rest and cuts what has had its time. */
  sweep(): void;
  /** Cuts everything. */
  destroy(): void;
  /** Listens to nothing any more. */
  release(): void;
}

/** When a stream that may go on for ever is to end: not all in one moment. */
export function spreadEnd({ clock, random }: DrainParts, timeoutMs: number): number {
  return clock.now() + timeoutMs * (0.5 + 0.5 * random.next());
}

/** The report that the counts come to. */
export function reportOf(
  { finished, cut, idleClosed, refused }: ShutdownTally,
  rest: Pick<ShutdownReport, "reason" | "durationMs" | "forced" | "calls">,
): ShutdownReport {
  const kind = (name: keyof ShutdownTally["cut"]): ShutdownCounts => ({
    finished: finished[name],
    cut: cut[name],
  });
  return {
    reason: rest.reason,
    finished: finished.requests + finished.eventStreams + finished.upgrades,
    cut: cut.requests + cut.eventStreams + cut.upgrades,
    durationMs: rest.durationMs,
    forced: rest.forced,
    requests: kind("requests"),
    eventStreams: kind("eventStreams"),
    upgrades: kind("upgrades"),
    calls: rest.calls,
    idleClosed,
    refused,
  };
}
