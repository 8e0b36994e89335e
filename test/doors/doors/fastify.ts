/**
 * `fastifyProxy` in an application of Fastify 5.
 */
import { PROXY_SERVERS } from "../../adapters/servers.js";
import type { Door } from "../door.js";
import { openFramework } from "../tools/open-framework.js";

export const FASTIFY: Door = {
  name: "fastifyProxy",
  kind: "proxy",
  engine: "own",
  bodies: "wire",
  repeats: true,
  open: (place) => openFramework(PROXY_SERVERS["Fastify 5"], place),
};
