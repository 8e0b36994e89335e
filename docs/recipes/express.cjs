/** Express in CommonJS: a mounted proxy, a call of your own, and one answer for failures. */
const express = require("express");
const { createGateway, installShutdown } = require("good-gateway");
const { expressErrorHandler, expressProxy } = require("good-gateway/express");
const { gatewayFetch } = require("good-gateway/fetch");

const gateway = createGateway({
  name: "edge",
  upstreams: { orders: { targets: process.env.ORDERS_URL ?? "http://127.0.0.1:3001" } },
});
const orders = gateway.upstream("orders");
const ordersFetch = gatewayFetch(orders);

const app = express();
app.use("/api", expressProxy(orders)); // /api/orders/7 is sent as /orders/7
app.get("/summary/:id", (req, res, next) => {
  ordersFetch(`/orders/${req.params.id}`)
    .then(async (answer) => res.json({ summary: await answer.text() }))
    .catch(next);
});
app.use(expressErrorHandler(gateway)); // behind the routes

installShutdown(app.listen(process.env.PORT ?? 8080), gateway);
