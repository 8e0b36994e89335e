/**
 * A server that is being prepared for what stands in front of it: what is read and set of it, and
 * what those who watch it share.
 */
import type { AddressInfo } from "node:net";
import type { GatewayCore } from "../../gateway/core.js";
import type { ServerTimes } from "../../options/behind.js";

/** What of a server is read and set; those of `node:http` and `node:https`, and Fastify's, fit. */
export interface PreparableServer {
  keepAliveTimeout: number;
  headersTimeout: number;
  requestTimeout: number;
  timeout: number;
  readonly listening: boolean;
  address(): AddressInfo | string | null;
  on(event: string, listener: (...args: never[]) => void): unknown;
  once(event: string, listener: (...args: never[]) => void): unknown;
  prependListener(event: string, listener: (...args: never[]) => void): unknown;
  listenerCount(event: string): number;
}

/** What became of a server. */
export interface PreparedServer {
  /** The times that were set, in Node's names. */
  readonly changed: Readonly<Record<string, number>>;
  /** What may be a problem, and cannot be known here. */
  readonly advice: readonly string[];
}

/** What the watchers share. */
export interface Preparing {
  readonly core: GatewayCore;
  readonly server: PreparableServer;
  readonly changed: Record<string, number>;
  /** Sets longer times, unless others were set. */
  raise(times: ServerTimes): void;
}
