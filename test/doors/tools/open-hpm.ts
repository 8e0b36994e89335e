/**
 * `throughGateway` in a server of http-proxy-middleware, of the version that is given.
 */
import express from "express";
import type { ProxyOptions } from "good-gateway";
import { throughGateway } from "good-gateway/http-proxy-middleware";
import { HPM_VERSIONS } from "../../adapters/hpm-versions.js";
import { listening } from "../../adapters/servers.js";
import type { Asked, OpenDoor, Place } from "../door.js";
import { openServer } from "./http1-client.js";

export async function openHpm(
  major: 3 | 4,
  { gateway, proxy, hpm }: Place,
  change?: (asked: Asked) => Asked,
): Promise<OpenDoor> {
  const [, { createProxyMiddleware }] = HPM_VERSIONS[major - 3] as (typeof HPM_VERSIONS)[number];
  const [theirs, ours] = inTheirWords(proxy);
  const options = throughGateway(gateway.upstream("app"), { ...theirs, ...hpm }, ours);
  const middleware = createProxyMiddleware(options);
  const opened = await listening(express().use(middleware as never));
  opened.server.on("upgrade", middleware.upgrade);
  return openServer(opened, change);
}

/** What http-proxy-middleware has options of its own for. */
function inTheirWords(proxy: ProxyOptions): readonly [theirs: object, ours: object] {
  const { rewritePath, requestHeaders, host, answerOnlyIfCached: _, ...ours } = proxy;
  const theirs = {
    ...(rewritePath === undefined ? {} : { pathRewrite: rewritePath }),
    ...(requestHeaders === undefined ? {} : { headers: requestHeaders }),
    ...(host === "target" ? { changeOrigin: true } : {}),
  };
  return [theirs, ours];
}
