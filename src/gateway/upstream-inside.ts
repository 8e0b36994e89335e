/**
 * The inside of an upstream handle, for the adapters and for what serves them: the upstream, and
 * the gateway that it belongs to.
 */
import type { GatewayCore } from "./core.js";
import type { UpstreamCore } from "./upstream.js";

export interface UpstreamInside {
  readonly gateway: GatewayCore;
  readonly core: UpstreamCore;
}
