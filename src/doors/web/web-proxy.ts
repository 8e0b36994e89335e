/**
 * A proxied call for handlers of the fetch standard: Request in, pipe, Response out.
 *
 * Guarantee: every Request gets one Response, and the promise of it never rejects; a client that
 * leaves, by the signal of its Request or by cancelling the body, ends the upstream call; what a
 * hook of the user throws is answered as our own fault.
 */
import { AsyncResource } from "node:async_hooks";
import type { Readable } from "node:stream";
import { onAbort } from "../../base/abort.js";
import type { Clock, Timer } from "../../base/clock.js";
import { LIMITS } from "../../catalog/defaults.js";
import type { Call, CallOverrides } from "../../core/call.js";
import type { Failure } from "../../core/failure.js";
import { type Outcome, whenOver } from "../../core/outcome.js";
import type { ReplayBody } from "../../core/replay-body.js";
import type { ResponseBody } from "../../core/response-body.js";
import { ServedScope, tellOfRefusal } from "../../gateway/call-scope.js";
import { type Upstream, upstreamInside } from "../../gateway/upstream-handle.js";
import type { UpstreamInside } from "../../gateway/upstream-inside.js";
import { checkWebProxyOptions } from "../../options/check-proxy-options.js";
import { checkHost } from "../../server/server-checks.js";
import { lastHopAnswer } from "../../wire/last-hop.js";
import { type PassedAnswer, withExtra } from "../../wire/passed-answer.js";
import {
  type AcceptedRequest,
  type ReadRequest,
  type ReadRequestOptions,
  readRequest,
} from "../../wire/read-request.js";
import type { ReceivedBody } from "../../wire/received-body.js";
import { type ReadTarget, type RewritePath, readTarget } from "../../wire/request-target.js";
import type { SyntheticAnswer } from "../../wire/synthetic-answer.js";
import { passedResponse, syntheticResponse } from "../../wire/web-response.js";
import { askToEnter, type EntryHooks, type Refused } from "../admit.js";
import { AnswerValues } from "../answer-values.js";
import { AnswerChanges } from "../change/change-answer.js";
import { type FailureHook, summaryOf, tellHook } from "../failure-hook.js";
import { readingFor } from "../proxy.js";
import { bodyOf, factsOf, tunnelAsked, WebClient, type WebFacts } from "./web-facts.js";
import type { WebFailureContext, WebProxyOptions } from "./web-options.js";

/** A handler of Requests; what else it is called with goes to the option `client`. */
export type WebHandler<Rest extends readonly unknown[]> = (
  request: Request,
  ...rest: Rest
) => Promise<Response>;

interface WebProxy extends UpstreamInside {
  readonly reading: ReadRequestOptions<WebFacts>;
  readonly rewritePath: RewritePath<WebFacts> | null;
  readonly hooks: EntryHooks<WebFacts>;
  readonly values: AnswerValues<WebFacts>;
  readonly onFailure: FailureHook<WebFailureContext, unknown> | undefined;
  readonly changes: AnswerChanges<WebFacts, Request> | null;
}

export function createWebProxy<Rest extends readonly unknown[]>(
  upstream: Upstream,
  options: WebProxyOptions<Rest>,
): WebHandler<Rest> {
  checkWebProxyOptions(options);
  const inside = upstreamInside(upstream);
  const proxy = proxyOf(inside, options);
  checkHost(inside, proxy.reading.host);
  return (request, ...rest) =>
    new Promise((resolve) => {
      let facts = factsOf(request, undefined);
      let broken: Failure | null = null;
      try {
        facts = factsOf(request, options.client?.(request, ...rest));
      } catch (cause) {
        broken = { code: "proxy_internal_error", cause };
      }
      new Serving(proxy, facts, resolve).begin(broken);
    });
}

