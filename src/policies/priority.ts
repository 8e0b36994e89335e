/**
 * Asks the user's rule how much a call matters.
 *
 * Place: above everything that refuses because there is too much to do. Guarantee: who calls from
 * code and says a priority keeps it; a field is believed only where its name was given, and what is
 * none of the four names says nothing, but for the field of RFC 9218.
 */
import {
  isPriority,
  PRIORITIES,
  PRIORITY_UNLESS_GIVEN,
  type Priority,
  readPriority,
} from "../catalog/priorities.js";
import type { AdmittedCall, RankedCall } from "../core/call.js";
import type { Policy } from "../core/pipe.js";
import type { GatewayRequest } from "../core/request.js";
import { priorityOfField } from "./urgency.js";

/** A request as the rule sees it. */
export interface PriorityRequest {
  readonly method: string;
  /** Path and query, as they are sent. */
  readonly path: string;
  /** Value of a field, whatever the case of its name; null when there is none. */
  header(name: string): string | null;
}

export type PriorityRule =
  | { readonly header: string }
  | ((request: PriorityRequest) => Priority | null | undefined);

export function priorityOf(rule: PriorityRule): Policy<AdmittedCall, RankedCall> {
  const ask = typeof rule === "function" ? rule : byHeader(rule.header);
  return {
    role: "priority",
    settings: typeof rule === "function" ? { by: "function" } : { ...rule },
    run(call, next) {
      if (call.overrides?.priority === undefined) call.priority = given(ask(viewOf(call.request)));
      return next(call as unknown as RankedCall);
    },
  };
}

function byHeader(name: string): (request: PriorityRequest) => Priority | null {
  const isOfRfc = name.toLowerCase() === "priority";
  return ({ header }) => {
    const value = header(name);
    if (value === null) return null;
    return readPriority(value) ?? (isOfRfc ? priorityOfField(value) : null);
  };
}

function given(answer: unknown): Priority {
  if (answer === undefined || answer === null) return PRIORITY_UNLESS_GIVEN;
  if (isPriority(answer)) return answer;
  const names = PRIORITIES.join(", ");
  throw new TypeError(`priority: the function gave ${String(answer)}; it may give ${names}`);
}

function viewOf({ method, path, headers }: GatewayRequest): PriorityRequest {
  return {
    method,
    path,
    header(name) {
      const wanted = name.toLowerCase();
      for (let index = 0; index < headers.length; index += 2) {
        if ((headers[index] as string).toLowerCase() === wanted)
          return headers[index + 1] as string;
      }
      return null;
    },
  };
}
