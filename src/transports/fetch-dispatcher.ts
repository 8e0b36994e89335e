/**
 * The dispatcher that a fetch function is given: what it asks for is sent over the connections of
 * an upstream.
 */
import { FetchDelivery } from "./fetch-delivery.js";
import { fetchHandler } from "./fetch-handler.js";

const BRAND = Symbol.for("good-gateway.fetchDispatcher");

/** Whether a fetch function was called by a gateway, of this or any other copy of the package. */
export function isFetchDispatcher(value: unknown): boolean {
  return typeof value === "object" && value !== null && BRAND in value;
}

/** What a fetch function asks its dispatcher to send. */
export interface FetchDispatch {
  readonly origin?: string | URL;
  readonly path: string;
  readonly method: string;
  readonly headers?: unknown;
  readonly body?: unknown;
}

/** The part of undici's dispatchers that a fetch function uses, the same in all versions. */
export class FetchDispatcher {
  readonly [BRAND] = true;
  readonly #send: (asked: FetchDispatch, handler: object) => void;

  constructor(send: (asked: FetchDispatch, handler: object) => void) {
    this.#send = send;
  }

  dispatch(asked: FetchDispatch, handler: object): boolean {
    this.#send(asked, handler);
    return true;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  destroy(): Promise<void> {
    return Promise.resolve();
  }
}

/** Nothing is sent for this handler; it is given the error. */
export function refuseDispatch(handler: object, error: unknown): void {
  const delivery = new FetchDelivery(fetchHandler(handler), () => {});
  delivery.start();
  delivery.error(error);
}
