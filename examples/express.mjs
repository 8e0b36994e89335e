/**
 * Express: a mounted proxy next to your own routes, with the same error answers for both.
 *
 * Run `node examples/express.mjs`, then the commands that it prints. `/orders/broken` shows a
 * proxied call to an upstream that closes the connection; `/summary/broken` the same for a fetch in
 * a route.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import express from "express";
import { createGateway } from "good-gateway";
import { expressErrorHandler, expressProxy } from "good-gateway/express";
import { gatewayFetch } from "good-gateway/fetch";

// In place of your service.
const service = createServer((req, res) => {
  if (req.url === "/broken") req.socket.destroy();
  else req.pipe(res.setHeader("content-type", "application/json"));
}).listen(0, "127.0.0.1");
await once(service, "listening");

const gateway = createGateway({
  name: "edge",
  upstreams: { orders: { targets: `http://127.0.0.1:${service.address().port}` } },
});
const orders = gateway.upstream("orders");
const ordersFetch = gatewayFetch(orders);

const app = express();
app.use(express.json()); // a body that a parser has read is sent on all the same
app.use("/orders", expressProxy(orders)); // `/orders/7` is sent as `/7`
app.get("/summary/:id", async (req, res, next) => {
  try {
    const answer = await ordersFetch(`/${req.params.id}`);
    res.json({ status: answer.status });
  } catch (error) {
    next(error); // Express 5 does this by itself
  }
});
app.use(expressErrorHandler(gateway)); // a failed fetch of a route becomes 502, 503 or 504

const server = app.listen(process.env.PORT ?? 0, "127.0.0.1");
await once(server, "listening");
const origin = `http://127.0.0.1:${server.address().port}`;
console.log(`curl -i ${origin}/orders/7 -H 'content-type: application/json' -d '{"amount":1}'`);
console.log(`curl -i ${origin}/summary/broken`);

process.once("SIGTERM", async () => {
  server.close();
  await gateway.drain();
  gateway.close();
  service.close();
});
