/**
 * The columns of the table of promises.
 */
import type { Door } from "./door.js";
import { EXPRESS4 } from "./doors/express4.js";
import { EXPRESS5 } from "./doors/express5.js";
import { FASTIFY } from "./doors/fastify.js";
import { FETCH, FETCH_FOREIGN, FETCH_UNDICI } from "./doors/fetches.js";
import { HPM3 } from "./doors/hpm3.js";
import { HPM4 } from "./doors/hpm4.js";
import { INTERCEPTORS } from "./doors/interceptors.js";
import { NODE } from "./doors/node.js";
import { NODE_HTTP2 } from "./doors/node-http2.js";
import { SEND } from "./doors/send.js";
import { UPGRADES } from "./doors/upgrades.js";
import { WEB } from "./doors/web.js";
import { WEB_REQUESTS } from "./doors/web-requests.js";

export const DOORS: readonly Door[] = [
  NODE,
  NODE_HTTP2,
  EXPRESS4,
  EXPRESS5,
  FASTIFY,
  HPM3,
  HPM4,
  WEB,
  WEB_REQUESTS,
  ...UPGRADES,
  FETCH,
  FETCH_UNDICI,
  FETCH_FOREIGN,
  SEND,
  ...INTERCEPTORS,
];
