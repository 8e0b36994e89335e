/**
 * The configuration of a front proxy, as far as it speaks of upstreams: where each is asked, with
 * which settings, and in which line that stands. Every reader of a format makes these.
 */
import type { Finding } from "../../../gateway/diagnosis-report.js";

export interface Where {
  readonly file: string;
  readonly line: number;
}

export type Front = "nginx" | "apache" | "haproxy" | "caddy" | "good-gateway";

/** How one place of a configuration asks an upstream. */
export interface ConfiguredUpstream {
  /** An address that the doctor can look at. */
  readonly address: string;
  readonly where: Where;
  /** Where in the configuration, for people: `location /api of shop.example`. */
  readonly context: string;
  /** What the front does, in milliseconds and bytes; null where it has no such thing. */
  readonly settings: FrontSettings;
  /** Other servers that take its calls when it fails. */
  readonly siblings: number;
}

export interface FrontSettings {
  /** How long the front keeps an idle connection to the upstream; null when it keeps none. */
  readonly poolIdleMs: number | null;
  /** The longest wait for an answer. */
  readonly responseMs: number | null;
  /** The largest head of an answer. */
  readonly headBytes: number | null;
  /** WebSocket handshakes are passed on. */
  readonly upgrades: boolean;
  /** What to write for each of them, in the language of this front. */
  readonly write: {
    readonly keepAlive: string;
    readonly headBytes: string;
    readonly upgrades: string;
    readonly address: (address: string) => string;
  };
}

export interface FrontConfig {
  readonly front: Front;
  readonly upstreams: readonly ConfiguredUpstream[];
  /** What is wrong in the text itself, whatever the upstreams do. */
  readonly findings: readonly Finding[];
}
