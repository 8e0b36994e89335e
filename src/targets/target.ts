/**
 * A target: one address of an upstream, and what is known of it right now.
 *
 * The address part never changes; weight, pending count and breaker do. The transport keeps its
 * connections by the target's id.
 */
import type { ConnectionOptions } from "node:tls";
import type { Breaker } from "./breaker.js";

/** What `tls.connect` takes of these. */
export type TargetTls = Pick<
  ConnectionOptions,
  "ca" | "cert" | "key" | "servername" | "rejectUnauthorized"
>;

/** Where a target is. */
export interface TargetAddress {
  /** Origin without credentials, or `unix:/path`; unique within an upstream. */
  readonly id: string;
  readonly protocol: "http:" | "https:";
  /** Without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** The value of `Host` when the target is to be named, RFC 9110 §7.2. */
  readonly authority: string;
  /** Prefix for every path that is sent there; no slash at its end. */
  readonly pathPrefix: string;
  readonly socketPath: string | null;
  readonly tls: TargetTls | null;
}

export interface Target extends TargetAddress {
  weight: number;
  /** Exchanges under way, bodies included. */
  pending: number;
  /** Null when the upstream has its breaker switched off. */
  readonly breaker: Breaker | null;
}
