/**
 * `nodeProxy` on a server of `node:http2`.
 */
import { nodeProxy } from "good-gateway/node";
import { HTTP2_SERVERS } from "../../adapters/http2-servers.js";
import type { ProxyServer } from "../../adapters/servers.js";
import type { Door } from "../door.js";
import { openHttp2 } from "../tools/http2-asking.js";

export const NODE_HTTP2: Door = {
  name: "nodeProxy over HTTP/2",
  kind: "proxy",
  engine: "own",
  bodies: "wire",
  http2: true,
  repeats: true,
  async open({ gateway, proxy }) {
    const serve = HTTP2_SERVERS["node:http2"] as ProxyServer;
    const running = await serve(gateway.upstream("app"), proxy);
    running.server.on("checkContinue", nodeProxy(gateway.upstream("app"), proxy).checkContinue);
    return openHttp2(running);
  },
};
