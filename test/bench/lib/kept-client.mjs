/**
 * Connections to one proxy that are kept, for many small loads one after another.
 *
 * It runs in the process of the bench, whose cost nobody counts, and takes answers of a known
 * length only. A connection that the proxy closed between two loads is opened again.
 */
import { connect } from "node:net";
import { FIELDS, PATH, requestBytes } from "./workloads.mjs";

const END = "\r\n\r\n";
/** More are no matter of chance. */
const LOST_MAX = 200;
const GET = { method: "GET", sentBytes: 0 };

/** `run` sends this many requests and resolves with the last answer; it rejects for a bad one. */
export function keptClient(url, connections, { workload = GET, fields = FIELDS, paths } = {}) {
  const { hostname, port, host } = new URL(url);
  const requests = (paths ?? [PATH]).map((path) => requestBytes(workload, host, fields, path));
  let turn = 0;
  const load = { left: 0, open: 0, resolve: null, reject: null };
  const kept = new Set();
  let closed = false;
  let lost = 0;

  const next = (one) => {
    if (load.left > 0) {
      load.left -= 1;
      load.open += 1;
      one.missing = 0;
      one.waits = true;
      one.socket.write(requests[turn]);
      turn = turn + 1 === requests.length ? 0 : turn + 1;
    } else if (load.open === 0) load.resolve?.();
  };
  const fail = (error) => load.reject?.(error);
  const dial = (asking) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const one = { socket, missing: 0, waits: false };
    kept.add(one);
    if (asking) socket.once("connect", () => next(one));
    socket.on("data", (chunk) => {
      try {
        take(one, chunk);
      } catch (error) {
        fail(error);
        return;
      }
      if (one.missing > 0) return;
      one.waits = false;
      load.open -= 1;
      next(one);
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      kept.delete(one);
      if (closed) return;
      if (one.waits) {
        // A server closes what rests for some seconds, at times just as a request arrives.
        lost += 1;
        load.left += 1;
        load.open -= 1;
        if (lost > LOST_MAX) return void fail(new Error(`${lost} connections broke`));
      }
      dial(one.waits);
    });
  };
  for (let index = 0; index < connections; index += 1) dial(false);

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
