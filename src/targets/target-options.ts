/**
 * What may be written for one address of an upstream; `target.ts` parses it, and
 * `options/read-targets.ts` checks it.
 */
import type { ConnectionOptions } from "node:tls";
import { flag, nested, type OptionsOf, own, type Section } from "../catalog/options/option.js";

/** What `tls.connect` takes of these. */
export type TargetTls = Pick<
  ConnectionOptions,
  "ca" | "cert" | "key" | "servername" | "rejectUnauthorized"
>;

const TEXT = { type: "string", minLength: 1 };
const PEM = { anyOf: [TEXT, { type: "array", items: TEXT }] };

export const TLS_OPTIONS = {
  /** Certificates of the authorities that are trusted, in PEM form. */
  ca: own(PEM),
  /** The certificate that this side shows. */
  cert: own(PEM),
  /** Its private key. */
  key: own(PEM),
  /** The name in the certificate of the target; the host of its `url` unless given. */
  servername: own(TEXT),
  /**
   * Whether the certificate of the target is checked.
   * @default true
   */
  rejectUnauthorized: flag(true),
} as const satisfies Readonly<Record<keyof TargetTls, Section[string]>>;

export const TARGET_OPTIONS = {
  /**
   * Share of the traffic, against the other targets.
   * @default 1
   */
  weight: own<number>({ type: "number", exclusiveMinimum: 0 }, 1),
  /** A unix socket to connect to; `url` then only gives protocol, Host and path prefix. */
  socketPath: own<string>({ type: "string", pattern: "^/" }),
  /**
   * TLS settings of this target, as `tls.connect` takes them. Certificates are always checked
   * unless `rejectUnauthorized: false` is written here.
   */
  tls: nested<TargetTls>(TLS_OPTIONS),
  /** Host, and the server name of TLS, where the `url` has an address in place of the name. */
  host: own<string>(TEXT),
  /**
   * Targets with the lowest number are used first, those with the next when too few are healthy.
   * @default 0
   */
  priority: own<number>({ type: "integer", minimum: 0 }, 0),
  /** Used when too few others are healthy: a priority after all numbers. */
  backup: own<boolean>({ type: "boolean" }),
  /** Where it is; targets in the gateway's own `zone`, and those without one, are preferred. */
  zone: own<string>(TEXT),
} as const satisfies Section;

/** An address of an upstream. */
export interface TargetInput extends OptionsOf<typeof TARGET_OPTIONS> {
  /** `http://host:port`, `https://host`, with a path as prefix, or `unix:/path`. */
  readonly url: string;
}
