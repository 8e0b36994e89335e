/**
 * `continueOnDemand`: `100 Continue` when the body is wanted, for servers of Express, Fastify and
 * any other listener of `request`.
 *
 * Node sends it as soon as a head with `Expect: 100-continue` has arrived, before any code has seen
 * it. Here it is sent at the first read of the body, and by a proxy when its upstream sends it.
 * Guarantee: no listener is replaced; each reader of the body gets it.
 */
import type { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { holdContinue } from "../wire/held-continue.js";

/** Servers of `node:http`, `node:https` and `node:http2`. */
export type ContinueServer = Pick<EventEmitter, "on" | "off" | "emit">;

/** Takes the place of a `checkContinue` listener; returns how to stop. */
export function continueOnDemand(server: ContinueServer): () => void {
  const listener = (req: IncomingMessage, res: ServerResponse): void => {
    holdContinue(req, res);
    server.emit("request", req, res);
  };
  server.on("checkContinue", listener);
  return () => void server.off("checkContinue", listener);
}
