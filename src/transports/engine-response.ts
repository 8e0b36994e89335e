/**
 * An upstream's answer as the pipe carries it, over an exchange that is still receiving. Most calls
 * ask for nothing but status and raw fields, so the rest is made when first asked for.
 */
import type { FailureCode } from "../catalog/failures.js";
import { type FieldsByName, fieldsByName } from "../core/fields.js";
import type { EndListener, UpstreamResponse } from "../core/outcome.js";
import type { ResponseHead } from "./response-head.js";

/** What a response needs from the exchange that receives it. */
export interface Receiving {
  onFinished(listener: EndListener): void;
  discard(): void;
}

export class EngineResponse<Body> implements UpstreamResponse<Body> {
  readonly status: number;
  readonly statusText: string;
  readonly rawHeaders: readonly string[];
  readonly body: Body;
  private readonly receiving: Receiving;
  private named: FieldsByName | null = null;
  private ended: Promise<FailureCode | null> | null = null;

  constructor(head: ResponseHead, body: Body, receiving: Receiving) {
    this.status = head.status;
    this.statusText = head.statusText;
    this.rawHeaders = head.rawHeaders;
    this.body = body;
    this.receiving = receiving;
  }

  get headers(): Readonly<FieldsByName> {
    this.named ??= fieldsByName(this.rawHeaders);
    return this.named;
  }

  get finished(): Promise<FailureCode | null> {
    this.ended ??= new Promise((resolve) => this.receiving.onFinished(resolve));
    return this.ended;
  }

  onFinished(listener: EndListener): void {
    this.receiving.onFinished(listener);
  }

  // What is left is read in the background; no caller waits for it.
  discard(): Promise<void> {
    this.receiving.discard();
    return Promise.resolve();
  }
}
