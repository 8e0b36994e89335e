/**
 * Answers that end at this hop by rule: OPTIONS and TRACE whose `Max-Forwards` has run out (RFC
 * 9110 §7.6.2), and `OPTIONS *`, which asks about the gateway itself (RFC 9110 §9.3.7).
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestFacts } from "./request-facts.js";
import type { SyntheticAnswer } from "./synthetic-answer.js";
import { writeSynthetic } from "./write-response.js";

export function answerLastHop(
  req: IncomingMessage,
  res: ServerResponse,
  kind: "options" | "trace",
): void {
  req.resume();
  writeSynthetic(req.method, res, lastHopAnswer(req, kind));
}

/** The same as a value. */
export function lastHopAnswer(req: RequestFacts, kind: "options" | "trace"): SyntheticAnswer {
  const body = Buffer.from(kind === "trace" ? echo(req) : "", "latin1");
  const bytes = body.byteLength;
  const fields = kind === "trace" ? ["content-type", "message/http"] : [];
  fields.push("content-length", String(bytes));
  return { status: 200, reason: undefined, fields, body, bytes };
}

// RFC 9110 §9.3.8: what came, without what could be stolen by making a client send it.
function echo(req: RequestFacts): string {
  let text = `${req.method} ${req.url} HTTP/${req.httpVersion}\r\n`;
  for (let index = 0; index < req.rawHeaders.length; index += 2) {
    const name = req.rawHeaders[index] as string;
    // Pseudo-fields are the request line of HTTP/2.
    if (name.startsWith(":") || SECRET.has(name.toLowerCase())) continue;
    text += `${name}: ${req.rawHeaders[index + 1]}\r\n`;
  }
  return `${text}\r\n`;
}

const SECRET: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "x-api-key",
]);
