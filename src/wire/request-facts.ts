/**
 * What is known of a request that a server received, whatever kind of server that is.
 *
 * It has the shape that Node gives it, so that an `IncomingMessage` is one as it stands and a door
 * of another kind makes one.
 */
import type { IncomingHttpHeaders } from "node:http";

export interface RequestFacts {
  readonly method?: string | undefined;
  /** Path and query, or another form of request target, as the client wrote it. */
  readonly url?: string | undefined;
  readonly httpVersion: string;
  readonly httpVersionMajor: number;
  /** Node's parser takes what follows the head for another protocol. */
  readonly upgrade?: boolean | undefined;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingHttpHeaders;
  /** The connection of the client; without an address it is said to be "unknown". */
  readonly socket: {
    readonly remoteAddress?: string | undefined;
    readonly encrypted?: boolean | undefined;
  };
}

/** Whether a request came over HTTP/2: one of HTTP/1.1 may say it, too, and has no stream. */
export function isHttp2(req: Pick<RequestFacts, "httpVersionMajor">): boolean {
  return req.httpVersionMajor === 2 && "stream" in req;
}
