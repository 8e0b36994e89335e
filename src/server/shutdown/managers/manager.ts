/**
 * What a shutdown asks of the program that started this process and will end it.
 *
 * Several may apply at once: a worker of node:cluster in a pod of Kubernetes. Each is recognised by
 * the environment that it sets, and each says how long it waits before it kills.
 */
import type { ShutdownPhase } from "../../../records/shutdown-report.js";

export interface ProcessManager {
  readonly name: string;
  /** Milliseconds from its first signal to SIGKILL; Infinity when it does not kill. */
  readonly killMs: number;
  /** Where `killMs` can be changed. */
  readonly killSetting: string;
  /** The wait that makes up for a front that is notified late. */
  readonly lameDuckMs: number;
  /** What is wrong with how it starts this process; reported once. */
  readonly warnings: readonly string[];
  /** This process serves. */
  ready(): void;
  /** How far a shutdown has got, how much is under way, and how long it may still take. */
  progress(phase: ShutdownPhase, busy: number, longestMs: number): void;
  /** Listens for orders that are no signals; returns how to stop. */
  listen(begin: (reason: string) => void): () => void;
  /** Lets go of what would keep this process alive. */
  leave(): void;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What every manager has that says nothing else. */
export const PLAIN_MANAGER: Omit<ProcessManager, "name" | "killMs" | "killSetting"> = {
  lameDuckMs: 0,
  warnings: [],
  ready() {},
  progress() {},
  listen: () => () => {},
  leave() {},
};
