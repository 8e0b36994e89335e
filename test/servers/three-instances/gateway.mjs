/**
 * The gateway before the three instances, in a process of its own and with its defaults.
 *
 * Only the two limits are set that the measurement asks for, and what is given as JSON in the first
 * argument. It counts the exchanges that it performed, and tells them when asked to "report".
 */
import { createServer } from "node:http";
import { createGateway } from "good-gateway";
import { nodeProxy } from "good-gateway/node";

const [changes, ...targets] = process.argv.slice(2);
const timeouts = { responseMs: 2_000, connectMs: 1_000 };
const gateway = createGateway({
  name: "three-instances",
  upstreams: { app: { targets, timeouts, ...JSON.parse(changes) } },
});
const startedAt = performance.now();
const events = [];
let tries = 0;
gateway.on("attempt:end", () => {
  tries += 1;
});
for (const name of ["breaker:change", "target:health", "upstream:panic"]) {
  gateway.on(name, (event) => {
    events.push({ atMs: Math.round(performance.now() - startedAt), name, ...event });
  });
}

const server = createServer(nodeProxy(gateway.upstream("app")));
server.keepAliveTimeout = 60_000;
process.on("message", () => process.send({ tries, events }));
process.once("disconnect", () => process.exit(0));
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
