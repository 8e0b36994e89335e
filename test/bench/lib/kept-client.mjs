/**
 * Connections to one proxy that are kept, for many small loads one after another.
 *
 * It runs in the process of the bench, whose cost nobody counts, and takes answers of a known
 * length only. A connection that the proxy closed between two loads is opened again.
 */
import { connect } from "node:net";
import { FIELDS, PATH } from "./load.mjs";

const END = "\r\n\r\n";

/** `run` sends this many requests and resolves with the last answer; it rejects for a bad one. */
export function keptClient(url, connections) {
  const { hostname, port, host } = new URL(url);
  const lines = FIELDS.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const request = Buffer.from(`GET ${PATH} HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n`, "latin1");
  const load = { left: 0, open: 0, resolve: null, reject: null };
  const kept = new Set();
  let closed = false;

  const next = (one) => {
    if (load.left > 0) {
      load.left -= 1;
      load.open += 1;
      one.missing = 0;
      one.socket.write(request);
    } else if (load.open === 0) load.resolve?.();
  };
  const fail = (error) => load.reject?.(error);
  const dial = () => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const one = { socket, missing: 0 };
    kept.add(one);
    socket.on("data", (chunk) => {
      try {
        take(one, chunk);
      } catch (error) {
        fail(error);
        return;
      }
      if (one.missing > 0) return;
      load.open -= 1;
      next(one);
    });
    socket.on("error", fail);
    socket.on("close", () => {
      kept.delete(one);
      if (!closed) dial();
    });
  };
  for (let index = 0; index < connections; index += 1) dial();

  return {
    run: (requests) =>
      new Promise((resolve, reject) => {
        Object.assign(load, { left: requests, resolve, reject });
        for (const one of kept) next(one);
      }),
    close() {
      closed = true;
      for (const { socket } of kept) socket.destroy();
    },
  };
}

/** Counts a part of an answer; what is no whole good answer ends the bench. */
function take(one, chunk) {
  if (one.missing > 0) one.missing -= chunk.length;
  else one.missing = answerLength(chunk) - chunk.length;
  if (one.missing < 0) throw new Error("bytes that nobody asked for");
}

function answerLength(chunk) {
  const end = chunk.indexOf(END);
  const head = chunk.latin1Slice(0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (!head.startsWith("HTTP/1.1 2") || length === null) {
    throw new Error(`an answer that is not good: ${head.slice(0, 80)}`);
  }
  return end + END.length + Number(length[1]);
}
