/** Koa: the proxy writes the response; a failed call of a route is answered by Koa itself. */
import { createGateway, gatewayErrorOf, installShutdown } from "good-gateway";
import { expressProxy } from "good-gateway/express";
import { gatewayFetch } from "good-gateway/fetch";
import Koa from "koa";

const gateway = createGateway({
  name: "edge",
  upstreams: { orders: { targets: process.env.ORDERS_URL ?? "http://127.0.0.1:3001" } },
});
const orders = gateway.upstream("orders");
const ordersFetch = gatewayFetch(orders);
const proxy = expressProxy(orders, { rewritePath: (path) => path.replace(/^\/api/, "") });

const app = new Koa();
app.use(async (ctx, next) => {
  if (!ctx.path.startsWith("/api/")) return next();
  ctx.respond = false; // the proxy does
  return new Promise((resolve, reject) => {
    ctx.res.once("close", resolve);
    proxy(ctx.req, ctx.res, reject);
  });
});
app.use(async (ctx) => {
  const answer = await ordersFetch(`/orders/${ctx.path.slice("/summary/".length)}`);
  ctx.body = { summary: await answer.text() };
});
app.on("error", (error) => {
  console.error(gatewayErrorOf(error)?.code ?? error); // its status is 502, 503 or 504
});

installShutdown(app.listen(process.env.PORT ?? 8080), gateway);
