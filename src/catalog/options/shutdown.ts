/**
 * How a process stops without losing a request, as far as it is data. The rest of what
 * `installShutdown` takes is in `server/shutdown/shutdown-options.ts`.
 */
import { choice, flag, type Section, wait } from "./option.js";

/** Lengths of time. */
export const SHUTDOWN_NUMBERS = {
  /**
   * How long everything is served as before while readiness already fails; 5000 under Kubernetes.
   * @default 0
   * @remarks A front that retries a refused connection elsewhere (nginx, HAProxy) needs no notice.
   */
  lameDuckMs: wait(0),
  /**
   * From the end of the lame duck to the hard stop; less by default where the process manager
   * kills earlier.
   * @default 10000
   * @remarks Well below what process managers allow.
   */
  drainTimeoutMs: wait(10_000),
  /**
   * A kept connection is closed after being idle for this long, at most a quarter of
   * `drainTimeoutMs`.
   * @default 1000
   * @remarks An active client would have used it by now.
   */
  idleCloseMs: wait(1_000),
  /**
   * Time until event streams (SSE) are cut; the cuts are spread over its second half.
   * @default 5000
   * @remarks They never end, so waiting longer would not help; their clients reconnect.
   */
  streamTimeoutMs: wait(5_000),
  /**
   * Time until upgraded connections (WebSockets) are cut; the cuts are spread over its second half.
   * @default 5000
   * @remarks The application has this long to send a close frame.
   */
  upgradeTimeoutMs: wait(5_000),
} as const satisfies Section;

export const SHUTDOWN_OPTIONS = {
  /**
   * What happens to new connections while existing ones are served: refused by the system, or
   * answered with 503 and Retry-After.
   * @default "refuse"
   */
  newConnections: choice(["refuse", "answer"], "refuse"),
  /**
   * Whether to communicate with the process manager (PM2, systemd, supervisord, Kubernetes), and to
   * shorten the times to what it allows.
   * @default true
   */
  processManagers: flag(true),
} as const satisfies Section;
