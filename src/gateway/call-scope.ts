/**
 * The scope of a call, for every door: begins it, links it to what may end it, and tells of its end
 * once, when all that belongs to it is over.
 *
 * A call of the application has one side, the body of its answer. A call that a server took has
 * two: that body and the client. Guarantee: each call is told of once; nothing of a call stays
 * linked to a signal or a context when it is over.
 */
import { onAbort } from "../base/abort.js";
import type { Call, CallOverrides } from "../core/call.js";
import type { Ending } from "../core/outcome.js";
import type { GatewayRequest } from "../core/request.js";
import { joinContext } from "../core/request-context.js";
import { type AnswerFacts, sentWhole } from "../wire/http2.js";
import type { AcceptedRequest } from "../wire/read-request.js";
import type { RequestFacts } from "../wire/request-facts.js";
import { ownCallOver, sideOver, tunnelOver } from "./call-end.js";
import type { CallKind } from "./call-record.js";
import type { UpstreamInside } from "./upstream-inside.js";

/** What may end a call of the application before its time. */
export interface OwnCallEnds {
  readonly signal?: AbortSignal | undefined;
  /** Called with the signal's reason before the call is cut. */
  readonly onAbort?: (reason: unknown) => void;
}

/** A call of the application itself: a fetch, a `send`, a dispatch. */
export class OwnScope implements Ending {
  readonly call: Call;
  readonly #inside: UpstreamInside;
  readonly #kind: CallKind;
  readonly #unlinkContext: () => void;
  readonly #unlinkSignal: () => void;
  #isOver = false;

  constructor(
    inside: UpstreamInside,
    kind: CallKind,
    request: GatewayRequest,
    overrides: CallOverrides | null,
    { signal, onAbort: aborted }: OwnCallEnds = {},
  ) {
    const { gateway, core } = inside;
    this.#inside = inside;
    this.#kind = kind;
    this.call = core.newCall(request, gateway.newRequestId(), overrides, null);
    this.#unlinkContext = joinContext(this.call);
    this.#unlinkSignal = onAbort(signal, (reason) => {
      aborted?.(reason);
      this.call.cancellation.cut("client");
    });
  }

  /** The body of its answer is over, or there is none. */
  over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#unlinkSignal();
    this.#unlinkContext();
    const { gateway, core } = this.#inside;
    ownCallOver(gateway, core.name, this.#kind, this.call);
  }
}

/** A call that a server took for a client. */
export class ServedScope implements Ending {
  readonly call: Call;
  private readonly inside: UpstreamInside;
  private readonly kind: CallKind;
  private readonly req: RequestFacts;
  private readonly res: AnswerFacts;

  constructor(
    inside: UpstreamInside,
    kind: CallKind,
    { request, id, caller }: AcceptedRequest,
    overrides: CallOverrides | null,
    req: RequestFacts,
    res: AnswerFacts,
  ) {
    this.inside = inside;
    this.kind = kind;
    this.req = req;
    this.res = res;
    this.call = inside.core.newCall(request, id, overrides, caller);
  }

  /** The client has its answer, or has left. */
  clientOver(): void {
    if (!sentWhole(this.res)) this.leave();
    this.over();
  }

  /** The client has left before there was an answer. */
  leave(): void {
    this.call.cancellation.cut("client");
  }

  /** One side is over; the second one to be over tells of the call. */
  over(): void {
    const { gateway, core } = this.inside;
    sideOver(gateway, core.name, this.kind, this.call, this.req, this.res);
  }

  /** What it was upgraded to is over, on both sides at once. */
  tunnelOver(): void {
    const { gateway, core } = this.inside;
    tunnelOver(gateway, core.name, this.call, this.req);
  }
}
