/**
 * Clients of HTTP/2: floods of real frames, and heads that would be something else in HTTP/1.1.
 * After each the next client is served, and what was sent upstream is bounded and well-formed.
 */
import { expect } from "vitest";
import { data, frame, head, rawRequest } from "../../gallery/http2/raw-http2.js";
import { eventually } from "../../gallery/tools/world.js";
import { type HostileKind, overHttp2 } from "../kind.js";
import { type Ground, on, wellAnswered } from "../tools/ground.js";
import { answer, says } from "../tools/hostile-upstream.js";
import {
  flood,
  get,
  http2Socket,
  NONE,
  SETTINGS,
  settings,
  T,
  uint32,
} from "../tools/http2-bytes.js";
import { pause } from "../tools/raw-bytes.js";

type Part = (turn: number) => Buffer;

interface Flood extends Partial<HostileKind> {
  readonly first?: Buffer;
  readonly bytesMax?: number;
  /** The server must end it, not only bear it. */
  readonly ends?: true;
  readonly judge?: (ground: Ground) => void;
}

/** Seen with Node 20: it reads no more of such a connection, and does not close it either. */
const STAYS = {
  inherent:
    "Node answers, and then keeps the connection of a client that has broken the protocol, with " +
    "or without a gateway; maxConnections of the server bounds them, others are served",
} as const;

/** Frames without an end over one connection; others are served meanwhile and afterwards. */
function floods(name: string, parts: readonly Part[], more: Flood = {}): HostileKind {
  const { first = SETTINGS, bytesMax = 150_000, ends, judge = () => {}, ...rest } = more;
  return {
    name,
    from: "client",
    at: overHttp2,
    ...rest,
    attempt: (door) =>
      on(door, {}, { clientsStay: rest.inherent !== undefined }, async (ground) => {
        for (const part of parts) {
          const socket = await http2Socket(ground.port, first);
          const flooding = flood(socket, part, bytesMax);
          await wellAnswered(ground, door);
          const { ended } = await flooding;
          if (ends) expect(ended, "the connection was ended").toBe(true);
          judge(ground);
          socket.destroy();
          await wellAnswered(ground, door);
        }
      }),
  };
}

const odd = (turn: number): number => 2 * turn + 1;
const field = Buffer.concat([
  Buffer.from([0, 3]),
  Buffer.from("x-a"),
  Buffer.from([100]),
  Buffer.alloc(100, "b"),
]);
/** Twice a kilobyte in the dynamic table, and then as often as fits into a frame, a byte each. */
const BOMB = Buffer.concat([
  Buffer.from([0x82, 0x86, 0x84, 0x41, 0x01, 0x61]),
  Buffer.from([0x40, 3]),
  Buffer.from("x-b"),
  Buffer.from([0x7f, 0xa1, 0x1e]),
  Buffer.alloc(4_000, "b"),
  Buffer.alloc(16_000, 0xbe),
]);
const request = (stream: number, end = true): Buffer => {
  const bytes = get(stream, `/flood-${stream}-`);
  if (!end) bytes[4] = (bytes[4] as number) & ~1;
  return bytes;
};
const reset = (stream: number): Buffer => frame(T.reset, 0, stream, uint32(8));
const pendingOf = ({ gateway }: Ground): number => gateway.upstream("app").targets[0]?.pending ?? 0;
/** Requests that the upstream was sent, those of the good clients left out. */
const sentBy = ({ upstream }: Ground): number =>
  upstream.requests().filter(({ line }) => line.includes("/flood-")).length;

