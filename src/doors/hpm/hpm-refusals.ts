/**
 * What an upstream may have that cannot be kept behind http-proxy-middleware: said when the
 * middleware is made, with what to use instead.
 */
import { stepsOf } from "../../core/fallback-rules.js";
import type { UpstreamCore } from "../../gateway/upstream.js";

/** What needs a second request, which the engine cannot make of one that it has read. */
export function refuseOthers({ name, options }: UpstreamCore): void {
  if (options.upstreamFor !== false) {
    throw new TypeError(
      `upstreams.${name}.upstreamFor: http-proxy-middleware chooses by its own router, which may ` +
        "give upstreams of the gateway; use that, or expressProxy",
    );
  }
  if (options.cache !== false) {
    throw new TypeError(
      `upstreams.${name}.cache: answers cannot be kept behind http-proxy-middleware, whose hooks ` +
        "change them; leave it out, or use expressProxy",
    );
  }
  const rules = [options.fallback, ...options.routes.map(({ overrides }) => overrides?.fallback)];
  const leadsOn = rules.some((one) => stepsOf(one ?? false).some(({ upstream }) => upstream));
  if (!leadsOn) return;
  throw new TypeError(
    `upstreams.${name}.fallback: another upstream cannot be asked behind http-proxy-middleware, ` +
      "which sends a request as it comes in, and only once; use an answer, or expressProxy",
  );
}