/** Hooks of the user get the Request. */
function proxyOf<Rest extends readonly unknown[]>(
  inside: UpstreamInside,
  options: WebProxyOptions<Rest>,
): WebProxy {
  const { rewritePath, requestHeaders: change, diagnostics = "code" } = options;
  const hooks = hooksOf(options);
  const requestHeaders =
    typeof change === "function"
      ? (headers: Parameters<typeof change>[0], { request }: WebFacts) => change(headers, request)
      : change;
  return {
    ...inside,
    reading: readingFor<WebFacts>(inside, {
      ...options,
      requestHeaders,
      overrides: hooks.overrides,
    }),
    rewritePath:
      rewritePath === undefined ? null : (path, { request }) => rewritePath(path, request),
    hooks,
    values: new AnswerValues<WebFacts>(
      inside,
      typeof diagnostics === "function" ? ({ request }) => diagnostics(request) : diagnostics,
    ),
    onFailure: options.onFailure,
    changes: AnswerChanges.of<WebFacts, Request>(inside, options, ({ request }) => request),
  };
}

function hooksOf<Rest extends readonly unknown[]>({
  admit,
  overrides,
}: WebProxyOptions<Rest>): EntryHooks<WebFacts> {
  return {
    admit: admit && (({ request }, target) => admit(request, target)),
    overrides: overrides && (({ request }, target) => overrides(request, target)),
  };
}

const NO_FIELDS: readonly string[] = [];

/** One Request on its way to its Response. */
class Serving {
  readonly #proxy: WebProxy;
  readonly #facts: WebFacts;
  readonly #resolve: (response: Response) => void;
  readonly #client = new WebClient();
  /** For the answer, names and values in turn. */
  #fields: readonly string[] = NO_FIELDS;

  constructor(proxy: WebProxy, facts: WebFacts, resolve: (response: Response) => void) {
    this.#proxy = proxy;
    this.#facts = facts;
    this.#resolve = resolve;
  }

  begin(broken: Failure | null): void {
    const { reading, rewritePath } = this.#proxy;
    const failure = broken ?? upgradeFailure(this.#facts.request);
    if (failure !== null) {
      this.#refuse({ failure, id: reading.newId() });
      return;
    }
    const target = readTarget(this.#facts, this.#facts.url ?? "", rewritePath);
    if (target instanceof Promise) void target.then((read) => this.#enter(read));
    else this.#enter(target);
  }

  #enter(target: ReadTarget): void {
    const { reading, hooks } = this.#proxy;
    askToEnter(hooks, this.#facts, target, reading.newId, (refused, overrides, fields) => {
      this.#fields = fields ?? NO_FIELDS;
      if (refused !== null) this.#refuse(refused);
      else this.#send(target, overrides);
    });
  }

  #send(target: ReadTarget, overrides: CallOverrides | null): void {
    const body = bodyOf(this.#facts.request);
    const read = this.#read(target, body);
    if ("answer" in read) this.#give(lastHopAnswer(this.#facts, read.answer));
    else if ("failure" in read) this.#refuse(read);
    else this.#call(read, overrides, body.stream ?? null);
  }

  #read(target: ReadTarget, body: ReceivedBody): ReadRequest {
    const { reading } = this.#proxy;
    try {
      // A Response has no interim answers.
      return readRequest(this.#facts, target, reading, null, body);
    } catch (cause) {
      return { failure: { code: "proxy_internal_error", cause }, id: reading.newId() };
    }
  }

  #refuse({ failure, id }: Refused): void {
    const { gateway, core } = this.#proxy;
    const refused = { req: this.#facts, res: this.#client, id, failure };
    tellOfRefusal(gateway, core.name, "proxy", refused);
    this.#fail(null, id, failure);
  }

  #call(accepted: AcceptedRequest, overrides: CallOverrides | null, upload: Readable | null): void {
    const proxy = this.#proxy;
    const { gateway, core } = proxy;
    const client = this.#client;
    const scope = new ServedScope(proxy, "proxy", accepted, overrides, this.#facts, client);
    const { call } = scope;
    const unlink = onAbort(this.#facts.request.signal, () => scope.leave());
    this.#client.once("close", () => {
      unlink();
      scope.clientOver();
    });
    const answered = (outcome: Outcome<ResponseBody>): void => {
      this.#answer(call, outcome);
      whenOver(outcome, () => {
        if (upload !== null) drain(gateway.clock, upload, call.request.body);
        scope.over();
      });
    };
    core.execute(call).subscribe(proxy.changes === null ? answered : AsyncResource.bind(answered));
  }