const FLOODS: readonly HostileKind[] = [
  floods(
    "HTTP/2: CONTINUATION without an end",
    [
      (turn) =>
        turn === 0
          ? frame(T.headers, 0, 1, Buffer.from([0x82, 0x86, 0x84]))
          : frame(T.continuation, 0, 1, Buffer.concat(Array.from({ length: 100 }, () => field))),
      (turn) =>
        turn === 0
          ? frame(T.headers, 0, 1, Buffer.from([0x82]))
          : frame(T.continuation, 0, 1, NONE),
    ],
    { seen: "CVE-2024-27983 (Node), CVE-2024-27316 (Apache)", bytesMax: 150_000 },
  ),
  floods(
    "HTTP/2: a head that grows when it is decoded",
    [(turn) => frame(T.headers, 5, odd(turn), BOMB)],
    {
      ...STAYS,
      seen: "HPACK bomb, CVE-2016-6581",
      bytesMax: 100_000,
      judge: (ground) => expect(sentBy(ground)).toBe(0),
    },
  ),
  floods(
    "HTTP/2: requests that are reset at once",
    [(turn) => Buffer.concat([request(odd(turn)), reset(odd(turn))])],
    {
      ...STAYS,
      seen: "CVE-2023-44487 (rapid reset)",
      bytesMax: 80_000,
      judge: (ground) => expect(pendingOf(ground)).toBeLessThan(300),
    },
  ),
  floods(
    "HTTP/2: requests that the server is made to reset",
    [
      (turn) =>
        Buffer.concat([request(odd(turn), false), frame(T.window, 0, odd(turn), uint32(0))]),
      (turn) => Buffer.concat([request(odd(turn)), frame(T.data, 0, odd(turn), Buffer.from("x"))]),
      (turn) =>
        Buffer.concat([request(odd(turn)), frame(T.priority, 0, odd(turn), uint32(odd(turn)))]),
    ],
    { ...STAYS, seen: "CVE-2025-8671 (MadeYouReset)", bytesMax: 100_000 },
  ),
  floods("HTTP/2: SETTINGS without an end", [() => settings([3, 100], [4, 65_535], [1, 4_096])], {
    seen: "CVE-2019-9515",
    bytesMax: 100_000,
  }),
  floods("HTTP/2: PING without an end", [() => frame(T.ping, 0, 0, Buffer.alloc(8))], {
    seen: "CVE-2019-9512",
    bytesMax: 100_000,
  }),
  floods(
    "HTTP/2: empty DATA, HEADERS and PRIORITY frames without an end",
    [
      (turn) => (turn === 0 ? request(1, false) : frame(T.data, 0, 1, NONE)),
      (turn) => frame(T.priority, 0, odd(turn % 5_000), Buffer.alloc(5)),
      (turn) => frame(T.headers, 5, odd(turn), NONE),
    ],
    { seen: "CVE-2019-9513, CVE-2019-9518", bytesMax: 150_000 },
  ),
  floods(
    "HTTP/2: windows that are opened too far",
    [
      () => frame(T.window, 0, 0, uint32(0x7fffffff)),
      (turn) => (turn === 0 ? request(1, false) : frame(T.window, 0, 1, uint32(0x7fffffff))),
    ],
    { seen: "CVE-2026-21714 (Node)", bytesMax: 100_000 },
  ),
  floods(
    "HTTP/2: names of fields without a length, and frames that are none",
    [
      (turn) => frame(T.headers, 5, odd(turn), Buffer.from([0x82, 0x86, 0x84, 0, 0, 1, 97])),
      () => frame(0x99, 0xff, 7, Buffer.alloc(500)),
      () => frame(T.headers, 0x2d, 1, Buffer.from([255, 0, 0, 0, 1, 1])),
      () => frame(T.goaway, 0, 0, Buffer.alloc(8)),
      () => frame(T.push, 4, 1, Buffer.alloc(10)),
    ],
    { ...STAYS, seen: "CVE-2019-9516, CVE-2025-59465 (Node)", bytesMax: 100_000 },
  ),
  {
    name: "HTTP/2: many streams that read nothing",
    from: "client",
    seen: "CVE-2019-9517",
    at: overHttp2,
    attempt: (door) =>
      on(
        door,
        { "/big": says(answer("x".repeat(300_000))) },
        { options: { timeouts: { clientMs: 500, responseMs: 8_000, totalMs: 12_000 } } },
        async (ground) => {
          const socket = await http2Socket(ground.port, settings([4, 0]));
          for (let stream = 1; stream < 100; stream += 2) socket.write(get(stream, "/big"));
          await pause(300);
          await wellAnswered(ground, door);
          await eventually("they are given up", () => pendingOf(ground) === 0);
          socket.destroy();
        },
      ),
  },
  {
    name: "HTTP/2: uploads that stop, and streams that are never ended",
    from: "client",
    at: overHttp2,
    attempt: (door) =>
      on(door, {}, { options: { timeouts: { clientMs: 300 } } }, async (ground) => {
        const socket = await http2Socket(ground.port);
        for (let stream = 1; stream < 60; stream += 2) {
          socket.write(Buffer.concat([request(stream, false), data(stream, "x", false)]));
        }
        await eventually("they are asked", () => pendingOf(ground) > 0);
        await eventually("they are given up", () => pendingOf(ground) === 0);
        await wellAnswered(ground, door);
        socket.destroy();
      }),
  },
];

