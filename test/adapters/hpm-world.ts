/**
 * Express with http-proxy-middleware through a gateway, in front of a scripted upstream.
 */
import express from "express";
import { type CallRecord, createGateway, type Gateway, type UpstreamOptions } from "good-gateway";
import { type ThroughGatewayOptions, throughGateway } from "good-gateway/http-proxy-middleware";
import { type Script, type ScriptedUpstream, scriptedUpstream } from "good-gateway/testing";
import type { Hpm } from "./hpm-versions.js";
import { type Answer, exchange, get } from "./raw-client.js";
import { listening, type RunningServer } from "./servers.js";

export interface World {
  readonly port: number;
  readonly gateway: Gateway<"app">;
  readonly upstream: ScriptedUpstream;
  readonly server: RunningServer["server"];
  /** Resolves with the record of the next call that ends. */
  nextRecord(): Promise<CallRecord>;
  ask(target: string, fields?: Readonly<Record<string, string>>): Promise<Answer>;
}

export interface Setup {
  readonly scripts?: readonly Script[];
  readonly targets?: UpstreamOptions["targets"];
  readonly settings?: Omit<UpstreamOptions, "targets">;
  readonly hpm?: object;
  readonly options?: ThroughGatewayOptions;
  readonly use?: (app: ReturnType<typeof express>) => void;
}

/** Runs with a server in front of a scripted upstream, and sees that both are left clean. */
export async function inHpmWorld(
  { createProxyMiddleware }: Hpm,
  setup: Setup,
  run: (world: World) => Promise<void>,
): Promise<void> {
  const upstream = await scriptedUpstream(setup.scripts ?? []);
  const targets = setup.targets ?? upstream.origin;
  const gateway = createGateway({
    name: "edge",
    upstreams: { app: { targets, ...setup.settings } },
  });
  const app = express();
  setup.use?.(app);
  const options = throughGateway(gateway.upstream("app"), setup.hpm ?? {}, setup.options);
  const proxy = createProxyMiddleware(options);
  app.use(proxy as never);
  const running = await listening(app);
  running.server.on("upgrade", proxy.upgrade);
  const world: World = {
    port: running.port,
    gateway,
    upstream,
    server: running.server,
    nextRecord: () => new Promise((resolve) => gateway.once("call:end", resolve)),
    ask: (target, fields) => exchange(running.port, get(target, fields)),
  };
  try {
    await run(world);
    await running.close();
    gateway.close();
  } finally {
    await Promise.all([running.close().catch(() => {}), upstream.close()]);
    gateway.close();
  }
}
