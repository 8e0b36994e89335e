/**
 * `webProxy`: a handler from `Request` to `Response` for frameworks that use the fetch standard:
 * Next.js, Hono, h3 and Nitro, SvelteKit, Remix, Astro, and servers of Deno and Bun.
 *
 * It makes no decisions: `gateway/` decides what is sent and answered.
 */

import type { WebProxyOptions } from "../doors/web/web-options.js";
import { createWebProxy, type WebHandler } from "../doors/web/web-proxy.js";
import type { Upstream } from "../gateway/upstream-handle.js";

export type {
  WebClientFacts,
  WebFailureContext,
  WebProxyOptions,
} from "../doors/web/web-options.js";
export type { WebHandler } from "../doors/web/web-proxy.js";

/**
 * Proxies every Request to the upstream, with the path and query of its URL. The promise never
 * rejects: every failure is a Response.
 */
export function webProxy<Rest extends readonly unknown[] = readonly unknown[]>(
  upstream: Upstream,
  options: WebProxyOptions<Rest> = {},
): WebHandler<Rest> {
  return createWebProxy(upstream, options);
}
