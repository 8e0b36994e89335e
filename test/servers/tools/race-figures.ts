/**
 * The keep-alive race at full scale, for the figures in docs/front-proxies.md: Node and nginx with
 * their own defaults, and then with `behind: "nginx"`. It takes four minutes.
 *
 * `npm run figures:race`
 */
import { buildQuick } from "../../tools/build-quick.mjs";
import { lostTotal } from "./load.js";
import { race, restOf } from "./race.js";

/** nginx's own. */
const POOL_MS = 60_000;
const REQUESTS = 5_000;

await buildQuick();
const rest = await restOf({});
const atNode = { aroundMs: rest, pools: 20 };
const atNginx = { aroundMs: POOL_MS, pools: 40 };
console.log(`Node ${process.version} keeps a resting connection for ${Math.round(rest)} ms`);
const shared = { poolMs: null, requests: REQUESTS };
const alone = await race({ ...shared, env: {}, rests: [atNode] });
console.log(`alone: ${lostTotal(alone)} of ${alone.sent} lost`, Object.fromEntries(alone.lost));
const env = { BEHIND: '"nginx"' };
const behind = await race({ ...shared, env, rests: [atNode, atNginx] });
console.log(`behind: ${lostTotal(behind)} of ${behind.sent} lost`, Object.fromEntries(behind.lost));
