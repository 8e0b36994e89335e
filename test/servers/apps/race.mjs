/**
 * The app of the keep-alive race, alone or with good-gateway, by the environment.
 *
 * It does a little work for each request, as apps do: the event loop is then now and again busy at
 * the moment at which a connection's time is over.
 */
import { createServer } from "node:http";
import { createGateway, prepareServer } from "good-gateway";

/** Work for one request. */
const WORK_MS = 0.5;

const { PORT, BEHIND, KEEP_ALIVE_MS } = process.env;

const server = createServer((req, res) => {
  const until = performance.now() + WORK_MS;
  while (performance.now() < until);
  req.resume();
  res.end("done");
});

if (BEHIND !== undefined) prepareServer(server, createGateway({ behind: JSON.parse(BEHIND) }));
else if (KEEP_ALIVE_MS !== undefined) server.keepAliveTimeout = Number(KEEP_ALIVE_MS);

// nginx opens a connection for each request of a burst.
server.listen({ port: Number(PORT), host: "127.0.0.1", backlog: 1_024 }, () => {
  console.log(`keepAliveTimeout ${server.keepAliveTimeout}`);
});
