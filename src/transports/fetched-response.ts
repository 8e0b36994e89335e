/**
 * The Response of a fetch function, as the pipe carries it.
 *
 * Over our own connections its end is that of the request that brought it, and its fields are those
 * that came; otherwise all that is known is what the Response says.
 */
import type { FailureCode } from "../catalog/failures.js";
import type { FieldsByName } from "../core/fields.js";
import { type EndListener, tellEnd, type UpstreamResponse } from "../core/outcome.js";
import type { FetchHops } from "./fetch-dispatcher.js";
import type { FetchHop } from "./fetch-hop.js";

/** A Response, and when nobody can read from it any more. */
export interface FetchAnswer {
  readonly response: Response;
  onBodyOver(listener: () => void): void;
}

export class FetchedResponse implements UpstreamResponse<FetchAnswer>, FetchAnswer {
  readonly response: Response;
  readonly status: number;
  readonly #received: readonly string[] | null;
  readonly #hops: FetchHops;
  /** What its body comes through; null for one that we do not see. */
  readonly #hop: FetchHop | null;

  constructor(response: Response, received: readonly string[] | null, hops: FetchHops) {
    this.response = response;
    this.status = response.status;
    this.#received = received;
    this.#hops = hops;
    this.#hop = hops.areOurs ? hops.last : null;
  }

  get body(): FetchAnswer {
    return this;
  }

  get statusText(): string {
    return this.response.statusText;
  }

  get rawHeaders(): readonly string[] {
    return this.#received ?? [...this.response.headers].flat();
  }

  get headers(): Readonly<FieldsByName> {
    return Object.fromEntries(this.response.headers);
  }

  get finished(): Promise<FailureCode | null> {
    return new Promise((resolve) => this.onFinished(resolve));
  }

  onFinished(listener: EndListener): void {
    if (this.#hop === null) tellEnd(listener, null);
    else this.#hop.onOver(listener);
  }

  onBodyOver(listener: () => void): void {
    if (this.#hop !== null) this.#hop.onOver(() => listener());
    else if (this.#hops.elsewhere) this.#hops.onElsewhereOver(listener);
    else whenUnreachable(this.response, listener);
  }

  async discard(): Promise<void> {
    if (this.#hop === null) await this.response.body?.cancel().catch(ignore);
    else this.#hop.discard();
  }
}

const unreachable = new FinalizationRegistry<() => void>((listener) => listener());

function whenUnreachable(response: Response, listener: () => void): void {
  if (response.body === null) listener();
  else unreachable.register(response.body, listener);
}

function ignore(): void {}
