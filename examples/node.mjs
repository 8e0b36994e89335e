/**
 * node:http in front of one upstream. The path is sent unchanged.
 *
 * Run `node examples/node.mjs`, then the command that it prints. `/broken` shows an upstream that
 * closes the connection; `npm start` shows all other failures (examples/gateway).
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { createGateway } from "good-gateway";
import { nodeProxy } from "good-gateway/node";

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

const proxy = nodeProxy(gateway.upstream("orders"));
const server = createServer(proxy).on("checkContinue", proxy.checkContinue);
server.listen(process.env.PORT ?? 0, "127.0.0.1");
await once(server, "listening");
console.log(`curl -i http://127.0.0.1:${server.address().port}/orders/7`);

process.once("SIGTERM", async () => {
  server.close();
  await gateway.drain();
  gateway.close();
  service.close();
});