  #answer(call: Call, outcome: Outcome<ResponseBody>): void {
    if (outcome.kind === "no_response") {
      this.#fail(call, call.id, outcome.failure);
      return;
    }
    const { response } = outcome;
    const failure = outcome.kind === "error_response" ? outcome.failure : null;
    const own = failure === null ? null : this.#notify(call, call.id, failure, response.status);
    if (own !== null) {
      void response.discard();
      this.#giveOwn(call, own);
      return;
    }
    call.answeredBy = "upstream";
    const { changes, values } = this.#proxy;
    const asked = { req: this.#facts, call, requestId: call.id };
    if (changes === null) {
      this.#pass(call, values.ofResponse(asked, response, failure));
      return;
    }
    void changes.change({ ...asked, response, failure }).then((changed) => {
      if ("failure" in changed) {
        void response.discard();
        this.#fail(call, call.id, changed.failure);
        return;
      }
      this.#pass(call, withExtra(changed, values.extraFields(asked, response.status, failure)));
    });
  }

  #pass(call: Call, answer: PassedAnswer): void {
    const { clock } = this.#proxy.gateway;
    passedResponse(answer, {
      clock,
      answered: (given) => {
        this.#client.answered(given.status);
        if (given.body !== null) unread.register(given.body, this.#client);
        this.#resolve(this.#withFields(given));
      },
      brokenUnsent: (instead) => this.#fail(call, call.id, instead),
      over: (whole) => this.#client.close(whole),
    });
  }

  #fail(call: Call | null, requestId: string, failure: Failure): void {
    const own = this.#notify(call, requestId, failure);
    if (own !== null) {
      this.#giveOwn(call, own);
      return;
    }
    const answer = this.#proxy.values.ofFailure({ req: this.#facts, call, requestId }, failure);
    if (call !== null) {
      call.answeredBy = "gateway";
      if (this.#facts.method !== "HEAD") call.ownBytes = answer.bytes;
    }
    this.#give(answer);
  }

  /** The Response that the user's hook gives in the place of ours; null for none. */
  #notify(
    call: Call | null,
    requestId: string,
    failure: Failure,
    received?: number,
  ): Response | null {
    const { onFailure, gateway } = this.#proxy;
    if (onFailure === undefined) return null;
    const attempts = call?.attempts.length ?? 0;
    const { request } = this.#facts;
    const summary = summaryOf(failure, gateway.statusPolicy, received);
    const given = tellHook(onFailure, failure, { request, attempts, requestId, ...summary });
    return given instanceof Response ? given : null;
  }

  #give(answer: SyntheticAnswer): void {
    this.#end(this.#withFields(syntheticResponse(this.#facts.method, answer)));
  }

  #withFields(response: Response): Response {
    const fields = this.#fields;
    for (let index = 0; index < fields.length; index += 2) {
      const name = fields[index] as string;
      if (!response.headers.has(name)) response.headers.set(name, fields[index + 1] as string);
    }
    return response;
  }

  #giveOwn(call: Call | null, response: Response): void {
    if (call !== null) call.answeredBy = "application";
    this.#end(response);
  }

  /** All of the answer is here. */
  #end(response: Response): void {
    this.#client.answered(response.status);
    this.#resolve(response);
    this.#client.close(!this.#facts.request.signal.aborted);
  }
}

/** A Response that is not read is given up once it is collected. */
const unread = new FinalizationRegistry<WebClient>((client) => client.close(false));

function upgradeFailure(request: Request): Failure | null {
  const protocol = tunnelAsked(request);
  if (protocol === null) return null;
  const details =
    `an upgrade to ${protocol} came to webProxy, which has no connection to switch: ` +
    'give it to the upgrade listener of nodeProxy, server.on("upgrade", proxy.upgrade)';
  return { code: "proxy_configuration_error", details };
}

/**
 * What is left of an upload after an early answer is read and thrown away, bounded in bytes and
 * time: to cancel it at once may end the connection before the answer is out (RFC 9112 §9.6).
 */
function drain(clock: Pick<Clock, "after">, upload: Readable, body: ReplayBody | null): void {
  if (body === null || body.complete || upload.readableEnded || upload.destroyed) return;
  body.release();
  const timer: Timer = clock.after(LIMITS.lingerMs, () => upload.destroy());
  timer.unref();
  let left = LIMITS.lingerBytesMax;
  upload.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) upload.destroy();
  });
  upload.once("close", () => timer.cancel());
}
