/** Hono on Node: a handler of Requests. */
import { serve } from "@hono/node-server";
import { createGateway, gatewayErrorOf, installShutdown } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { webProxy } from "good-gateway/web";
import { Hono } from "hono";

const gateway = createGateway({
  name: "edge",
  upstreams: { orders: { targets: process.env.ORDERS_URL ?? "http://127.0.0.1:3001" } },
});
const orders = gateway.upstream("orders");
const ordersFetch = gatewayFetch(orders);
const proxy = webProxy(orders, {
  rewritePath: (path) => path.replace(/^\/api/, ""),
  client: (_request, { incoming }) => ({ address: incoming.socket.remoteAddress }),
});

const app = new Hono();
app.all("/api/*", (c) => proxy(c.req.raw, c.env));
app.get("/summary/:id", async (c) => {
  const answer = await ordersFetch(`/orders/${c.req.param("id")}`);
  return c.json({ summary: await answer.text() });
});
app.onError((error, c) => c.text("The upstream failed.", gatewayErrorOf(error)?.status ?? 500));

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 8080) });
installShutdown(server, gateway);
