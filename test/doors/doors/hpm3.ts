/**
 * `throughGateway` on http-proxy-middleware 3.
 */
import type { Door } from "../door.js";
import { openHpm } from "../tools/open-hpm.js";

export const HPM3: Door = {
  name: "throughGateway, http-proxy-middleware 3",
  kind: "proxy",
  engine: "http-proxy-middleware",
  bodies: "wire",
  first: true,
  repeats: false,
  open: (place) => openHpm(3, place),
};
