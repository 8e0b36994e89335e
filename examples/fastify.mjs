/**
 * Fastify: a plugin that proxies everything under a prefix, next to your own routes.
 *
 * Run `node examples/fastify.mjs`, then the commands that it prints. `/orders/broken` shows a
 * proxied call to an upstream that closes the connection; `/summary/broken` the same for a fetch in
 * a route.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import fastify from "fastify";
import { createGateway } from "good-gateway";
import { fastifyProxy } from "good-gateway/fastify";
import { gatewayFetch } from "good-gateway/fetch";

// In place of your service.
const service = createServer((req, res) => {
  if (req.url === "/broken") req.socket.destroy();
  else res.end(`the upstream got ${req.method} ${req.url}\n`);
}).listen(0, "127.0.0.1");
await once(service, "listening");

const gateway = createGateway({
  name: "edge",
  upstreams: { orders: { targets: `http://127.0.0.1:${service.address().port}` } },
});
const orders = gateway.upstream("orders");
const ordersFetch = gatewayFetch(orders);

const app = fastify();
await app.register(fastifyProxy, { upstream: orders, prefix: "/orders" }); // `/orders/7` → `/7`
app.get("/summary/:id", async (request) => {
  const answer = await ordersFetch(`/${request.params.id}`); // a failure becomes 502, 503 or 504
  return { status: answer.status };
});
app.addHook("onClose", async () => gateway.close());

const origin = await app.listen({ port: Number(process.env.PORT ?? 0), host: "127.0.0.1" });
console.log(`curl -i ${origin}/orders/7`);
console.log(`curl -i ${origin}/summary/broken`);

process.once("SIGTERM", async () => {
  await gateway.drain();
  await app.close();
  service.close();
});
