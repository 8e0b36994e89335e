/**
 * Upstreams of HTTP/2 that send what no server would, with real frames. Each call ends, the
 * process lives, and what was opened is closed.
 */

import type { Socket } from "node:net";
import { expect } from "vitest";
import type { Door } from "../../doors/door.js";
import { data, frame, head } from "../../gallery/http2/raw-http2.js";
import { eventually, world } from "../../gallery/tools/world.js";
import { type HostileKind, ownEngine } from "../kind.js";
import { flood, frameServer, NONE, SETTINGS, settings, T, uint32 } from "../tools/http2-bytes.js";

type Hostile = (socket: Socket, stream: number) => void;

interface More extends Partial<HostileKind> {
  readonly first?: Buffer;
  readonly retry?: object;
  /** Connections that may have been made for two calls. */
  readonly most?: number;
}

async function against(door: Door, hostile: Hostile, { first, retry, most = 12 }: More) {
  const server = await frameServer(hostile, first ?? SETTINGS);
  const ground = await world({
    door,
    targets: () => server.origin,
    options: {
      allowH2: "h2c",
      retry: (retry ?? false) as never,
      timeouts: { connectMs: 800, responseMs: 800, idleMs: 800, totalMs: 2_500 },
      limits: { responseBodyBytesMax: 300_000 },
    },
    sent: () => 0,
    cleanUp: () => server.close(),
  });
  try {
    for (let call = 0; call < 2; call += 1) {
      const { ending, status } = await ground.ask({ path: `/x-${call}` }, { limitMs: 6_000 });
      expect(ending).not.toBe("hung");
      expect(ending === "whole" && status === 200).toBe(false);
    }
    expect(server.connections()).toBeLessThanOrEqual(most);
    await eventually(
      "nothing is pending",
      () => ground.gateway.upstream("app").targets[0]?.pending === 0,
    );
  } finally {
    await ground.close().finally(() => server.close().catch(() => {}));
  }
}

function upstreams(name: string, hostiles: readonly Hostile[], more: More = {}): HostileKind {
  const { first: _first, retry: _retry, most: _most, ...rest } = more;
  return {
    name: `HTTP/2 upstream: ${name}`,
    from: "upstream",
    at: ownEngine,
    ...rest,
    async attempt(door) {
      for (const hostile of hostiles) await against(door, hostile, more);
    },
  };
}

const without =
  (part: (stream: number, turn: number) => Buffer): Hostile =>
  (socket, stream) =>
    void flood(socket, (turn) => part(stream, turn), 3_000_000, 5_000);
const once =
  (part: (stream: number) => Buffer): Hostile =>
  (socket, stream) =>
    void socket.write(part(stream));

const OK = [[":status", "200"]] as const;

export const HTTP2_UPSTREAM_KINDS: readonly HostileKind[] = [
  upstreams("CONTINUATION without an end", [
    without((stream, turn) =>
      turn === 0
        ? frame(T.headers, 0, stream, Buffer.from([0x88]))
        : frame(
            T.continuation,
            0,
            stream,
            Buffer.concat([Buffer.from([0, 1, 97, 100]), Buffer.alloc(100, "b")]),
          ),
    ),
  ]),
  upstreams("a head that grows when it is decoded", [
    once((stream) =>
      frame(
        T.headers,
        4,
        stream,
        Buffer.concat([
          Buffer.from([0x88, 0x40, 3]),
          Buffer.from("x-b"),
          Buffer.from([0x7f, 0xa1, 0x1e]),
          Buffer.alloc(4_000, "b"),
          Buffer.alloc(12_000, 0xbe),
        ]),
      ),
    ),
  ]),
  upstreams(
    "streams that are refused for ever",
    [
      once((stream) => frame(T.reset, 0, stream, uint32(7))),
      once((stream) => frame(T.reset, 0, stream, uint32(11))),
    ],
    { retry: { attemptsMax: 3 } },
  ),
  upstreams(
    "GOAWAY at once, again and again",
    [
      once(() => frame(T.goaway, 0, 0, Buffer.concat([uint32(0), uint32(0)]))),
      once(() =>
        frame(T.goaway, 0, 0, Buffer.concat([uint32(0), uint32(11), Buffer.alloc(10_000, "x")])),
      ),
    ],
    { retry: { attemptsMax: 3 } },
  ),
  upstreams("SETTINGS, PING and empty frames without an end", [
    without(() => settings([3, 1], [4, 65_535])),
    without(() => frame(T.ping, 0, 0, Buffer.alloc(8))),
    without((stream, turn) => (turn === 0 ? head(stream, OK) : frame(T.data, 0, stream, NONE))),
  ]),
  upstreams("no streams at all, and windows that stay shut", [() => {}], {
    first: settings([3, 0], [4, 0]),
  }),
  upstreams("interim answers without an end", [
    without((stream) =>
      head(stream, [
        [":status", "103"],
        ["x", "y"],
      ]),
    ),
  ]),
  upstreams("a body without an end, or beyond its length", [
    without((stream, turn) =>
      turn === 0 ? head(stream, OK) : frame(T.data, 0, stream, Buffer.alloc(1_000)),
    ),
    once((stream) =>
      Buffer.concat([head(stream, [...OK, ["content-length", "3"]]), data(stream, "hello")]),
    ),
    once((stream) =>
      Buffer.concat([head(stream, [...OK, ["content-length", "9"]]), data(stream, "hello")]),
    ),
  ]),
  upstreams("pushed answers, streams of others, and frames that are none", [
    once((stream) => frame(T.push, 4, stream, Buffer.concat([uint32(2), Buffer.from([0x82])]))),
    once(() => Buffer.concat([head(2, OK), data(2, "poison")])),
    once((stream) => Buffer.concat([data(stream, "early"), head(stream, OK, true)])),
    once(() => Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")),
    once((stream) =>
      frame(T.headers, 4, stream, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x0f])),
    ),
  ]),
  upstreams("a head that could be no head of HTTP/1.1", [
    once((stream) => head(stream, [[":status", "99"]], true)),
    once((stream) => head(stream, [[":status", "abc"]], true)),
    once((stream) => head(stream, [["x-a", "b"]], true)),
    once((stream) => head(stream, [...OK, [":status", "204"]], true)),
    once((stream) => head(stream, [...OK, ["transfer-encoding", "chunked"]], true)),
    once((stream) => head(stream, [...OK, ["content-length", "1"], ["content-length", "2"]], true)),
  ]),
];
