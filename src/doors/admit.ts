/**
 * Asks the user's hooks before a request becomes a call: `admit`, whether it may pass, and
 * `overrides`, what is set for it over the options of its upstream.
 *
 * Guarantee: one decision for each request; a hook that throws lets nothing in, and is answered as
 * our side's fault; so is a value that cannot be used, which is named.
 */
import type { IncomingMessage } from "node:http";
import { HOP_BY_HOP } from "../catalog/field-names.js";
import type { CallOverrides } from "../core/call.js";
import type { Failure } from "../core/failure.js";
import { isRecord, shown } from "../options/findings.js";
import {
  type Admission,
  type ProxyCallOptions,
  REFUSALS,
  type Refusal,
} from "../options/proxy-options.js";
import { readProxyCall } from "../options/read-overrides.js";
import { isPromise, swallow } from "../wire/hook-result.js";
import type { RequestFacts } from "../wire/request-facts.js";
import type { AskedTarget, ReadTarget } from "../wire/request-target.js";

/** A request that was refused before it became a call. */
export interface Refused {
  readonly failure: Failure;
  readonly id: string;
}

/** Asks the user whether a request may pass. */
export type Admit<Received = IncomingMessage> = (
  req: Received,
  target: AskedTarget,
) => Admission | Promise<Admission>;

/** What holds for one request, over the options of the upstream. */
export type AskOverrides<Received = IncomingMessage> = (
  req: Received,
  target: AskedTarget,
) => ProxyCallOptions | null | undefined;

/** The hooks that are asked before a request is a call. */
export interface EntryHooks<Received> {
  readonly admit?: Admit<Received> | undefined;
  readonly overrides?: AskOverrides<Received> | undefined;
}

/**
 * A request that may pass, with what is set for it and the fields for its answer, names and values
 * in turn; or why it is refused.
 */
export type EntryCallback = (
  refused: Refused | null,
  overrides: CallOverrides | null,
  fields: readonly string[] | null,
) => void;

/**
 * Calls back at once where the hooks answer at once. A target that cannot be sent is refused when
 * the request is read, and the hooks are not asked about it.
 */
export function askToEnter<Received extends Pick<RequestFacts, "socket">>(
  hooks: EntryHooks<Received>,
  req: Received,
  target: ReadTarget,
  newId: () => string,
  enter: EntryCallback,
): void {
  const isAsked = hooks.admit !== undefined || hooks.overrides !== undefined;
  if (isAsked && !("failure" in target)) ask(hooks, req, target, newId, enter);
  else enter(null, null, null);
}

// By itself, since a function that makes others pays for a scope in each call.
function ask<Received extends Pick<RequestFacts, "socket">>(
  { admit, overrides }: EntryHooks<Received>,
  req: Received,
  { path, sentPath }: AskedTarget,
  newId: () => string,
  enter: EntryCallback,
): void {
  const asked = { path, sentPath, address: req.socket.remoteAddress };
  const refuse = (failure: Failure): void => enter({ failure, id: newId() }, null, null);
  const broke = (cause: unknown): void => refuse({ code: "proxy_internal_error", cause });
  const conclude = (admission: unknown): void => {
    const read = readAdmission(admission);
    if ("code" in read) refuse(read);
    else askOverrides(overrides, req, asked, refuse, (given) => enter(null, given, read.fields));
  };
  let admission: unknown;
  try {
    admission = admit?.(req, asked);
  } catch (cause) {
    broke(cause);
    return;
  }
  if (isPromise(admission)) admission.then(conclude, broke);
  else conclude(admission);
}

const A_PROMISE = {
  overrides: null,
  problem: "overrides: a promise is not waited for; find out in admit, which may be async",
};

function askOverrides<Received>(
  hook: AskOverrides<Received> | undefined,
  req: Received,
  target: AskedTarget,
  refuse: (failure: Failure) => void,
  take: (overrides: CallOverrides | null) => void,
): void {
  let given: CallOverrides | null;
  try {
    const value: unknown = hook?.(req, target);
    swallow(value);
    const read = isPromise(value) ? A_PROMISE : readProxyCall(value);
    if (read.problem !== null) {
      refuse({ code: "proxy_configuration_error", details: read.problem });
      return;
    }
    given = read.overrides;
  } catch (cause) {
    refuse({ code: "proxy_internal_error", cause });
    return;
  }
  take(given);
}

const PASSES: { readonly fields: readonly string[] | null } = { fields: null };

/** What is neither a refusal, nor fields, nor nothing lets nothing pass. */
function readAdmission(admission: unknown): Failure | typeof PASSES {
  if (admission === undefined || admission === null) return PASSES;
  const { refuse, retryAfterMs, headers } = Object(admission) as Partial<Refusal>;
  if (refuse === undefined && isRecord(headers)) return fieldsOf(headers);
  const code = REFUSALS.find((known) => known === refuse);
  if (code === undefined) {
    const details = `admit returned neither nothing nor one of ${REFUSALS.join(", ")} as refuse`;
    return { code: "proxy_configuration_error", details };
  }
  const known = typeof retryAfterMs === "number" && retryAfterMs >= 0;
  const failure = known ? { code, retryAfterMs } : { code };
  if (headers === undefined) return failure;
  const read = fieldsOf(headers);
  return "code" in read ? read : { ...failure, ...read };
}

/** Fields of an answer, or why there can be no such answer. */
function fieldsOf(headers: object): Failure | { readonly fields: readonly string[] } {
  const fields = Object.entries(Object(headers) as object).flat() as readonly unknown[];
  const wrong = fields.find((text, index) => !isUsable(text, index % 2 === 0));
  if (wrong === undefined) return { fields: fields as readonly string[] };
  const details = `admit returned headers with ${shown(wrong)}, which no answer of ours can have`;
  return { code: "proxy_configuration_error", details };
}

/** RFC 9110 §5.1 and §5.5: a token, and visible characters with spaces between. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/;

/** Fields of every answer that the gateway makes. */
const OURS: ReadonlySet<string> = new Set([
  ...["content-type", "content-length", "cache-control", "x-content-type-options"],
  ...["x-request-id", "proxy-status", "server-timing", "retry-after", "date", "trailer"],
]);

function isUsable(text: unknown, isName: boolean): boolean {
  if (typeof text !== "string" || !(isName ? TOKEN : VALUE).test(text)) return false;
  const name = text.toLowerCase();
  return !isName || (!OURS.has(name) && !HOP_BY_HOP.has(name));
}
