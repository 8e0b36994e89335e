/**
 * The name server of the soak: knows one name, and answers in all the ways in which name servers
 * fail.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";

const RECORD = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
const A = 1;

/** By the question and the addresses; null for no answer. */
const WAYS = {
  well: (query, addresses) => answer(query, 0x81_80, addresses),
  silent: () => null,
  failing: (query) => answer(query, 0x81_82, []),
  absent: (query) => answer(query, 0x81_83, []),
  refusing: (query) => answer(query, 0x81_85, []),
  empty: (query) => answer(query, 0x81_80, []),
  garbage: (query) => Buffer.concat([query.subarray(0, 2), Buffer.alloc(40, 0xff)]),
};

export const NAME_FAULTS = Object.keys(WAYS).filter((way) => way !== "well");

/** `way` may be set to any of them. */
export async function startNameServer(addresses) {
  const socket = createSocket("udp4");
  const made = { way: "well", origin: "", close: () => socket.close() };
  socket.on("message", (query, { port, address }) => {
    const answered = WAYS[made.way](query, addresses);
    if (answered !== null) socket.send(answered, port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  made.origin = `127.0.0.1:${socket.address().port}`;
  return made;
}

function answer(query, flags, addresses) {
  const end = query.indexOf(0, 12) + 5;
  const head = Buffer.from(query.subarray(0, end));
  const found = head.readUInt16BE(end - 4) === A ? addresses : [];
  head.writeUInt16BE(flags, 2);
  head.writeUInt16BE(found.length, 6);
  head.fill(0, 8, 12);
  const records = found.map((one) =>
    Buffer.concat([RECORD, Buffer.from(one.split(".").map(Number))]),
  );
  return Buffer.concat([head, ...records]);
}
