/**
 * Takes a response out of Fastify's hands, to be written on the raw response. What streams, and
 * what nothing may change on its way, goes past the reply.
 */
import type { FastifyReply } from "fastify";

/** From here on the response is ours; what hooks have set on the reply goes with it. */
export function takeOver(reply: FastifyReply): void {
  if (reply.sent) return;
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  reply.hijack();
}
