/**
 * A server of a framework, with the listeners that its users take from `nodeProxy`.
 */
import { nodeProxy, type ProxyOptions } from "good-gateway/node";
import type { ProxyServer } from "../../adapters/servers.js";
import type { Asked, OpenDoor, Place } from "../door.js";
import { openServer } from "./http1-client.js";

export async function openFramework(
  serve: ProxyServer | undefined,
  { gateway, proxy }: Place,
  change?: (asked: Asked) => Asked,
): Promise<OpenDoor> {
  if (serve === undefined) throw new Error("there is no such framework");
  const upstream = gateway.upstream("app");
  const running = await serve(upstream, proxy);
  const { prefix: _, ...shared } = proxy as ProxyOptions & { readonly prefix?: string };
  const { checkContinue, clientError, upgrade } = nodeProxy(upstream, shared);
  running.server.removeAllListeners("clientError");
  running.server.on("checkContinue", checkContinue).on("clientError", clientError);
  running.server.on("upgrade", upgrade);
  return openServer(running, change);
}
