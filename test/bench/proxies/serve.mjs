/**
 * What every proxy process of the bench has in common: one server, one upstream, one parent.
 *
 * The server's options are Node's own for all of them, so that no proxy is measured under better
 * ones. A parent that says "memory" is told what the process holds after a collection, one that
 * says "heap" what it holds as it is. The process ends with its parent, however that ends.
 */
import { createServer } from "node:http";
import "../lib/quick-ticks.mjs";

/** Origin of the upstream, such as http://127.0.0.1:8080. */
export const ORIGIN = process.argv[2];

/** The same port on another address of loopback: all of 127.0.0.0/8 leads to this machine. */
export function addressOf(origin, index) {
  const { port } = new URL(origin);
  const at = index + 1;
  return `http://127.${at >> 16}.${(at >> 8) & 255}.${at & 255}:${port}`;
}

/** Listens on a free port of loopback and tells the parent which. */
export function serve(listener) {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
  obeyParent();
}

/** The same for Fastify, without its log; `register` adds the proxy. */
export async function serveFastify(register) {
  const { default: fastify } = await import("fastify");
  const app = fastify();
  await register(app);
  await app.listen({ port: 0, host: "127.0.0.1" });
  process.send({ port: app.server.address().port });
  obeyParent();
}

/** Answers what the parent asks, and ends with it. */
export function obeyParent() {
  process.on("message", (message) => {
    if (message === "memory") globalThis.gc?.();
    process.send({ memory: process.memoryUsage() });
  });
  process.once("disconnect", () => process.exit());
}
