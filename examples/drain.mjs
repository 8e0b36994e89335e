/**
 * A server that can be stopped at any time without losing a request, by whatever runs it.
 *
 * `node examples/drain.mjs`, the line that it prints, and Ctrl-C while it is answered. The files in
 * examples/managers start this one with PM2, systemd, supervisord and Kubernetes.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createGateway, installShutdown, listenFds } from "good-gateway";

/** What a request costs here; `/slow` takes two seconds. */
const WORK_MS = 20;
const SLOW_MS = 2_000;

const server = createServer(async (req, res) => {
  req.resume(); // a POST with all of its body
  await sleep(req.url === "/slow" ? SLOW_MS : WORK_MS);
  res.end(`${req.method} was answered by process ${process.pid}\n`);
});

// A gateway is what the shutdown drains; upstreams of yours go here.
const gateway = createGateway({ name: "drain" });
gateway.on("lifecycle:change", ({ to, reason }) => console.log(`${to} (${reason})`));

installShutdown(server, gateway, {
  onDrained: ({ finished, cut, durationMs }) =>
    console.log(`finished ${finished}, cut ${cut}, in ${Math.round(durationMs)} ms`),
});

// The socket that systemd has opened for this process, or one of its own.
const [activated] = listenFds();
server.listen(activated ?? { port: Number(process.env.PORT ?? 0), host: "127.0.0.1" });
await once(server, "listening");
console.log(`curl -i http://127.0.0.1:${server.address().port}/slow`);
