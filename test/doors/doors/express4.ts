/**
 * `expressProxy` in an application of Express 4.
 */
import { PROXY_SERVERS } from "../../adapters/servers.js";
import type { Door } from "../door.js";
import { openFramework } from "../tools/open-framework.js";

export const EXPRESS4: Door = {
  name: "expressProxy, Express 4",
  kind: "proxy",
  engine: "own",
  bodies: "wire",
  repeats: true,
  open: (place) => openFramework(PROXY_SERVERS["Express 4"], place),
};
