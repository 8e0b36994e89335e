/**
 * `webProxy` behind a small server of `node:http` that serves handlers of Requests.
 */
import { webServer } from "../../adapters/web-bridge.js";
import type { Door } from "../door.js";
import { openServer } from "../tools/http1-client.js";

export const WEB: Door = {
  name: "webProxy",
  kind: "proxy",
  engine: "own",
  bodies: "wire",
  requests: true,
  repeats: true,
  open: async ({ gateway, proxy }) => openServer(await webServer(gateway.upstream("app"), proxy)),
};
