/**
 * What may be written for one address of an upstream; `target.ts` parses it, and
 * `options/read-targets.ts` checks it.
 */
import type { ConnectionOptions } from "node:tls";
import { flag, nested, type OptionsOf, own, type Section } from "../catalog/options/option.js";
import type { TlsFiles } from "./tls-files.js";

type InFile = "ca" | "cert" | "key" | "pfx";
type Plain =
  | "passphrase"
  | "minVersion"
  | "maxVersion"
  | "servername"
  | "rejectUnauthorized"
  | "checkServerIdentity";

/** A file that is read again when it has changed. */
export interface FileOf {
  readonly file: string;
}

/** What may be written: as `tls.connect` takes it, or a file. */
export type TargetTls = Pick<ConnectionOptions, Plain> & {
  readonly [Name in InFile]?: ConnectionOptions[Name] | FileOf;
};

/** The same as it is used. */
export type ReadTls = Pick<ConnectionOptions, Plain | InFile> & {
  /** Null where all is in memory. */
  readonly files?: TlsFiles;
};

/** What a connection is made with. */
export function tlsNow(tls: ReadTls | null): ConnectionOptions {
  if (tls === null) return {};
  const { files, ...rest } = tls;
  return files === undefined ? rest : { ...rest, secureContext: files.context };
}

const TEXT = { type: "string", minLength: 1 };
const FILE = {
  type: "object",
  properties: { file: TEXT },
  required: ["file"],
  additionalProperties: false,
};
const PEM = { anyOf: [TEXT, { type: "array", items: TEXT }, FILE] };
const VERSION = { enum: ["TLSv1.2", "TLSv1.3"] };

export const TLS_OPTIONS = {
  /**
   * Certificates of the authorities that are trusted, in PEM form. Each of these four may be
   * `{ file: "/etc/tls/ca.pem" }`, which is read again after it has changed.
   */
  ca: own(PEM),
  /** The certificate that this side shows. */
  cert: own(PEM),
  /** Its private key. */
  key: own(PEM),
  /** Both of them in one archive (PKCS #12), in place of `cert` and `key`. */
  pfx: own({ anyOf: [FILE] }),
  /** Of the private key or the archive. */
  passphrase: own(TEXT),
  /**
   * The oldest version of TLS that is spoken.
   * @default "TLSv1.2"
   */
  minVersion: own(VERSION),
  /**
   * The newest one.
   * @default "TLSv1.3"
   */
  maxVersion: own(VERSION),
  /** The name in the certificate of the target; the host of its `url` unless given. */
  servername: own(TEXT),
  /**
   * Whether the certificate of the target is checked.
   * @default true
   */
  rejectUnauthorized: flag(true),
  /**
   * Checks the name in the certificate in place of Node's own check: returns an Error for a wrong
   * one. The chain is checked as well.
   */
  checkServerIdentity: own(null),
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