const BASE = [
  [":method", "POST"],
  [":scheme", "http"],
  [":authority", "edge.example"],
  [":path", "/x"],
] as const;

type Pairs = readonly (readonly [string, string])[];
const changed = (name: string, value: string): Pairs =>
  BASE.map(([one, before]) => [one, one === name ? value : before] as const);

/** Heads, and a body that is another request; nothing of it may be one for the upstream. */
function downgrade(
  name: string,
  heads: readonly Pairs[],
  more: Partial<HostileKind> = {},
): HostileKind {
  return {
    name,
    from: "client",
    at: overHttp2,
    ...more,
    attempt: (door) =>
      on(door, {}, {}, async ({ port, upstream }) => {
        const hidden = "GET /hidden HTTP/1.1\r\nhost: a\r\n\r\n";
        await Promise.all(
          heads.map((fields) => rawRequest(port, [head(1, fields), data(1, hidden)], 800)),
        );
        for (const { line, field } of upstream.requests()) {
          expect(line).not.toContain("hidden");
          expect(line).toMatch(/^\S+ \/\S* HTTP\/1\.1$/);
          expect([field("x-admin"), field("transfer-encoding") === "chunked, x"]).toEqual([
            undefined,
            false,
          ]);
        }
      }),
  };
}

const SPLITS = [
  "a\r\nx-admin: 1",
  "a\nx-admin: 1",
  "a\rx-admin: 1",
  "a\0b",
  "a\r\n\r\nGET /hidden HTTP/1.1\r\n",
];

export const HTTP2_CLIENT_KINDS: readonly HostileKind[] = [
  ...FLOODS,
  downgrade(
    "HTTP/2 to HTTP/1.1: line breaks in values and names",
    [
      ...SPLITS.map((split): Pairs => [...BASE, ["x-a", split]]),
      ...SPLITS.map((split): Pairs => [...BASE, [`x-${split}`, "a"]]),
      [...BASE, ["x-a: b\r\nx-admin", "1"]],
      [...BASE, ["X-Upper", "1"]],
      [...BASE, ["x a", "1"]],
    ],
    { seen: "H2.X injection (Kettle 2021)" },
  ),
  downgrade(
    "HTTP/2 to HTTP/1.1: line breaks and spaces in pseudo-fields",
    [
      ...[":method", ":path", ":authority", ":scheme"].flatMap((name) =>
        [...SPLITS, "GET /hidden HTTP/1.1", "/hidden HTTP/1.1\r\nx: y", "", "*"].map((one) =>
          changed(name, one),
        ),
      ),
      changed(":scheme", "http://evil/hidden?"),
      changed(":path", "http://evil/hidden"),
      changed(":path", "//evil"),
    ],
    { seen: "CVE-2021-39240 to 39242 (HAProxy)" },
  ),
  downgrade(
    "HTTP/2 to HTTP/1.1: lengths and codings of another body",
    [
      [...BASE, ["content-length", "0"]],
      [...BASE, ["content-length", "5"]],
      [...BASE, ["content-length", "999"]],
      [...BASE, ["content-length", "5"], ["content-length", "0"]],
      [...BASE, ["content-length", "0\r\nx-admin: 1"]],
      [...BASE, ["transfer-encoding", "chunked"]],
      [...BASE, ["transfer-encoding", "chunked, x"]],
      [...BASE, ["connection", "transfer-encoding"], ["te", "gzip"]],
    ],
    { seen: "H2.CL, H2.TE; CVE-2021-21295 (Netty)" },
  ),
  downgrade("HTTP/2 to HTTP/1.1: two authorities, and pseudo-fields twice or too late", [
    [...BASE, ["host", "evil.example"]],
    [...BASE, [":authority", "evil.example"]],
    [...BASE, [":path", "/hidden"]],
    [["x-a", "b"], ...BASE],
    [...BASE, [":status", "200"]],
    [...BASE, [":protocol", "websocket"]],
    BASE.filter(([name]) => name !== ":path"),
    changed(":authority", "a@b"),
    [...changed(":authority", ""), ["host", "evil/../x"]],
  ]),
  downgrade("HTTP/2 to HTTP/1.1: upgrades and a thousand cookies", [
    [...BASE, ["upgrade", "websocket"], ["connection", "upgrade"]],
    changed(":method", "CONNECT"),
    [...BASE, ...Array.from({ length: 900 }, (_, at) => ["cookie", `a${at}=b`] as const)],
  ]),
];
