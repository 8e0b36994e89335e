/**
 * A name server for tests: answers A, AAAA and SRV over UDP from records that the test changes.
 * Messages are read and written byte by byte, RFC 1035 §4.
 */
import { createSocket } from "node:dgram";
import type { AddressInfo } from "node:net";

export interface DnsRecord {
  readonly type: "A" | "AAAA" | "SRV";
  /** An address, or `priority weight port name`. */
  readonly data: string;
  /** Seconds. */
  readonly ttl: number;
}

export interface DnsServer {
  /** Its address, as `setServers` takes it. */
  readonly at: string;
  /** What each name has; changed at any time. */
  readonly records: Map<string, readonly DnsRecord[]>;
  /** What is answered to every question in place of an answer: 2 is SERVFAIL. */
  failure: number;
  /** The same for single names, or questions such as `AAAA orders.test`. */
  readonly failures: Map<string, number>;
  /** Names, or such questions, that are never answered. */
  readonly silent: Set<string>;
  /** Questions so far, such as `A orders.test`. */
  readonly asked: string[];
  close(): void;
}

const TYPES = { A: 1, AAAA: 28, SRV: 33 } as const;
const NXDOMAIN = 3;

export async function dnsServer(): Promise<DnsServer> {
  const socket = createSocket("udp4");
  const records = new Map<string, readonly DnsRecord[]>();
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const server: DnsServer = {
    at: `127.0.0.1:${(socket.address() as AddressInfo).port}`,
    records,
    failure: 0,
    failures: new Map(),
    silent: new Set(),
    asked: [],
    close: () => socket.close(),
  };
  socket.on("message", (query, from) => {
    const { name, type, end } = readQuestion(query);
    const asked = Object.entries(TYPES).find(([, number]) => number === type)?.[0] ?? `${type}`;
    server.asked.push(`${asked} ${name}`);
    const question = `${asked} ${name}`;
    if (server.silent.has(name) || server.silent.has(question)) return;
    const failure = server.failures.get(question) ?? server.failures.get(name) ?? server.failure;
    const known = records.get(name);
    const found = (known ?? []).filter((record) => TYPES[record.type] === type);
    const code = failure > 0 ? failure : known === undefined ? NXDOMAIN : 0;
    const answers = code === 0 ? found.map(answer) : [];
    socket.send(reply(query.subarray(0, end), code, answers), from.port, from.address);
  });
  return server;
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join("."), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** Header and question as they came, with the bits of an answer. */
function reply(question: Buffer, code: number, answers: readonly Buffer[]): Buffer {
  const head = Buffer.from(question);
  head.writeUInt16BE(0x81_80 | code, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(answers.length, 6);
  head.writeUInt16BE(0, 8);
  head.writeUInt16BE(0, 10);
  return Buffer.concat([head, ...answers]);
}

function answer({ type, data, ttl }: DnsRecord): Buffer {
  const rdata = DATA[type](data);
  const head = Buffer.alloc(12);
  // The name is that of the question, which begins at byte 12.
  head.writeUInt16BE(0xc0_0c, 0);
  head.writeUInt16BE(TYPES[type], 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(rdata.length, 10);
  return Buffer.concat([head, rdata]);
}

const DATA: Readonly<Record<DnsRecord["type"], (data: string) => Buffer>> = {
  A: (data) => Buffer.from(data.split(".").map(Number)),
  AAAA(data) {
    const [left = "", right = ""] = data.split("::");
    const groups = (text: string): number[] =>
      text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
    const [front, back] = [groups(left), groups(right)];
    const all = [...front, ...Array(8 - front.length - back.length).fill(0), ...back];
    return Buffer.from(all.flatMap((group: number) => [group >> 8, group & 0xff]));
  },
  SRV(data) {
    const [priority = 0, weight = 0, port = 0] = data.split(" ").slice(0, 3).map(Number);
    const numbers = Buffer.alloc(6);
    [priority, weight, port].forEach((number, index) => {
      numbers.writeUInt16BE(number, index * 2);
    });
    const labels = (data.split(" ")[3] ?? "").split(".").map((label) => {
      return Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")]);
    });
    return Buffer.concat([numbers, ...labels, Buffer.from([0])]);
  },
};
