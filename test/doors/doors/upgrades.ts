/**
 * Upgrades: the listener of `nodeProxy`, alone and beside the frameworks, and that of
 * http-proxy-middleware.
 */
import { PROXY_SERVERS } from "../../adapters/servers.js";
import type { Door, Place } from "../door.js";
import { openFramework } from "../tools/open-framework.js";
import { openHpm } from "../tools/open-hpm.js";
import { upgrading } from "../tools/upgrading.js";

const beside = (name: string, framework: string): Door => ({
  name: `upgrades, ${name}`,
  kind: "upgrade",
  engine: "own",
  bodies: "wire",
  ...(name === "nodeProxy" ? { first: true } : {}),
  repeats: true,
  open: (place: Place) => openFramework(PROXY_SERVERS[framework], place, upgrading),
});

const through = (major: 3 | 4): Door => ({
  name: `upgrades, http-proxy-middleware ${major}`,
  kind: "upgrade",
  engine: "http-proxy-middleware",
  bodies: "wire",
  ...(major === 3 ? { first: true } : {}),
  repeats: false,
  open: (place: Place) => openHpm(major, place, upgrading),
});

export const UPGRADES: readonly Door[] = [
  beside("nodeProxy", "node:http"),
  beside("Express 5", "Express 5"),
  beside("Fastify", "Fastify 5"),
  through(3),
  through(4),
];
