/**
 * A Response that is here, as a dispatcher would give it: head, body at the pace of its reader, and
 * one end.
 */
import type { Dispatch } from "./dispatch-run.js";

interface Handler {
  onRequestStart(controller: object): void;
  onResponseStart(controller: object, status: number, fields: object, text: string): void;
  onResponseData(controller: object, chunk: Buffer): void;
  onResponseEnd(controller: object, trailers: object): void;
  onResponseError(controller: object, error: unknown): void;
}

/** A dispatch function that answers with it, once. */
export function dispatchOf(response: Response): Dispatch {
  return (_options, handler) => {
    const flow = new Flow();
    const to = handler as Handler;
    to.onRequestStart(flow);
    const { status, statusText } = response;
    to.onResponseStart(flow, status, fieldsOf(response), statusText);
    flow.run(response, to).catch((error: unknown) => to.onResponseError(flow, error));
    return true;
  };
}

/** A fetch has decoded the body, and says of it what was so before. */
function fieldsOf({ headers }: Response): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = Object.fromEntries(headers);
  if (fields["content-encoding"] !== undefined) {
    delete fields["content-encoding"];
    delete fields["content-length"];
  }
  const cookies = headers.getSetCookie();
  return cookies.length === 0 ? fields : { ...fields, "set-cookie": cookies };
}

/** What undici calls the controller of an exchange. */
class Flow {
  #aborted: { readonly reason: unknown } | null = null;
  #paused = false;
  #goOn = (): void => {};

  abort(reason: unknown): void {
    this.#aborted = { reason };
    this.#goOn();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#goOn();
  }

  async run(response: Response, to: Handler): Promise<void> {
    const reader = response.body?.getReader();
    while (reader !== undefined) {
      if (this.#paused) await new Promise<void>((resolve) => this.#wait(resolve));
      if (this.#aborted !== null) {
        void reader.cancel().catch(() => {});
        throw this.#aborted.reason;
      }
      const { done, value } = await reader.read();
      if (done) break;
      to.onResponseData(this, Buffer.from(value));
    }
    to.onResponseEnd(this, {});
  }

  #wait(resolve: () => void): void {
    this.#goOn = resolve;
  }
}
