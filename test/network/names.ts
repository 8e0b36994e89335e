/**
 * A name server that misbehaves by the name that it is asked for: `bad5.n12.slow.test` is the
 * faulty target 5 of network 12, and is answered slowly. Over UDP and TCP, RFC 1035 §4.
 */
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How names are answered, by the label before `test`. */
export type Naming =
  | "well"
  | "none"
  | "failing"
  | "dead"
  | "empty"
  | "slow"
  | "truncated"
  | "flapping"
  | "moving"
  | "sixdead"
  | "sixclosed";

const AT = "127.0.0.66";
const HEAD_BYTES = 12;
const SLOW_MS = 400;
const [A, AAAA] = [1, 28];
const [SERVFAIL, NXDOMAIN, TRUNCATED] = [2, 3, 0x02_00];
/** IPv6 addresses that the link drops, and that a route refuses. */
export const SIX = { sixdead: "fd00::66", sixclosed: "fd99::66" } as const;

export interface NameServer {
  /** Networks whose moving names have their second address by now. */
  readonly moved: Set<number>;
}

interface Question {
  readonly role: number;
  readonly row: number;
  readonly net: number;
  readonly naming: Naming;
  readonly type: number;
  /** Head and question. */
  readonly bytes: Buffer;
}

export async function startNames(): Promise<NameServer> {
  const file = join(tmpdir(), `servers-${process.pid}`);
  writeFileSync(file, `nameserver ${AT}\n`);
  execFileSync("mount", ["--bind", file, "/etc/resolv.conf"]);
  const moved = new Set<number>();
  const asked = new Map<string, number>();
  const answer = (query: Buffer, byTcp: boolean): { reply: Buffer; afterMs: number } | null => {
    const question = read(query);
    if (question === null) return { reply: replyTo(query, NXDOMAIN, []), afterMs: 0 };
    const { naming, bytes, net } = question;
    const key = bytes.toString("latin1", HEAD_BYTES);
    const times = (asked.get(key) ?? 0) + 1;
    asked.set(key, times);
    if (naming === "dead") return null;
    const afterMs = naming === "slow" ? SLOW_MS : 0;
    if (naming === "none") return { reply: replyTo(bytes, NXDOMAIN, []), afterMs };
    const fails = naming === "failing" || (naming === "flapping" && times % 2 === 1);
    if (fails) return { reply: replyTo(bytes, SERVFAIL, []), afterMs };
    if (naming === "truncated" && !byTcp) return { reply: replyTo(bytes, TRUNCATED, []), afterMs };
    const found = addressOf(question, moved.has(net));
    return { reply: replyTo(bytes, 0, found === null ? [] : [found], question.type), afterMs };
  };
  const udp = createSocket("udp4");
  udp.on("message", (query, { port, address }) => {
    const told = answer(query, false);
    if (told !== null) setTimeout(() => udp.send(told.reply, port, address), told.afterMs);
  });
  udp.bind(53, AT);
  await once(udp, "listening");
  const tcp = createServer((socket) => {
    socket.on("error", () => {});
    let pending = Buffer.alloc(0);
    socket.on("data", (data) => {
      pending = Buffer.concat([pending, data]);
      // RFC 7766 §6.2.1.1: several queries may come one behind the other, each with its length.
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE()) {
        const end = 2 + pending.readUInt16BE();
        const told = answer(pending.subarray(2, end), true);
        pending = pending.subarray(end);
        if (told === null) continue;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(told.reply.length);
        socket.write(Buffer.concat([length, told.reply]));
      }
    });
  });
  tcp.listen(53, AT);
  await once(tcp, "listening");
  return { moved };
}

function read(query: Buffer): Question | null {
  const end = query.indexOf(0, HEAD_BYTES) + 5;
  const name = query.toString("latin1", HEAD_BYTES, end - 5);
  const told = /(bad|well)(\d)x(\d+)[^\w]n(\d+)[^\w](\w+)[^\w]test$/.exec(name);
  if (told === null) return null;
  const [, , role, row, net, naming] = told;
  return {
    ...{ role: Number(role), row: Number(row), net: Number(net), naming: naming as Naming },
    ...{ type: query.readUInt16BE(end - 4), bytes: query.subarray(0, end) },
  };
}

/** The bytes of an address; null for a type that the name has no record of. */
function addressOf(question: Question, moved: boolean): Buffer | null {
  const { naming, type, net, row, role } = question;
  if (naming === "empty") return null;
  if (type === A) return Buffer.from([10, net, naming === "moving" && moved ? 4 : role, row]);
  if (type !== AAAA || (naming !== "sixdead" && naming !== "sixclosed")) return null;
  const address = Buffer.alloc(16);
  address.writeUInt16BE(Number.parseInt(SIX[naming].slice(0, 4), 16));
  address[15] = 0x66;
  return address;
}

function replyTo(query: Buffer, flags: number, found: readonly Buffer[], type = A): Buffer {
  const bytes = Buffer.from(query.subarray(0, query.indexOf(0, HEAD_BYTES) + 5));
  bytes.writeUInt16BE(0x81_80 | flags, 2);
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt16BE(found.length, 6);
  bytes.fill(0, 8, HEAD_BYTES);
  // A pointer to the name of the question, type, class IN, a TTL of 1 s, and the length.
  const records = found.map((data) =>
    Buffer.concat([
      Buffer.from([0xc0, HEAD_BYTES, 0, type, 0, 1, 0, 0, 0, 1, 0, data.length]),
      data,
    ]),
  );
  return Buffer.concat([bytes, ...records]);
}
