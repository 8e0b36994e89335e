/**
 * A client that sends one request on each of many connections, and waits for ever:
 * `node workers/hold.mjs URL COUNT`.
 */
import { connect } from "node:net";
import { PATH, requestBytes } from "../lib/workloads.mjs";

const url = new URL(process.argv[2]);
const count = Number(process.argv[3]);
const request = requestBytes({ method: "GET", sentBytes: 0 }, url.host, undefined, PATH);
/** So many handshakes at once: a backlog overflows beyond its size. */
const AT_ONCE = 100;
let started = 0;

function next() {
  if (started === count) return;
  started += 1;
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  socket.on("connect", () => {
    socket.write(request);
    next();
  });
  socket.on("error", (error) => {
    throw error;
  });
}

for (let index = 0; index < AT_ONCE; index += 1) next();
process.send({ started: true });
process.once("disconnect", () => process.exit());
