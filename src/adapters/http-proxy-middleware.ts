/**
 * `throughGateway` for http-proxy-middleware 3 and 4: takes its options and returns options for
 * `createProxyMiddleware` that use the gateway.
 *
 * The types are structural, so that both versions fit and the one that is installed is used.
 */
import { createThroughGateway } from "../doors/hpm/hpm.js";
import type { ThroughGateway, ThroughGatewayOptions } from "../doors/hpm/hpm-options.js";
import type { Upstream } from "../gateway/upstream-handle.js";

export type { ThroughGateway, ThroughGatewayOptions } from "../doors/hpm/hpm-options.js";
export type { FailureContext } from "../options/proxy-options.js";

/**
 * Options for `createProxyMiddleware` that send every request through the gateway. A `router` may
 * return the handle of another upstream, or an address, which selects the upstream that has it.
 */
export function throughGateway<Options extends object>(
  upstream: Upstream,
  hpmOptions: Options = {} as Options,
  options: ThroughGatewayOptions = {},
): Options & ThroughGateway {
  return createThroughGateway(upstream, hpmOptions, options);
}
