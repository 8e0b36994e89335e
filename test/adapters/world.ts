/**
 * What one case of the table runs in: a scripted upstream, a gateway, and a proxy in front of it.
 * Everything is closed afterwards, and the upstream must have been used as its script says.
 */
import {
  createGateway,
  type Gateway,
  type ProxyOptions,
  type StatusPolicy,
  type UpstreamOptions,
} from "good-gateway";
import {
  refusingPort,
  type Script,
  type ScriptedUpstream,
  scriptedUpstream,
} from "good-gateway/testing";
import type { ProxyServer, RunningServer } from "./servers.js";

export interface World {
  readonly port: number;
  readonly server: RunningServer["server"];
  readonly gateway: Gateway<"app">;
  readonly upstream: ScriptedUpstream;
}

export interface WorldOptions {
  /** One script for each connection; null for an upstream that refuses. */
  readonly scripts: readonly Script[] | null;
  readonly settings?: Omit<UpstreamOptions, "targets">;
  readonly statusPolicy?: StatusPolicy;
  readonly options?: ProxyOptions;
}

/** Runs in a world of its own; `retry` is off unless the settings say otherwise. */
export async function inWorld(
  serve: ProxyServer,
  { scripts, settings, statusPolicy, options }: WorldOptions,
  run: (world: World) => Promise<void>,
): Promise<void> {
  const upstream = await scriptedUpstream(scripts ?? []);
  const target = scripts === null ? `http://127.0.0.1:${await refusingPort()}` : upstream.origin;
  const gateway = createGateway({
    name: "edge",
    ...(statusPolicy === undefined ? {} : { statusPolicy }),
    upstreams: { app: { targets: target, retry: false, ...settings } },
  });
  const server = await serve(gateway.upstream("app"), options ?? {});
  try {
    await run({ port: server.port, server: server.server, gateway, upstream });
    await server.close();
    gateway.close();
    await upstream.verify();
  } finally {
    await Promise.all([server.close().catch(() => {}), upstream.close()]);
    gateway.close();
  }
}

/** A promise that the test opens when it is time. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
