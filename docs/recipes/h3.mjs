/** h3, the server of Nitro and Nuxt: a handler of Requests. */
import { createServer } from "node:http";
import { createGateway, gatewayErrorOf, installShutdown } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { webProxy } from "good-gateway/web";
import { H3, toNodeHandler } from "h3";

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

const app = new H3({
  onError: (error) =>
    new Response("The upstream failed.", { status: gatewayErrorOf(error)?.status ?? 500 }),
});
app.all("/api/**", (event) => proxy(event.req, event.req.ip));
app.get("/summary/:id", async (event) => {
  const answer = await ordersFetch(`/orders/${event.context.params.id}`);
  return { summary: await answer.text() };
});

const server = createServer(toNodeHandler(app)).listen(process.env.PORT ?? 8080);
installShutdown(server, gateway);
