/**
 * A process with a gateway of many upstreams, each with its proxy, and what making it took:
 * `node workers/idle.mjs ORIGIN COUNT [each|asked]`. With `each` every upstream gets one request
 * first, so that whatever begins with traffic has begun; with `asked` it is described, for which
 * its pipe is made.
 */
import { fromDist } from "../proxies/dist.mjs";
import { addressOf, obeyParent } from "../proxies/serve.mjs";

const [origin, count, each] = process.argv.slice(2);
const { createGateway } = await fromDist("index.js");
const { nodeProxy } = await fromDist("node.js");
const names = Array.from({ length: Number(count) }, (_, index) => `service-${index}`);
const targets = names.map((_, index) => addressOf(origin, index));
const startedAt = performance.now();
const upstreams = Object.fromEntries(names.map((name, at) => [name, { targets: [targets[at]] }]));
const gateway = createGateway({ upstreams });
const proxies = names.map((name) => nodeProxy(gateway.upstream(name)));
const madeMs = performance.now() - startedAt;

if (each === "each") {
  for (const name of names) {
    const outcome = await gateway.upstream(name).send({ path: "/" });
    await outcome.response.body.text();
  }
}
if (each === "asked") for (const name of names) gateway.upstream(name).describe();
obeyParent();
// A server would hold them.
process.on("beforeExit", () => proxies.length);
process.send({ result: { madeMs, proxies: proxies.length } });
