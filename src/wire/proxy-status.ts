/**
 * The `Proxy-Status` field, RFC 9209: what this hop has to say about an answer.
 *
 * Redacted by default (RFC 9209 §4): names, blame and counts, no address. `full` is for callers
 * that are trusted and adds who was asked.
 */
import { FAILURES } from "../catalog/failures.js";
import { PROXY_ERRORS, type ProxyErrorRow } from "../catalog/proxy-errors.js";
import type { StopReason } from "../core/call.js";
import type { Failure } from "../core/failure.js";

/** How much an answer tells: nothing, names and counts, or addresses too. */
export type Diagnostics = "none" | "code" | "full";

export interface ProxyStatusFacts {
  /** This deployment, as given to `createGateway`. */
  readonly name: string;
  readonly failure: Failure | null;
  /** The status that the upstream itself answered with, null when there was no answer. */
  readonly receivedStatus: number | null;
  /** The status of the answer that carries the field. */
  readonly status: number;
  readonly attempts: number;
  readonly stopReason: StopReason | null;
  /** The target under the name it has inside this gateway, never its address. */
  readonly nextHop: string | null;
}

/** One member of the field's list. */
export function proxyStatus(facts: ProxyStatusFacts, diagnostics: Diagnostics): string {
  const { failure, receivedStatus } = facts;
  let member = tokenOrString(facts.name);
  const type = failure === null ? null : FAILURES[failure.code].proxyError;
  if (type !== null && failure !== null) {
    member += `; error=${type}`;
    member += extraParameters(PROXY_ERRORS[type], failure, facts.status);
  }
  if (receivedStatus !== null) member += `; received-status=${receivedStatus}`;
  if (facts.nextHop !== null && diagnostics === "full") {
    member += `; next-hop=${tokenOrString(facts.nextHop)}`;
    // RFC 9209 §2.1.3: a token where it can be one.
    if (receivedStatus !== null) member += "; next-protocol=http/1.1";
  }
  const details = detailsOf(facts, diagnostics);
  return details === "" ? member : `${member}; details=${quoted(details)}`;
}

function detailsOf(facts: ProxyStatusFacts, diagnostics: Diagnostics): string {
  const { failure, attempts, stopReason } = facts;
  const parts: string[] = [];
  if (failure !== null) parts.push(`code=${failure.code}`, `blame=${FAILURES[failure.code].blame}`);
  parts.push(`attempts=${attempts}`);
  if (stopReason !== null) parts.push(`stopped=${stopReason}`);
  if (diagnostics === "full" && failure !== null) {
    if (failure.target !== undefined) parts.push(`target=${failure.target}`);
    if (failure.details !== undefined) parts.push(failure.details);
  }
  return parts.join(" ");
}

/** Parameters that the RFC defines for this one error type, where we know their value. */
function extraParameters(row: ProxyErrorRow, failure: Failure, status: number): string {
  let text = "status-code" in row.parameters ? `; status-code=${status}` : "";
  const [, name, size] = /^([a-z-]+)=(\d{1,15})$/.exec(failure.details ?? "") ?? [];
  if (name !== undefined && row.parameters[name] === "integer") text += `; ${name}=${size}`;
  return text;
}

// RFC 8941 §3.3.4.
const TOKEN = /^[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*$/;

function tokenOrString(text: string): string {
  return TOKEN.test(text) ? text : quoted(text);
}

// RFC 8941 §3.3.3: a String holds printable ASCII only.
function quoted(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&")}"`;
}
