/**
 * http-proxy-middleware 3 or 4 with a gateway behind it.
 *
 * Run `node examples/http-proxy-middleware.mjs`, then the command that it prints. `/orders/broken`
 * shows an upstream that closes the connection: 502 with the failure's name, where plain
 * http-proxy-middleware answers 504.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import express from "express";
import { createGateway } from "good-gateway";
import { throughGateway } from "good-gateway/http-proxy-middleware";
import { createProxyMiddleware } from "http-proxy-middleware";

// In place of your service.
const service = createServer((req, res) => {
  if (req.url === "/v1/broken") req.socket.destroy();
  else req.pipe(res.writeHead(200, { "x-path": req.url }));
}).listen(0, "127.0.0.1");
await once(service, "listening");

const gateway = createGateway({
  name: "edge",
  upstreams: { orders: { targets: `http://127.0.0.1:${service.address().port}` } },
});

const app = express();
app.use(express.json());
app.use(
  "/orders",
  createProxyMiddleware(
    throughGateway(gateway.upstream("orders"), {
      pathRewrite: { "^/": "/v1/" },
      on: { proxyReq: (proxyReq) => proxyReq.setHeader("x-by", "http-proxy-middleware") },
    }),
  ),
);
const server = app.listen(process.env.PORT ?? 0, "127.0.0.1");
await once(server, "listening");
console.log(`curl -i http://127.0.0.1:${server.address().port}/orders/7`);

process.once("SIGTERM", async () => {
  server.close();
  await gateway.drain();
  gateway.close();
  service.close();
});
