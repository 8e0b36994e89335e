/**
 * One of the three instances of the soak, a process of its own: answers with what it was asked, and
 * reports each execution before it answers. It does to itself what a machine does to a process.
 *
 * Started with the address and port to listen on.
 */
import { createServer } from "node:http";

const [address, port] = process.argv.slice(2);
/** What is done to it: "normal", or how every request is answered. */
let mode = "normal";

const server = createServer((req, res) => {
  if (mode === "silent") return;
  if (mode === "refusing") {
    res.writeHead(503).end();
    return;
  }
  const parts = [];
  req.on("error", () => {});
  req.on("data", (part) => parts.push(part));
  req.on("end", () => {
    const id = req.url.slice(1);
    process.send({ executed: id });
    setTimeout(() => res.end(`${id} ${Buffer.concat(parts)}`), 2 + 6 * Math.random());
  });
});
server.keepAliveTimeout = 20_000;

/** Leaves no memory to work with for a while: collections follow each other without a pause. */
function hog(ms) {
  const kept = [];
  const end = performance.now() + ms;
  while (performance.now() < end) {
    kept.push(Array.from({ length: 20_000 }, (_, index) => ({ index })));
    if (kept.length > 40) kept.length = 0;
  }
}

process.on("message", ({ become, hogMs }) => {
  if (hogMs !== undefined) hog(hogMs);
  else mode = become;
});
process.once("disconnect", () => process.exit());
server.listen(Number(port), address, () => process.send({ listening: true }));
