/**
 * Takes a response over from Fastify, to write the raw response. Streams, and answers that must not
 * be changed, bypass the reply.
 */
import type { FastifyReply } from "fastify";

/** From here on the response is ours; fields that hooks have set on the reply are sent. */
export function takeOver(reply: FastifyReply): void {
  if (reply.sent) return;
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  reply.hijack();
}
