/**
 * An app that is restarted under load: alone, with the handler for SIGTERM that most guides show,
 * or with good-gateway.
 */
import { createServer } from "node:http";
import { createGateway, installShutdown } from "good-gateway";

/** Longest time that a request takes; waiting for something, as requests of apps do. */
const WORK_MS_MAX = 20;

const { PORT, BEHIND } = process.env;

const server = createServer((req, res) => {
  req.resume();
  setTimeout(() => res.end("done"), Math.random() * WORK_MS_MAX);
});

if (BEHIND === undefined) {
  process.on("SIGTERM", () => server.close(() => process.exit(0)));
} else {
  const gateway = createGateway({ behind: JSON.parse(BEHIND) });
  installShutdown(server, gateway);
}

server.listen({ port: Number(PORT), host: "127.0.0.1" }, () => console.log("listening"));
