/**
 * `nodeProxy` on a server of `node:http`, with all of its listeners.
 */
import { nodeProxy } from "good-gateway/node";
import { listening } from "../../adapters/servers.js";
import type { Door } from "../door.js";
import { openServer } from "../tools/http1-client.js";

export const NODE: Door = {
  name: "nodeProxy",
  kind: "proxy",
  engine: "own",
  bodies: "wire",
  first: true,
  repeats: true,
  async open({ gateway, proxy }) {
    const listener = nodeProxy(gateway.upstream("app"), proxy);
    const running = await listening(listener);
    running.server
      .on("checkContinue", listener.checkContinue)
      .on("upgrade", listener.upgrade)
      .on("clientError", listener.clientError);
    return openServer(running);
  },
};
