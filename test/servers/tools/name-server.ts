/**
 * A name server that gives one answer to every question: an IPv4 address, "no such name", or none.
 */
import { createSocket } from "node:dgram";
import type { Stage } from "./stage.js";

const HEAD_BYTES = 12;
/** A response to a query that wanted recursion, which is at hand. */
const ANSWERED = 0x8180;
const NAME_ERROR = 3;
const TYPE_A = 1;

/** Four bytes of an address; an empty list for a name that does not exist; null for silence. */
export type NameAnswer = () => readonly number[] | null;

/** Resolves with its port on 127.0.0.1. */
export async function nameServer(stage: Stage, answer: NameAnswer): Promise<number> {
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => {
    const found = answer();
    if (found !== null) socket.send(answerTo(query, found), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  stage.later(() => socket.close());
  return socket.address().port;
}

/** RFC 1035 §4.1: the head, the question as it came, and at most one record that points to it. */
function answerTo(query: Buffer, address: readonly number[]): Buffer {
  const question = query.subarray(HEAD_BYTES, endOfQuestion(query));
  const isA = question.readUInt16BE(question.length - 4) === TYPE_A;
  const record = isA && address.length > 0;
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt16BE(query.readUInt16BE(0), 0);
  head.writeUInt16BE(ANSWERED | (address.length > 0 ? 0 : NAME_ERROR), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(record ? 1 : 0, 6);
  // A pointer to the name of the question, type A, class IN, 60 s, four bytes.
  const found = [0xc0, HEAD_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4, ...address];
  return Buffer.concat([head, question, Buffer.from(record ? found : [])]);
}

function endOfQuestion(query: Buffer): number {
  let at = HEAD_BYTES;
  while ((query[at] ?? 0) !== 0) at += (query[at] ?? 0) + 1;
  return at + 1 + 4;
}
