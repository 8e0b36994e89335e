/**
 * `nodeProxy` with a target that fails, alone or beside a good one. The origin is that of the good
 * upstream; `node proxies/failing.mjs ORIGIN KIND alone|beside BAD_ORIGIN`.
 *
 * Alone, breaker and repeats are off, so that each request meets the failure itself; `open` leaves
 * the breaker on. Beside a good one everything is at its default but for a shorter wait.
 */
import { fromDist } from "./dist.mjs";
import { ORIGIN, serve } from "./serve.mjs";

const [kind, place, bad] = process.argv.slice(3);
const { createGateway } = await fromDist("index.js");
const { nodeProxy } = await fromDist("node.js");
/** The wait that a silent upstream costs; short, so that a second sees many of them. */
const RESPONSE_MS = 50;
const RESPONSE_BESIDE_MS = 1_000;
const BARE = { retry: false, ejection: false, panic: false, probe: false };
/** Long open, so that what is measured is the refusal and never a trial. */
const OPEN = { breaker: { openMs: 600_000, openMsMax: 600_000 }, ejection: false, panic: false };

const alone = { ...BARE, breaker: false, timeouts: { responseMs: RESPONSE_MS } };
const options =
  place === "beside"
    ? { targets: [ORIGIN, bad], timeouts: { responseMs: RESPONSE_BESIDE_MS } }
    : { targets: [bad], ...(kind === "open" ? OPEN : alone) };
const gateway = createGateway({ upstreams: { bench: options }, onWarning() {} });
serve(nodeProxy(gateway.upstream("bench")));
