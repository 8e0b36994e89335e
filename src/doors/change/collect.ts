/**
 * A body of an answer, collected up to a limit: for a transformation that needs all of it.
 *
 * Guarantee: no more than the limit is kept, and what goes beyond it ends the exchange.
 */
import { NamedError } from "../../core/named-error.js";
import type { ResponseBody } from "../../core/response-body.js";

/** Rejects with a `NamedError` when it breaks, or is larger than it may be. */
export function collect(body: ResponseBody, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    body.pipeTo({
      data(chunk) {
        bytes += chunk.byteLength;
        if (bytes <= bytesMax) parts.push(chunk);
        else {
          parts.length = 0;
          const error = new NamedError("http_response_body_size", `limit=${bytesMax}`);
          reject(error);
          body.refuse(error);
        }
        return true;
      },
      end: () => resolve(Buffer.concat(parts)),
      broken: (code) => reject(new NamedError(code, body.brokenDetails)),
    });
  });
}
