/**
 * `continueOnDemand`: `100 Continue` when the body is wanted, for servers of Express, Fastify and
 * any other listener of `request`.
 *
 * Node says it as soon as a head with `Expect: 100-continue` has come, before anybody has looked at
 * it. Here it is said when somebody reads the body first, and by a proxy when its upstream says so.
 * Guarantee: no listener is replaced; whoever reads the body gets it.
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
