/**
 * What people may write for a target of an upstream, when its address alone does not say enough,
 * and for what tells of targets. What an address means is read in targets/target.ts.
 */
import type { TargetTls } from "../../targets/target.js";

/** An address of an upstream. */
export interface TargetInput {
  /** `http://host:port`, `https://host`, with a path as prefix, or `unix:/path`. */
  readonly url: string;
  /**
   * Share of the traffic, against the other targets.
   * @default 1
   */
  readonly weight?: number;
  /** A unix socket to connect to; `url` then only gives protocol, Host and path prefix. */
  readonly socketPath?: string;
  /** TLS settings of this target, as `tls.connect` takes them. Certificates are always checked
   *  unless `rejectUnauthorized: false` is written here. */
  readonly tls?: TargetTls;
  /** Host, and the server name of TLS, where the `url` has an address in place of the name. */
  readonly host?: string;
  /**
   * Targets of the lowest number are asked first, those of the next when too few are healthy.
   * @default 0
   */
  readonly priority?: number;
  /** Asked when too few others are healthy: the priority after all that are written as numbers. */
  readonly backup?: boolean;
  /** Where it is; targets in the gateway's own `zone`, and those without one, are preferred. */
  readonly zone?: string;
}

/** What a source may use besides its signal. */
export interface DiscoverTools {
  /** Waits; rejects when the gateway is closed. It does not keep the process alive. */
  sleep(ms: number): Promise<void>;
  /** From 0 up to, but not including, 1. */
  random(): number;
}

/** A source of targets. The signal is aborted when the gateway is closed. */
export type Discover = (
  signal: AbortSignal,
  tools: DiscoverTools,
) => AsyncIterable<readonly (string | TargetInput)[]>;
