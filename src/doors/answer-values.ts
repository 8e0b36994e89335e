/**
 * What a request is answered with, as values: an answer of ours with everything that it may reveal,
 * and what we add to an upstream's. Nothing is written here, so every door gives the same answers.
 */
import { statusOf } from "../catalog/status-policy.js";
import type { Call } from "../core/call.js";
import { answeringCall, attemptsFor } from "../core/detour.js";
import type { Failure } from "../core/failure.js";
import type { UpstreamResponse } from "../core/outcome.js";
import type { ResponseBody } from "../core/response-body.js";
import { spokenProtocol } from "../core/spoken-protocol.js";
import type { UpstreamInside } from "../gateway/upstream-inside.js";
import type { Stickiness } from "../targets/balance/sticky.js";
import { type ExtraFields, type PassedAnswer, passedAnswer } from "../wire/passed-answer.js";
import { type Diagnostics, proxyStatus } from "../wire/proxy-status.js";
import type { RequestFacts } from "../wire/request-facts.js";
import { serverTiming } from "../wire/server-timing.js";
import { failureAnswer, type SyntheticAnswer } from "../wire/synthetic-answer.js";
import { ownMarks, receivedMarks } from "./mark-answer.js";

/** One request on its way to an answer. */
export interface RequestInFlight<Received extends RequestFacts> {
  readonly req: Received;
  /** Null when it was refused before it became a call. */
  readonly call: Call | null;
  readonly requestId: string;
}

type AskedCall<Received extends RequestFacts> = RequestInFlight<Received> & { readonly call: Call };

/** How much answers reveal, or a function that decides for each request. */
export type DiagnosticsOption<Received> = Diagnostics | ((req: Received) => Diagnostics);

export class AnswerValues<Received extends RequestFacts> {
  readonly #inside: UpstreamInside;
  readonly #diagnosticsOf: (req: Received) => Diagnostics;

  constructor(inside: UpstreamInside, diagnostics: DiagnosticsOption<Received>) {
    this.#inside = inside;
    this.#diagnosticsOf = diagnosticsFor(diagnostics);
  }

  /** The answer to a failure. */
  ofFailure(
    { req, call, requestId }: RequestInFlight<Received>,
    failure: Failure,
  ): SyntheticAnswer {
    const { gateway, core } = this.#inside;
    const diagnostics = this.#diagnosticsOf(req);
    const status = statusOf(failure.code, gateway.statusPolicy);
    const attempts = call === null ? 0 : attemptsFor(call);
    const marks = ownMarks(core.options.layers, req.headers, call, failure, status);
    const fields =
      diagnostics === "none"
        ? marks
        : [...this.#diagnosticFields(call, failure, status, null, diagnostics), ...marks];
    const { accept } = req.headers;
    return failureAnswer(accept, { failure, status, requestId, attempts, diagnostics, fields });
  }

  /** An upstream's answer as it is passed on. */
  ofResponse(
    asked: AskedCall<Received>,
    response: UpstreamResponse<ResponseBody>,
    failure: Failure | null,
  ): PassedAnswer {
    const extra = this.extraFields(asked, response.status, failure);
    return passedAnswer(asked.req, response, extra, this.#inside.core.options.trustProxyStatus);
  }

  /** What goes with an upstream's answer; nothing for a plain success, which speaks for itself. */
  extraFields(
    { req, call, requestId }: AskedCall<Received>,
    status: number,
    failure: Failure | null,
  ): ExtraFields {
    const { core } = this.#inside;
    const diagnostics = this.#diagnosticsOf(req);
    const { detour } = call;
    const isFirst = detour === null || detour.kind === "routed";
    const isPlain = isFirst ? attemptsFor(call) === 1 : detour.kind === "cached";
    const plain = failure === null && isPlain;
    const marks =
      failure === null ? NO_FIELDS : receivedMarks(core.options.layers, req.headers, call);
    const { sticky } = core.targets.balancing;
    const cookie =
      detour !== null
        ? setCookie(detour.cookie ?? null)
        : sticky === null
          ? NO_FIELDS
          : cookieFor(sticky, call);
    if (diagnostics === "none" || (plain && diagnostics !== "full")) {
      return cookie === NO_FIELDS ? marks : [...marks, ...cookie];
    }
    const received = detour !== null && detour.call === null ? null : status;
    const fields = this.#diagnosticFields(call, failure, status, received, diagnostics);
    return [...fields, "x-request-id", requestId, ...marks, ...cookie];
  }

  #diagnosticFields(
    call: Call | null,
    failure: Failure | null,
    status: number,
    receivedStatus: number | null,
    diagnostics: Diagnostics,
  ): ExtraFields {
    const { gateway } = this.#inside;
    const member = proxyStatus(
      {
        name: gateway.name,
        failure,
        status,
        receivedStatus,
        attempts: call === null ? 0 : attemptsFor(call),
        stopReason: call?.stopReason ?? null,
        detour: call?.detour ?? null,
        ...(call === null || diagnostics !== "full"
          ? { nextHop: null }
          : { nextHop: this.#aliasOf(call), nextProtocol: spokenProtocol(answeringCall(call)) }),
      },
      diagnostics,
    );
    if (call === null) return ["proxy-status", member];
    const timing = serverTiming(call.attempts, gateway.clock.now() - call.startedAt);
    return ["proxy-status", member, "server-timing", timing];
  }

  /** The target under a name that reveals nothing: `orders/2` is the second target of `orders`. */
  #aliasOf(call: Call): string | null {
    const { core } = this.#inside;
    if (call.detour !== null) return call.detour.upstream;
    const last = call.attempts.at(-1)?.target;
    if (last === undefined || last === null) return null;
    return `${core.name}/${core.targets.targets.findIndex(({ id }) => id === last) + 1}`;
  }
}

const NO_FIELDS: ExtraFields = [];

/** The cookie that leads the client back to the target that has answered. */
function cookieFor(sticky: Stickiness, { request, attempts }: Call): ExtraFields {
  const target = attempts.at(-1)?.target ?? null;
  return target === null ? NO_FIELDS : setCookie(sticky.setCookie(request, target));
}

function setCookie(cookie: string | null): ExtraFields {
  return cookie === null ? NO_FIELDS : ["set-cookie", cookie];
}

/** How much this client gets to know; a function of the user decides for each request. */
export function diagnosticsFor<Received>(
  diagnostics: DiagnosticsOption<Received>,
): (req: Received) => Diagnostics {
  if (typeof diagnostics !== "function") return () => diagnostics;
  return (req) => {
    try {
      return diagnostics(req);
    } catch {
      // Whether a caller is trusted is unknown; then it is not.
      return "code";
    }
  };
}
