/**
 * Everything that was seen of an endpoint, as plain facts. The probes write it, and the causes read
 * it; so what a fact means can be tested without a network.
 */

import type { Step } from "../../gateway/diagnosis-report.js";
import type { Endpoint } from "./endpoint.js";
import type { PoolAsked, PoolStatus } from "./fastcgi/ask.js";
import type { DoctorLimits } from "./limits.js";
import type { LocalFacts } from "./local/local-facts.js";
import type { Dialled } from "./probes/connect.js";
import type { Exchanged } from "./probes/exchange.js";
import type { Resolved } from "./probes/resolve.js";
import type { Secured } from "./probes/secure.js";

/** What the port speaks in truth, when it is not what the address says. */
export type OtherProtocol = "tls" | "http" | null;

export interface Facts {
  readonly endpoint: Endpoint;
  readonly limits: DoctorLimits;
  readonly resolved: Resolved;
  /** One for each address. */
  readonly dialled: readonly Dialled[];
  /** Null when the endpoint is not encrypted, or was not reached. */
  readonly secured: Omit<Secured, "socket"> | null;
  readonly otherProtocol: OtherProtocol;
  /** The first request, on a new connection; null when none was made. */
  readonly first: Exchanged | null;
  /** The second on the same connection; null when the server closed it, or none was made. */
  readonly second: Exchanged | null;
  /** A further one on a connection of its own. */
  readonly third: Exchanged | null;
  /** After how long the server closes an idle connection; null when it did not while watched. */
  readonly idleCloseMs: number | null;
  /** Null when no health path was asked for. */
  readonly health: { readonly path: string; readonly exchanged: Exchanged } | null;
  /** The answer to a WebSocket handshake; null when none was tried, or none came. */
  readonly upgradeStatus: number | null;
  /** What a FastCGI pool said; null for what is none. */
  readonly pool: { readonly ping: PoolAsked; readonly status: PoolStatus | null } | null;
  /** Null when the endpoint is on another machine. */
  readonly local: LocalFacts | null;
  readonly steps: readonly Step[];
}
