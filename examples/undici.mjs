/**
 * Every fetch of a process through a gateway, with one line: existing code gets retries, timeouts
 * and named failures.
 *
 * Run `node examples/undici.mjs`, then the command that it prints. `/flaky` closes the connection
 * on every first attempt, `/broken` on all of them.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { createGateway } from "good-gateway";
import { gatewayInterceptor } from "good-gateway/undici";
import { Agent, setGlobalDispatcher } from "undici";

// In place of your service.
let attempts = 0;
const service = createServer((req, res) => {
  attempts += 1;
  if (req.url === "/broken" || (req.url === "/flaky" && attempts % 2 === 1)) req.socket.destroy();
  else res.end(`the upstream got ${req.method} ${req.url}\n`);
}).listen(0, "127.0.0.1");
await once(service, "listening");
const origin = `http://127.0.0.1:${service.address().port}`;

const gateway = createGateway({
  upstreams: { orders: { targets: origin, retry: { attemptsMax: 2 } } },
});
setGlobalDispatcher(new Agent().compose(gatewayInterceptor(gateway)));

// In place of your code and all of its libraries.
const app = createServer(async (req, res) => {
  try {
    const answer = await fetch(origin + req.url);
    res.end(`${answer.status}: ${await answer.text()}`);
  } catch (error) {
    const { failure, statusCode } = error.cause;
    res.writeHead(statusCode).end(`${failure.code}\n`);
  }
}).listen(process.env.PORT ?? 0, "127.0.0.1");
await once(app, "listening");
console.log(`curl -i http://127.0.0.1:${app.address().port}/flaky`);

process.once("SIGTERM", async () => {
  app.close();
  await gateway.drain();
  gateway.close();
  service.close();
});
