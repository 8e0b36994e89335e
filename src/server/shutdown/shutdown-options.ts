/**
 * What `installShutdown` takes, checked when it is called: a wrong value throws, a typo names the
 * nearest option.
 *
 * A length of time that was not given is fitted into what the process manager allows; one that was
 * given is kept, and a warning is emitted if it is too long.
 */
import type { Server as NetServer } from "node:net";
import { SHUTDOWN } from "../../catalog/defaults.js";
import type { OptionsOf } from "../../catalog/options/option.js";
import { SHUTDOWN_NUMBERS, SHUTDOWN_OPTIONS } from "../../catalog/options/shutdown.js";
import { nearest } from "../../options/nearest.js";
import type { ShutdownReport } from "../../records/shutdown-report.js";

/** A server of node:http, node:https or node:http2, or an instance of Fastify. */
export type ShutdownServer = NetServer | FastifyLike;

/** What is closed with its own `close`, after its connections are gone: an instance of Fastify. */
export interface FastifyLike {
  readonly server: NetServer;
  close(): PromiseLike<unknown>;
}

type Data = OptionsOf<typeof SHUTDOWN_OPTIONS>;

export interface ShutdownOptions extends OptionsOf<typeof SHUTDOWN_NUMBERS>, Data {
  /**
   * Signals that begin the shutdown; `false` for none.
   * @default ["SIGTERM", "SIGINT"]
   */
  readonly signals?: readonly NodeJS.Signals[] | false;
  /** What has to be done, beside listening, before the process manager is notified. */
  readonly ready?: PromiseLike<unknown>;
  /** Sends a message to systemd, such as `READY=1`, in place of the program `systemd-notify`. */
  readonly notifySystemd?: (message: string) => unknown;
  /** Awaited after the last connection is closed: the place to close pools and to flush logs. */
  readonly onDrained?: (report: ShutdownReport) => unknown;
}

/** The same, complete. */
export interface ShutdownPlan {
  readonly signals: readonly NodeJS.Signals[];
  readonly lameDuckMs: number;
  readonly drainTimeoutMs: number;
  readonly idleCloseMs: number;
  readonly streamTimeoutMs: number;
  readonly upgradeTimeoutMs: number;
  readonly newConnections: "refuse" | "answer";
  readonly onDrained: ((report: ShutdownReport) => unknown) | null;
}

/** What is known of the program that ends this process. */
export interface KillLimit {
  /** Milliseconds from the first signal to SIGKILL; Infinity for none. */
  readonly killMs: number;
  /** The wait that makes up for endpoints which are taken out asynchronously. */
  readonly lameDuckMs: number;
}

const LENGTHS = Object.keys(SHUTDOWN_NUMBERS) as readonly (keyof typeof SHUTDOWN_NUMBERS)[];
const CODE = ["signals", "onDrained", "ready", "notifySystemd"];
const NAMES = [...LENGTHS, ...Object.keys(SHUTDOWN_OPTIONS), ...CODE];

/** Checks, and fills in what was left out. Throws a TypeError that names the option. */
export function readShutdownOptions(options: ShutdownOptions, limit: KillLimit): ShutdownPlan {
  checkNames(options);
  for (const name of LENGTHS) checkLength(name, options[name]);
  const { signals, newConnections, onDrained } = options;
  for (const name of ["onDrained", "notifySystemd"] as const) {
    if (options[name] === undefined || typeof options[name] === "function") continue;
    throw new TypeError(`installShutdown: ${name} is not a function`);
  }
  if (newConnections !== undefined && !["refuse", "answer"].includes(newConnections)) {
    throw new TypeError('installShutdown: newConnections is neither "refuse" nor "answer"');
  }
  const lameDuckMs = options.lameDuckMs ?? limit.lameDuckMs;
  const drainTimeoutMs = options.drainTimeoutMs ?? fittingDrainMs(lameDuckMs, limit.killMs);
  const atMost = (ms: number): number => Math.min(ms, drainTimeoutMs);
  return {
    signals: readSignals(signals),
    lameDuckMs,
    drainTimeoutMs,
    idleCloseMs: Math.min(
      options.idleCloseMs ?? SHUTDOWN.idleCloseMs,
      drainTimeoutMs * SHUTDOWN.idleCloseShare,
    ),
    streamTimeoutMs: atMost(options.streamTimeoutMs ?? SHUTDOWN.streamTimeoutMs),
    upgradeTimeoutMs: atMost(options.upgradeTimeoutMs ?? SHUTDOWN.upgradeTimeoutMs),
    newConnections: newConnections ?? "refuse",
    onDrained: onDrained ?? null,
  };
}

/** How long a shutdown with this plan may take, from the first signal to the end of the process. */
export function longestMs({ lameDuckMs, drainTimeoutMs }: ShutdownPlan): number {
  return lameDuckMs + drainTimeoutMs + SHUTDOWN.slackMs;
}

function fittingDrainMs(lameDuckMs: number, killMs: number): number {
  const left = killMs - lameDuckMs - SHUTDOWN.slackMs;
  return Math.max(0, Math.min(SHUTDOWN.drainTimeoutMs, left));
}

function readSignals(signals: ShutdownOptions["signals"]): readonly NodeJS.Signals[] {
  if (signals === false) return [];
  if (signals === undefined) return ["SIGTERM", "SIGINT"];
  const bad = signals.find((one) => !/^SIG[A-Z0-9]+$/.test(one) || UNCATCHABLE.has(one));
  if (bad === undefined) return [...signals];
  throw new TypeError(`installShutdown: ${String(bad)} is no signal that a process can catch`);
}

const UNCATCHABLE: ReadonlySet<string> = new Set(["SIGKILL", "SIGSTOP"]);

function checkNames(options: ShutdownOptions): void {
  for (const name of Object.keys(options)) {
    if (NAMES.includes(name)) continue;
    const close = nearest(name, NAMES);
    const hint = close === null ? `known are ${NAMES.join(", ")}` : `did you mean ${close}?`;
    throw new TypeError(`installShutdown: there is no option ${name}; ${hint}`);
  }
}

function checkLength(name: string, value: unknown): void {
  if (value === undefined || (typeof value === "number" && value >= 0)) return;
  throw new TypeError(`installShutdown: ${name} is not a number of milliseconds from 0 on`);
}
