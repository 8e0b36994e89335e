/** Bun.serve: a handler of Requests. `installShutdown` is for servers of Node. */
import { createGateway, gatewayErrorOf } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { webProxy } from "good-gateway/web";

const gateway = createGateway({
  name: "edge",
  upstreams: { orders: { targets: process.env.ORDERS_URL ?? "http://127.0.0.1:3001" } },
});
const orders = gateway.upstream("orders");
const ordersFetch = gatewayFetch(orders);
const proxy = webProxy(orders, {
  rewritePath: (path) => path.replace(/^\/api/, ""),
  client: (_request, address) => ({ address }),
});

const server = Bun.serve({
  port: Number(process.env.PORT ?? 8080),
  idleTimeout: 0, // the gateway has limits of its own
  routes: {
    "/api/*": (request, server) => proxy(request, server.requestIP(request)?.address),
    "/summary/:id": async ({ params }) => {
      const answer = await ordersFetch(`/orders/${params.id}`);
      return Response.json({ summary: await answer.text() });
    },
  },
  error: (error) =>
    new Response("The upstream failed.", { status: gatewayErrorOf(error)?.status ?? 500 }),
});

process.once("SIGTERM", async () => {
  await gateway.drain();
  await server.stop();
  gateway.close();
});
