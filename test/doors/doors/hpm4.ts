/**
 * `throughGateway` on http-proxy-middleware 4.
 */
import type { Door } from "../door.js";
import { openHpm } from "../tools/open-hpm.js";

export const HPM4: Door = {
  name: "throughGateway, http-proxy-middleware 4",
  kind: "proxy",
  engine: "http-proxy-middleware",
  bodies: "wire",
  repeats: false,
  open: (place) => openHpm(4, place),
};
