/**
 * Twenty rolling restarts, without good-gateway and with it, for the figures in
 * docs/front-proxies.md.
 *
 * `npm run figures:restart`
 */
import { buildQuick } from "../../tools/build-quick.mjs";
import { type Losses, lostTotal } from "./load.js";
import { rollingRestart } from "./restart.js";

const RESTARTS = 20;

await buildQuick();
for (const [name, env] of [
  ["without", {}],
  ["with good-gateway", { BEHIND: '"nginx"' }],
] as const) {
  const { nginx, direct, ends } = await rollingRestart({ env, restarts: RESTARTS });
  const told = (way: Losses) => `${lostTotal(way)} of ${way.sent} ${JSON.stringify([...way.lost])}`;
  console.log(`${name}: through nginx ${told(nginx)}, direct ${told(direct)}, ended ${ends}`);
}
