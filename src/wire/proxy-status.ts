/**
 * The `Proxy-Status` field, RFC 9209: what this hop has to say about an answer.
 *
 * Redacted by default (RFC 9209 §4): names, blame and counts, no address. `full` is for callers
 * that are trusted and adds who was asked.
 */
import { FAILURES } from "../catalog/failures.js";
import {
  PROXY_ERRORS,
  type ProxyErrorParameterKind,
  type ProxyErrorRow,
} from "../catalog/rows/proxy-errors.js";
import type { Detour, StopReason } from "../core/call.js";
import { blameOf, type Failure, factsOf } from "../core/failure.js";

/** How much an answer says: nothing, names and counts, or addresses too. */
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
  /** Who has answered in the place of the upstream; null if nothing has. */
  readonly detour?: Detour | null;
  /** The target under the name it has inside this gateway, never its address. */
  readonly nextHop: string | null;
  /** What was spoken to it, as ALPN names it. @default "http/1.1" */
  readonly nextProtocol?: string;
}

/** One member of the field's list. */
export function proxyStatus(facts: ProxyStatusFacts, diagnostics: Diagnostics): string {
  const { failure, receivedStatus } = facts;
  let member = written(facts.name);
  const type = failure === null ? null : FAILURES[failure.code].proxyError;
  if (type !== null && failure !== null) {
    member += `; error=${type}`;
    member += extraParameters(PROXY_ERRORS[type], failure, facts.status);
  }
  if (receivedStatus !== null) member += `; received-status=${receivedStatus}`;
  if (facts.nextHop !== null && diagnostics === "full") {
    member += `; next-hop=${tokenOrString(facts.nextHop)}`;
    // RFC 9209 §2.1.3: a token where it can be one.
    const { nextProtocol = "http/1.1" } = facts;
    if (receivedStatus !== null) member += `; next-protocol=${nextProtocol}`;
  }
  const named = namesAndCounts(facts);
  const inside = diagnostics === "full" && failure !== null ? insideOf(failure) : "";
  // Our own names and numbers need no quoting.
  return `${member}; details=${inside === "" ? `"${named}"` : quoted(named + inside)}`;
}

function namesAndCounts({
  failure,
  attempts,
  stopReason,
  detour = null,
}: ProxyStatusFacts): string {
  const stopped = (stopReason === null ? "" : ` stopped=${stopReason}`) + detourText(detour);
  if (failure === null) return `attempts=${attempts}${stopped}`;
  const { code, route } = failure;
  // The client knows what it asked for; its pattern, and the target, are for trusted callers.
  const scope = route === undefined ? "" : "scope=route ";
  return `code=${code} blame=${blameOf(failure)} ${scope}attempts=${attempts}${stopped}`;
}

/** What another upstream or the application stood in for; the names of upstreams stay inside. */
function detourText(detour: Detour | null): string {
  if (detour === null) return "";
  const { kind, code } = detour;
  return ` ${kind === "answer" ? "fallback" : kind}${code === null ? "" : ` after=${code}`}`;
}

function insideOf(failure: Failure): string {
  const at = failure.target === undefined ? "" : ` target=${failure.target}`;
  const facts = factsOf(failure);
  return facts === null ? at : `${at} ${facts}`;
}

/** Parameters that the RFC defines for this one error type, where we know their value. */
function extraParameters(row: ProxyErrorRow, failure: Failure, status: number): string {
  let text = "status-code" in row.parameters ? `; status-code=${status}` : "";
  if (failure.details === undefined) return text;
  for (const pair of failure.details.split(" ")) {
    const [, name = "", value = ""] = PAIR.exec(pair) ?? [];
    const kind = Object.hasOwn(row.parameters, name) ? row.parameters[name] : undefined;
    if (kind !== undefined) text += parameter(name, value, kind);
  }
  return text;
}

const PAIR = /^([a-z-]+)=([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64})$/;

function parameter(name: string, value: string, kind: ProxyErrorParameterKind): string {
  if (kind === "string") return `; ${name}=${quoted(value)}`;
  if (kind === "token_or_string") return `; ${name}=${tokenOrString(value)}`;
  const fits = kind === "integer" ? /^\d{1,15}$/ : TOKEN;
  return fits.test(value) ? `; ${name}=${value}` : "";
}

// RFC 8941 §3.3.4.
const TOKEN = /^[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*$/;

export function tokenOrString(text: string): string {
  return TOKEN.test(text) ? text : quoted(text);
}

/** A process has one name, as a rule, and writes it with each answer. */
let latestName = { name: "", written: '""' };

function written(name: string): string {
  if (name !== latestName.name) latestName = { name, written: tokenOrString(name) };
  return latestName.written;
}

// RFC 8941 §3.3.3: a String holds printable ASCII only.
function quoted(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&")}"`;
}
