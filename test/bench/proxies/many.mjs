/**
 * `nodeProxy` before many targets of one upstream, or before many upstreams:
 * `node proxies/many.mjs ORIGIN targets|upstreams COUNT`. The path says which upstream: `/17`.
 */
import { fromDist } from "./dist.mjs";
import { addressOf, ORIGIN, serve } from "./serve.mjs";

const [kind, text] = process.argv.slice(3);
const count = Number(text);
const addresses = Array.from({ length: count }, (_, index) => addressOf(ORIGIN, index));
const { createGateway } = await fromDist("index.js");
const { nodeProxy } = await fromDist("node.js");
/** On a busy machine thousands of first connections take their time; none of them is to fail. */
const timeouts = { connectMs: 60_000, responseMs: 120_000, totalMs: 240_000 };

if (kind === "targets") {
  const gateway = createGateway({ upstreams: { bench: { targets: addresses, timeouts } } });
  serve(nodeProxy(gateway.upstream("bench")));
} else {
  const named = addresses.map((address, index) => [
    `of-${index}`,
    { targets: [address], timeouts },
  ]);
  const gateway = createGateway({ upstreams: Object.fromEntries(named) });
  const proxies = addresses.map((_, index) => nodeProxy(gateway.upstream(`of-${index}`)));
  serve((req, res) => proxies[Number(req.url.slice(1))](req, res));
}
