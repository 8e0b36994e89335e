/**
 * A server that any process manager can stop at any time without losing a request.
 *
 * Run `node examples/drain.mjs` and the command that it prints, and press Ctrl-C while the request
 * is being answered. The files in examples/managers run this server with PM2, systemd, supervisord
 * and Kubernetes.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createGateway, installShutdown, listenFds } from "good-gateway";

/** How long an answer takes; `/slow` takes two seconds. */
const WORK_MS = 20;
const SLOW_MS = 2_000;

const server = createServer(async (req, res) => {
  req.resume(); // a POST with all of its body
  await sleep(req.url === "/slow" ? SLOW_MS : WORK_MS);
  res.end(`${req.method} was answered by process ${process.pid}\n`);
});

// The gateway that the shutdown drains; add your upstreams here.
const gateway = createGateway({ name: "drain" });
gateway.on("lifecycle:change", ({ to, reason }) => console.log(`${to} (${reason})`));

installShutdown(server, gateway, {
  onDrained: ({ finished, cut, durationMs }) =>
    console.log(`finished ${finished}, cut ${cut}, in ${Math.round(durationMs)} ms`),
});

// The socket that systemd opened for this process, or a new one.
const [activated] = listenFds();
server.listen(activated ?? { port: Number(process.env.PORT ?? 0), host: "127.0.0.1" });
await once(server, "listening");
console.log(`curl -i http://127.0.0.1:${server.address().port}/slow`);
