/**
 * `expressProxy` in an application of Express 5.
 */
import { PROXY_SERVERS } from "../../adapters/servers.js";
import type { Door } from "../door.js";
import { openFramework } from "../tools/open-framework.js";

export const EXPRESS5: Door = {
  name: "expressProxy, Express 5",
  kind: "proxy",
  engine: "own",
  bodies: "wire",
  repeats: true,
  open: (place) => openFramework(PROXY_SERVERS["Express 5"], place),
};
