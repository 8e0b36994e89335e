/**
 * `prepareServer`: makes a server fit for what stands in front of it, before its first request.
 *
 * The adapters do the same with the first request that they see; this is for servers that should be
 * right from the start, and for those that proxy nothing.
 */

import { type Gateway, gatewayCore } from "../../gateway/gateway-handle.js";
import type { PreparableServer, PreparedServer } from "./behind-preparing.js";
import { prepareServerOf } from "./behind-server.js";

export type { PreparableServer, PreparedServer } from "./behind-preparing.js";

/** Sets the times of a server as `behind` asks for, and watches it for what makes a 502. */
export function prepareServer(server: PreparableServer, gateway: Gateway): PreparedServer {
  return prepareServerOf(gatewayCore(gateway), server);
}
