/**
 * Requests that Node's own parser refuses: malformed, with a head that is too large, or too slow.
 *
 * Node answers them with a bare status. For the server's `clientError` event this gives them their
 * name, the same fields and the same body as every other failure.
 */
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { CLIENT_CODE_MEANINGS } from "../catalog/error-codes.js";
import { statusOf } from "../catalog/status-policy.js";
import { type Upstream, upstreamInside } from "../gateway/upstream-handle.js";
import type { ProxyOptions } from "../options/proxy-options.js";
import { proxyStatus } from "../wire/proxy-status.js";
import { failureAnswer, type TextAnswer } from "../wire/synthetic-answer.js";

/** For the `clientError` event of a server. */
export type ClientErrorHandler = (error: Error, socket: Duplex) => void;

/** The answer under way on a socket, as Node's server keeps it. */
type Serving = Duplex & { readonly _httpMessage?: { readonly headersSent: boolean } | null };

export function createClientErrorHandler(
  upstream: Upstream,
  options: ProxyOptions,
): ClientErrorHandler {
  const { gateway } = upstreamInside(upstream);
  // There is no request to ask a function about, so it gets the answer for strangers.
  const diagnostics = typeof options.diagnostics === "string" ? options.diagnostics : "code";
  return (error, socket) => {
    const code = CLIENT_CODE_MEANINGS[(error as { code?: string }).code ?? ""] ?? "bad_request";
    const begun = (socket as Serving)._httpMessage?.headersSent === true;
    if (code === "client_closed_request" || begun || !socket.writable) {
      socket.destroy();
      return;
    }
    const status = statusOf(code, gateway.statusPolicy);
    const facts = { name: gateway.name, failure: { code }, status, receivedStatus: null };
    const none = { attempts: 0, stopReason: null, nextHop: null };
    const member = proxyStatus({ ...facts, ...none }, diagnostics);
    const fields = diagnostics === "none" ? [] : ["proxy-status", member];
    const requestId = gateway.newRequestId();
    const answer = { failure: { code }, status, requestId, attempts: 0, diagnostics, fields };
    socket.end(rawMessage(failureAnswer(undefined, answer)));
  };
}

function rawMessage({ status, reason, fields, body }: TextAnswer): Buffer {
  let head = `HTTP/1.1 ${status} ${reason ?? STATUS_CODES[status] ?? "Error"}\r\n`;
  for (let index = 0; index < fields.length; index += 2) {
    head += `${fields[index]}: ${fields[index + 1]}\r\n`;
  }
  head += "connection: close\r\n\r\n";
  return Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(body)]);
}
