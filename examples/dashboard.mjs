/**
 * The dashboard on its own port, next to an Express app whose upstream fails now and then.
 *
 * Run `node examples/dashboard.mjs` and open the URL that it prints. The example makes some calls
 * by itself; request `/orders/broken` and `/orders/slow` for more.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import express from "express";
import { createGateway, startAdmin } from "good-gateway";
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
app.use("/orders", expressProxy(gateway.upstream("orders")));
const server = app.listen(process.env.PORT ?? 0, "127.0.0.1");
await once(server, "listening");

const origin = `http://127.0.0.1:${server.address().port}`;
console.log(`curl -i ${origin}/orders/broken`);
// Visible on this machine only; docs/dashboard.md says how to open it to others.
const admin = await startAdmin(gateway, { port: 0, handlers: [dashboard(gateway)] });
console.log(`the page: ${admin.url}/`);

// Some traffic to show.
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
