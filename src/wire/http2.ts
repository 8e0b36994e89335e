/**
 * What is different where a client speaks HTTP/2: Node gives its requests and answers the shape of
 * HTTP/1.1, and what that shape cannot say is asked of the stream.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2ServerResponse, type ServerHttp2Stream } from "node:http2";
import { isHttp2, type RequestFacts } from "./request-facts.js";
import { isAuthority } from "./request-target.js";

/** What is known of an answer on its way, in the shape that Node gives it. */
export interface AnswerFacts {
  readonly req: Pick<RequestFacts, "httpVersionMajor">;
  readonly headersSent: boolean;
  readonly statusCode: number;
  /** All of it was taken. */
  readonly writableFinished: boolean;
  once(event: "close", listener: () => void): unknown;
}

export { isHttp2 };

/** The stream of an answer, null for HTTP/1.1. */
export function streamOf(res: Pick<AnswerFacts, "req">): ServerHttp2Stream | null {
  if (!isHttp2(res.req)) return null;
  return (res as unknown as Http2ServerResponse).stream;
}

/** Whether all of the answer has left, without a cut. */
export function sentWhole(res: AnswerFacts): boolean {
  const stream = streamOf(res);
  if (stream === null) {
    // Node says "finished" of what a socket had not sent when it was destroyed, too.
    const { socket } = res.req as Partial<IncomingMessage>;
    return res.writableFinished && (socket?.destroyed !== true || socket.writableFinished);
  }
  // A stream that was reset counts as written to its end; only its code shows it.
  const { writableEnded } = res as ServerResponse;
  return writableEnded && stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.aborted;
}

/** RFC 9113 §8.1: an answer that cannot be finished is reset, and so never taken for whole. */
export function resetStream(stream: ServerHttp2Stream): void {
  stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

/** RFC 9113 §8.1: after a whole answer the client learns that the rest of its body is not read. */
export function stopUpload(stream: ServerHttp2Stream): void {
  stream.close(constants.NGHTTP2_NO_ERROR);
}

/**
 * RFC 9113 §8.3.1: `:authority` is HTTP/1.1's Host. Null when there are two that differ, or one
 * that could not stand in Host.
 */
export function authorityOf(req: RequestFacts): string | undefined | null {
  const { host } = req.headers;
  if (!isHttp2(req)) return host;
  const authority = req.headers[":authority"] as string | undefined;
  if (authority === undefined) return host;
  if (!isAuthority(authority)) return null;
  const same = host === undefined || authority.toLowerCase() === host.toLowerCase();
  return same ? authority : null;
}

// RFC 9113 §8.2.3: a client may send each of its cookies alone; HTTP/1.1 wants one field.
export function joinCookies(fields: string[]): void {
  let first = -1;
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] !== "cookie") continue;
    if (first === -1) first = index;
    else {
      fields[first + 1] = `${fields[first + 1]}; ${fields[index + 1]}`;
      fields.splice(index, 2);
      index -= 2;
    }
  }
}

/** Whether no body follows the head of a request, which in HTTP/2 its stream says. */
export function endsWithHead(req: object): boolean {
  const { stream } = req as { readonly stream?: { readonly endAfterHeaders?: boolean } };
  return stream?.endAfterHeaders !== false;
}
