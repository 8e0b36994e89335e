/**
 * Copies of calls for another upstream: sent and forgotten.
 *
 * Guarantee: the call itself neither waits for a copy nor fails with it; copies are bounded, are in
 * no record and no metric of calls, go through the pipe of the other upstream alone, and so lead to
 * no further copy. What of a body was not kept is not copied.
 */
import type { ReadMirror } from "../catalog/options/mirror.js";
import type { Call } from "../core/call.js";
import type { Outcome } from "../core/outcome.js";
import { whenOver } from "../core/outcome.js";
import { type Holder, Pending } from "../core/pending.js";
import { ReplayBody } from "../core/replay-body.js";
import type { GatewayCore } from "./core.js";
import type { UpstreamCore } from "./upstream.js";

export class Mirror {
  readonly #options: ReadMirror;
  readonly #gateway: Pick<GatewayCore, "random" | "lifecycle">;
  readonly #underWay = new Set<Call>();

  constructor(
    options: ReadMirror,
    gateway: Pick<GatewayCore, "random" | "lifecycle" | "events" | "onClose">,
  ) {
    this.#options = options;
    this.#gateway = gateway;
    // A drain waits for calls, and for no copy.
    const off = gateway.events.on("lifecycle:change", ({ to }) => {
      if (to !== "draining" && to !== "closed") return;
      for (const { cancellation } of [...this.#underWay]) cancellation.cut("shutdown");
    });
    gateway.onClose(off);
  }

  get to(): string {
    return this.#options.to;
  }

  /** Whether this call is copied. */
  takes({ request: { method, upgrade } }: Call): boolean {
    const { methods, share } = this.#options;
    if (upgrade !== null || !methods.includes(method)) return false;
    const { random, lifecycle } = this.#gateway;
    if (lifecycle.state !== "running") return false;
    return share === 1 || random.next() < share;
  }

  /** Sends a copy: at once, or where there is a body when that is here as a whole. */
  copy<Body>(call: Call, coming: Promise<Outcome<Body>>, other: UpstreamCore): void {
    if (call.request.body === null) this.#send(call, null, other);
    else
      Pending.of(coming).inform(WITH_BODY, {
        call,
        other,
        send: (body) => this.#send(call, body, other),
      });
  }

  #send({ request, id }: Call, body: Buffer | null, other: UpstreamCore): void {
    if (this.#underWay.size >= this.#options.concurrencyMax) return;
    const copied = {
      method: request.method,
      path: request.path,
      headers: request.headers,
      ...(request.bare === undefined ? {} : { bare: request.bare }),
      body: body === null ? null : ReplayBody.fromBuffer(body),
      contentLength: body === null ? null : body.byteLength,
      emptiness: request.emptiness ?? null,
      replayable: false,
      upgrade: null,
      onInformation: null,
    };
    const call = other.newCall(copied, id, ONCE, null);
    this.#underWay.add(call);
    other.executeAlone(call).inform(FORGOTTEN, () => this.#underWay.delete(call));
  }
}

const ONCE = { retry: false, hedge: false } as const;

interface Waiting {
  readonly call: Call;
  readonly other: UpstreamCore;
  readonly send: (body: Buffer) => void;
}

const WITH_BODY: Holder<Waiting> = {
  known({ call, send }) {
    const bytes = call.request.body?.wholeCopy() ?? null;
    if (bytes !== null) send(bytes);
    return null;
  },
  over: null,
};

const FORGOTTEN: Holder<() => unknown> = {
  known(over, outcome) {
    whenOver(outcome, over);
    // The rest is read and thrown away, within bounds: a broken connection is no sign of a shadow.
    if (outcome.kind !== "no_response") void outcome.response.discard();
    return null;
  },
  over: null,
};
