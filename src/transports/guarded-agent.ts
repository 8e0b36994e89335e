/**
 * The agent for requests that leave all upstreams, such as those of redirects to other origins: as
 * a plain fetch would send them, but to no forbidden address.
 */
import { Agent, buildConnector } from "undici";
import type { AddressGuard } from "../targets/address-guard.js";

/** Null guards nothing. */
export function guardedAgent(guard: AddressGuard | null): Agent {
  if (guard === null) return new Agent();
  const connect = buildConnector({ lookup: guard.lookup });
  return new Agent({
    connect(options, callback) {
      try {
        // An address is not looked up, so nothing would look at it.
        guard.checkHost(options.hostname.replace(/^\[|\]$/g, ""));
      } catch (error) {
        callback(error as Error, null);
        return;
      }
      connect(options, callback);
    },
  });
}
