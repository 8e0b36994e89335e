/**
 * The dashboard under a path of an Express app, in front of an upstream that fails now and then.
 *
 * `node examples/dashboard.mjs`, then open the page that it prints. Some calls are made by
 * themselves; `/orders/broken` and `/orders/slow` make more to look at.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import express from "express";
import { createGateway } from "good-gateway";
import { dashboard } from "good-gateway/dashboard";
import { expressProxy } from "good-gateway/express";

const upstream = createServer((req, res) => {
  if (req.url === "/broken") req.socket.destroy();
  else setTimeout(() => res.end(`the upstream got ${req.url}\n`), req.url === "/slow" ? 400 : 5);
});
upstream.listen(0, "127.0.0.1");
await once(upstream, "listening");

const gateway = createGateway({
  name: "shop",
  upstreams: {
    orders: {
      targets: `http://127.0.0.1:${upstream.address().port}`,
      timeouts: { responseMs: 300 },
    },
  },
});

const app = express();
// Shown to this machine only. For others, put authentication before it and write access: "any".
const page = dashboard(gateway);
app.use("/_gateway", page);
app.use("/orders", expressProxy(gateway.upstream("orders")));
const server = app.listen(process.env.PORT ?? 0, "127.0.0.1");
await once(server, "listening");

const origin = `http://127.0.0.1:${server.address().port}`;
console.log(`the page: ${origin}/_gateway/`);
console.log(`curl -i ${origin}/orders/broken`);

// Something to look at.
const PATHS = ["/7", "/8", "/9", "/7", "/slow", "/8", "/9", "/broken"];
let asked = 0;
const traffic = setInterval(() => {
  asked += 1;
  void gateway.upstream("orders").send({ path: PATHS[asked % PATHS.length] });
}, 250);

process.once("SIGTERM", async () => {
  clearInterval(traffic);
  await gateway.drain();
  server.close();
  server.closeIdleConnections();
  upstream.close();
  upstream.closeIdleConnections();
  gateway.close();
});
