/**
 * A gateway to copy: several upstreams on one port, selected by the first part of the path, and a
 * page for operators on another port.
 *
 * `/orders/7` goes to the upstream `orders` as `/7`. Put your own addresses into SETTINGS and run
 * `node gateway.mjs`; it shuts down gracefully on SIGTERM. `main.mjs` runs this function in front
 * of upstreams that misbehave.
 */
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import {
  accessLog,
  createGateway,
  healthHandler,
  installShutdown,
  metricsHandler,
  startAdmin,
} from "good-gateway";
import { dashboard } from "good-gateway/dashboard";
import { nodeProxy } from "good-gateway/node";

const SETTINGS = {
  name: "edge", // this deployment in Proxy-Status and Via; also used to detect loops
  host: "0.0.0.0",
  port: Number(process.env.PORT ?? 8080),
  adminPort: Number(process.env.ADMIN_PORT ?? 8081),
  upstreams: {
    // Two targets: when one is down, its calls go to the other one.
    orders: {
      targets: listed(process.env.ORDERS) ?? ["http://127.0.0.1:9001", "http://127.0.0.1:9002"],
    },
    // At most 50 concurrent searches, answered within 2 s, never retried.
    search: {
      targets: listed(process.env.SEARCH) ?? "http://127.0.0.1:9200",
      timeouts: { responseMs: 2_000 },
      retry: false,
      bulkhead: { concurrencyMax: 50 },
    },
  },
};

/** Starts to listen; returns the gateway, its port, its page, and a function that stops it. */
export async function startGateway({ adminPort, onFailure = () => {}, ...settings }) {
  const { name, host, port, upstreams } = settings;
  // Timeouts, retries, breaker and bulkhead are on by default; set only what differs.
  const gateway = createGateway({ name, upstreams });
  const proxies = new Map(
    gateway.upstreams.map((upstream) => {
      const rewritePath = (path) => {
        const rest = path.slice(`/${upstream.name}`.length); // "/7", "?from=8", or nothing
        return rest.startsWith("/") ? rest : `/${rest}`;
      };
      return [upstream.name, nodeProxy(upstream, { rewritePath, onFailure })];
    }),
  );
  const proxyFor = (req) => proxies.get(/^\/([^/?]+)/.exec(req.url)?.[1]) ?? notFound;
  // /livez and /readyz answer here, where a kubelet or a balancer reaches them; without details.
  const probes = healthHandler(gateway);

  const server = createServer((req, res) => probes(req, res, () => proxyFor(req)(req, res)));
  // WebSockets. No middleware runs before them: check who may in `admit`.
  server.on("upgrade", (req, socket, head) =>
    (proxyFor(req).upgrade ?? noUpgrade)(req, socket, head),
  );
  // What Node's parser refuses is answered and counted like everything else.
  const [anyProxy] = proxies.values();
  if (anyProxy !== undefined) server.on("clientError", anyProxy.clientError);
  // Expect: 100-continue is answered by the upstream, not by us.
  server.on("checkContinue", (req, res) => (proxyFor(req).checkContinue ?? notFound)(req, res));
  // Longer than a load balancer in front keeps idle connections (usually 60 s); otherwise it may
  // send a request over a connection that we are just closing.
  server.keepAliveTimeout = 65_000;
  server.listen({ host, port });
  await once(server, "listening");

  // For operators, on this machine only: health, metrics and the page.
  const handlers = [
    healthHandler(gateway, { verbose: "always" }),
    metricsHandler(gateway, { path: "/metrics" }),
    dashboard(gateway),
  ];
  const admin = await startAdmin(gateway, { port: adminPort, handlers });

  // On SIGTERM and SIGINT: requests in flight are finished, connections are closed without losing
  // a request, and the process ends by itself. PM2, systemd and others are notified.
  const { shutdown } = installShutdown(server, gateway, { drainTimeoutMs: 10_000 });
  const page = `${admin.url}/`;
  return { gateway, port: server.address().port, page, stop: () => shutdown("stop") };
}

/** Addresses with commas between them. */
function listed(text) {
  return text?.split(",").map((one) => one.trim());
}

function noUpgrade(_req, socket) {
  socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
}

function notFound(_req, res) {
  res.writeHead(404, { "content-type": "text/plain" }).end("no upstream has this path\n");
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const onFailure = ({ code }, { req, attempts, requestId }) =>
    console.warn(`${requestId} ${req.method} ${req.url}: ${code} after ${attempts} attempts`);
  const { gateway, port, page } = await startGateway({ ...SETTINGS, onFailure });
  accessLog(gateway); // a line of JSON for each call, to the standard output
  gateway.on("breaker:change", ({ target, to }) => console.warn(`breaker of ${target}: ${to}`));
  console.log(`listening on http://127.0.0.1:${port}, the page is ${page}`);
  gateway.on("shutdown:end", ({ report }) => console.log("stopped:", report));
}
