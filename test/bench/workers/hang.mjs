/**
 * An upstream that takes every request and answers none: what in-flight calls wait for. A parent
 * that says "held" is told how many requests have come.
 */
import { createServer } from "node:net";

let held = 0;
const server = createServer((socket) => {
  socket.on("data", () => {
    held += 1;
  });
  socket.on("error", () => socket.destroy());
});

server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, () =>
  process.send({ port: server.address().port }),
);
process.on("message", () => process.send({ held }));
process.once("disconnect", () => process.exit());
