/**
 * How a finding is made: the catalog knows whom a failure's name blames, unless the cause does.
 * Causes differ in what they say, and not in how it is put together.
 */
import { type Blame, FAILURES, type FailureCode } from "../catalog/failures.js";
import type { Confidence, Finding, Layer } from "./diagnosis-report.js";

interface Parts {
  readonly cause: string;
  readonly layer: Layer;
  readonly title: string;
  readonly evidence: readonly string[];
  readonly fix: string;
  readonly code?: FailureCode;
  readonly blame?: Blame;
  readonly confidence?: Confidence;
  readonly impact?: Finding["impact"];
  readonly write?: string;
  readonly where?: { readonly file: string; readonly line: number };
}

function finding(severity: Finding["severity"], parts: Parts): Finding {
  const { code = null, blame, confidence = "certain", impact = "all", ...rest } = parts;
  const known = code === null ? "proxy" : FAILURES[code].blame;
  return { severity, code, blame: blame ?? known, confidence, impact, ...rest };
}

export const fault = (parts: Parts): Finding => finding("fault", parts);
export const warning = (parts: Parts): Finding => finding("warning", parts);
export const note = (parts: Parts): Finding => finding("note", parts);

/** Parts of a sentence that are there only sometimes. */
export function said(...parts: readonly (string | null | false | undefined)[]): readonly string[] {
  return parts.filter((part) => typeof part === "string" && part !== "") as readonly string[];
}

export function inMiB(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}

const LAYERS_OF: Readonly<Record<string, Layer>> = {
  admit: "request",
  queue: "request",
  resolve: "resolve",
  connect: "connect",
  secure: "secure",
  send: "request",
  wait: "head",
  receive: "body",
};

/** Where on the way a failure of this name happens. */
export function layerOf(code: FailureCode): Layer {
  const { blame, phase } = FAILURES[code];
  return blame === "self" ? "process" : (LAYERS_OF[phase] ?? "request");
}

/** As it stands within a sentence. */
export function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
