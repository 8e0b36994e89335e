/**
 * Everything that was seen of an endpoint, as plain facts. The probes write it, and the causes read
 * it; so what a fact means can be tested without a network.
 */

import type { DiagnosisStep } from "../../../diagnosis/diagnosis-report.js";
import type { FrontHealthCheck } from "../config/front-config.js";
import type { PoolAsked, PoolStatus } from "../fastcgi/ask.js";
import type { DialResult } from "../probes/connect.js";
import type { Exchanged } from "../probes/exchange.js";
import type { Resolved } from "../probes/resolve.js";
import type { IpRoute } from "../probes/route.js";
import type { Secured } from "../probes/secure.js";
import type { SpokenAsked } from "../probes/spoken.js";
import type { Endpoint } from "../world/endpoint.js";
import type { DoctorLimits } from "../world/limits.js";
import type { LocalFacts } from "./local-facts.js";

/** What the port speaks in truth, when it is not what the address says. */
export type OtherProtocol = "tls" | "http" | "proxy_protocol" | null;

export interface Facts {
  readonly endpoint: Endpoint;
  readonly limits: DoctorLimits;
  readonly resolved: Resolved;
  /** The way that the kernel takes to the first address; null where it is not known. */
  readonly route: IpRoute | null;
  /** One for each address. */
  readonly dialled: readonly DialResult[];
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
  readonly pool: {
    readonly ping: PoolAsked;
    readonly status: PoolStatus | null;
    /** The script that the front has it run; null when none was named. */
    readonly ran: PoolAsked | null;
  } | null;
  /** What an upstream of another protocol than HTTP and FastCGI said; null for those. */
  readonly spoken: SpokenAsked | null;
  /** A host name with which the same request is answered, where the first was not. */
  readonly otherHost: { readonly host: string; readonly status: number } | null;
  /** The path as the client sent it, which is answered where the changed one is not found. */
  readonly otherPath: { readonly path: string; readonly status: number } | null;
  /** The better status that came without the line of the PROXY protocol. */
  readonly withoutProxyLine: number | null;
  /** The front's own check of health, and the status of its answer: null for none. */
  readonly checked: { readonly check: FrontHealthCheck; readonly status: number | null } | null;
  /** Null when the endpoint is on another machine. */
  readonly local: LocalFacts | null;
  readonly steps: readonly DiagnosisStep[];
}
