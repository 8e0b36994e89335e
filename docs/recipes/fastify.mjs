/** Fastify: a plugin below a prefix; failed calls of other routes get the right status, too. */
import fastify from "fastify";
import { createGateway, installShutdown } from "good-gateway";
import { fastifyProxy } from "good-gateway/fastify";
import { gatewayFetch } from "good-gateway/fetch";

const gateway = createGateway({
  name: "edge",
  upstreams: { orders: { targets: process.env.ORDERS_URL ?? "http://127.0.0.1:3001" } },
});
const orders = gateway.upstream("orders");
const ordersFetch = gatewayFetch(orders);

const app = fastify();
await app.register(fastifyProxy, { upstream: orders, prefix: "/api" }); // /api/orders/7 → /orders/7
app.get("/summary/:id", async (request) => {
  const answer = await ordersFetch(`/orders/${request.params.id}`);
  return { summary: await answer.text() };
});

installShutdown(app, gateway);
await app.listen({ port: Number(process.env.PORT ?? 8080) });
