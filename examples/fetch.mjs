/**
 * The same policies for your own calls: a function like the built-in `fetch` that retries where
 * that is safe, and names what failed.
 *
 * Run `node examples/fetch.mjs`, then the commands that it prints. `/flaky` shows a call that
 * succeeds on the second attempt, `/broken` one that always fails.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { createGateway, FAILURES } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";

// In place of your service: `/flaky` closes every other connection, `/broken` all of them.
let asked = 0;
const service = createServer((req, res) => {
  const flaky = req.url === "/flaky" && ++asked % 2 === 1;
  if (flaky || req.url === "/broken") req.socket.destroy();
  else res.end(`the upstream got ${req.method} ${req.url}`);
}).listen(0, "127.0.0.1");
await once(service, "listening");

const gateway = createGateway({
  upstreams: { orders: { targets: `http://127.0.0.1:${service.address().port}` } },
});
const ordersFetch = gatewayFetch(gateway.upstream("orders"));

// An application that calls the upstream itself.
const server = createServer(async (req, res) => {
  try {
    const answer = await ordersFetch(req.url, { signal: AbortSignal.timeout(5_000) });
    res.end(`${answer.status}: ${await answer.text()}\n`);
  } catch (error) {
    // Like fetch, it rejects with a TypeError; `failure` has the details. Rethrow other errors.
    const code = error.failure?.code;
    res.statusCode = code === undefined ? 500 : 502;
    res.end(code === undefined ? "failed\n" : `${code}: ${FAILURES[code].summary}\n`);
  }
}).listen(process.env.PORT ?? 0, "127.0.0.1");
await once(server, "listening");
const origin = `http://127.0.0.1:${server.address().port}`;
console.log(`curl -i ${origin}/flaky`);
console.log(`curl -i ${origin}/broken`);

process.once("SIGTERM", async () => {
  server.close();
  await gateway.drain();
  gateway.close();
  service.close();
});
