/**
 * Upgrades: tunnels past every rule, requests behind a refused one, and tunnels that never end.
 */
import type { Socket } from "node:net";
import { expect } from "vitest";
import { eventually } from "../../gallery/tools/world.js";
import { atUpgrades, type HostileKind } from "../kind.js";
import { type Ground, type GroundOptions, on, wellAnswered } from "../tools/ground.js";
import {
  answer,
  type Behaviour,
  type Behaviours,
  SWITCHES,
  says,
} from "../tools/hostile-upstream.js";
import { type Part, pause, sendParts } from "../tools/raw-bytes.js";

const pendingOf = ({ gateway }: Ground) => gateway.upstream("app").targets[0]?.pending;
const HIDDEN = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
const KEY = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

const shake = (protocol: string, more = "", path = "/x"): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n` +
  `Upgrade: ${protocol}\r\n${KEY}${more}\r\n`;

interface Shaking extends Partial<HostileKind> {
  readonly behaviours?: Behaviours;
  readonly options?: GroundOptions;
}

function shaking(name: string, all: readonly (readonly Part[])[], more: Shaking = {}): HostileKind {
  const { behaviours = {}, options = {}, ...rest } = more;
  return {
    name,
    from: "client",
    at: atUpgrades,
    ...rest,
    attempt: (door) =>
      on(door, behaviours, options, async ({ port, upstream }) => {
        const came = await Promise.all(all.map((parts) => sendParts(port, parts, 700)));
        const lines = upstream.requests().map(({ line }) => line);
        expect(lines.filter((line) => line.includes("hidden"))).toEqual([]);
        for (const { statuses } of came) expect(statuses).not.toContain(101);
      }),
  };
}

/** What no listener of http-proxy-middleware takes; the last one is left out by its pathFilter. */
const UNTAKEN = ["OPTIONS *", "GET *", "GET http://[::1/x", "GET http://a%2fb/x", "GET /other"];

const untaken = (line: string): string =>
  `${line} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${KEY}\r\n`;

const LEAVES_OUT: GroundOptions = {
  options: { timeouts: { totalMs: 600, responseMs: 500 } },
  hpm: {
    pathFilter: (path: string) => !path.startsWith("/other"),
    router: () => pause(60),
  },
};

const refuses = (status: string): Behaviour => says(answer("no", "", status));

const switching =
  (bytes: string): Behaviour =>
  (socket) =>
    void socket.write(bytes);

export const UPGRADE_KINDS: readonly HostileKind[] = [
  shaking(
    "an upgrade to h2c, alone, in a list or in other words",
    [
      ...["h2c", "H2C", "h2c, websocket2", "foo", "tls/1.0", "h2", "HTTP/2.0", ""].map(
        (protocol) => [
          shake(protocol, "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"),
          50,
          HIDDEN.replace("hidden", "next"),
        ],
      ),
    ],
    { seen: "h2c smuggling (2020)" },
  ),
  shaking(
    "a request behind an upgrade that is refused",
    [
      ...["/400", "/426", "/200", "/500"].map((path) => [shake("websocket", "", path), 80, HIDDEN]),
      ...["/400", "/200"].map((path) => [`${shake("websocket", "", path)}${HIDDEN}`]),
      [shake("websocket", "Sec-WebSocket-Version: 777\r\n", "/426"), 80, HIDDEN],
    ],
    {
      seen: "WebSocket smuggling (2019)",
      behaviours: {
        "/400": refuses("400 Bad Request"),
        "/426": refuses("426 Upgrade Required"),
        "/200": refuses("200 OK"),
        "/500": refuses("500 x"),
      },
    },
  ),
  shaking(
    "an upgrade with a body, and a request in it",
    [
      [
        `${shake("websocket", `Content-Length: ${HIDDEN.length}\r\n`, "/400")}${HIDDEN}`,
        80,
        HIDDEN,
      ],
      [`${shake("websocket", "Transfer-Encoding: chunked\r\n", "/400")}0\r\n\r\n${HIDDEN}`],
      [shake("websocket", "Expect: 100-continue\r\nContent-Length: 90\r\n", "/400"), 80, HIDDEN],
    ],
    { behaviours: { "/400": refuses("400 Bad Request") } },
  ),
  shaking(
    "an answer that switches to what nobody asked for",
    [
      ...["/other", "/none", "/length", "/late"].map((path) => [
        shake("websocket", "", path),
        80,
        HIDDEN,
      ]),
    ],
    {
      from: "upstream",
      behaviours: {
        "/other": switching(SWITCHES.replace("upgrade: websocket", "upgrade: h2c")),
        "/none": switching("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        "/length": switching("HTTP/1.1 200 OK\r\nupgrade: websocket\r\ncontent-length: 0\r\n\r\n"),
        "/late": (socket) => void setTimeout(() => socket.destroy(), 20),
      },
    },
  ),
  {
    name: "bytes of a client before the tunnel is open",
    from: "client",
    at: atUpgrades,
    inherent: "they are the beginning of the tunnel, and reach its upstream alone, behind its 101",
    attempt: (door) =>
      on(door, { "GET /x": says(SWITCHES), hidden: () => {} }, {}, async (ground) => {
        const { statuses } = await sendParts(
          ground.port,
          [`${shake("websocket")}${HIDDEN}`],
          2_000,
        );
        expect(statuses).toEqual([101]);
        // Behind the switch, on the connection of the tunnel, and never on one of its own.
        expect(ground.upstream.connections()).toBe(1);
      }),
  },
  {
    name: "idle tunnels of one client take the places of everybody",
    from: "client",
    at: atUpgrades,
    attempt: (door) =>
      on(
        door,
        {},
        { options: { bulkhead: { concurrencyMax: 3, streamsMax: 4, queueMax: 0 } } },
        async (ground) => {
          const sockets: { destroy(): unknown }[] = [];
          const held = Array.from({ length: 8 }, () =>
            sendParts(
              ground.port,
              [
                shake("websocket"),
                (socket) => {
                  sockets.push(socket);
                  return pause(600);
                },
              ],
              100,
            ),
          );
          await pause(300);
          const answered = await sendParts(
            ground.port,
            ["GET /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
            8_000,
          );
          expect(answered.statuses).toEqual([200]);
          const came = await Promise.all(held);
          const open = came.filter(({ statuses }) => statuses[0] === 101).length;
          expect(open).toBeLessThanOrEqual(4);
          await eventually("they are over", () => pendingOf(ground) === 0);
        },
      ),
  },
  {
    name: "an upgrade that no listener takes keeps its connection",
    from: "client",
    at: atUpgrades,
    attempt: (door) =>
      on(door, {}, LEAVES_OUT, async (ground) => {
        await wellAnswered(ground, door);
        const heads = UNTAKEN.map(untaken);
        const came = await Promise.all(heads.map((head) => sendParts(ground.port, [head], 3_000)));
        const left = came.filter(({ ended, statuses }) => !ended && statuses.length === 0);
        expect(left).toEqual([]);
      }),
  },
  {
    name: "an upgrade whose client resets it before any listener has taken it",
    from: "client",
    seen: "http-proxy-middleware 3",
    at: atUpgrades,
    attempt: (door) =>
      on(door, {}, LEAVES_OUT, async (ground) => {
        const uncaught: string[] = [];
        const hear = (error: Error): void => void uncaught.push(error.message);
        process.on("uncaughtExceptionMonitor", hear);
        try {
          for (const line of [...UNTAKEN, "GET /x"]) {
            const reset = async (socket: Socket): Promise<void> => {
              await pause(30);
              socket.resetAndDestroy();
            };
            await sendParts(ground.port, [untaken(line), reset], 50);
          }
          await pause(150);
        } finally {
          process.off("uncaughtExceptionMonitor", hear);
        }
        expect(uncaught).toEqual([]);
      }),
  },
  {
    name: "a tunnel that is silent, or whose one side is gone",
    from: "client",
    at: atUpgrades,
    attempt: (door) =>
      on(
        door,
        { "/cut": (socket) => void socket.write(SWITCHES, () => socket.resetAndDestroy()) },
        { options: { timeouts: { idleMs: 400, tunnelIdleMs: 400 } as never } },
        async (ground) => {
          const cut = await sendParts(ground.port, [shake("websocket", "", "/cut")], 8_000);
          expect(cut.ended).toBe(true);
          const silent = await sendParts(ground.port, [shake("websocket")], 8_000);
          expect([silent.statuses, silent.ended]).toEqual([[101], true]);
          await wellAnswered(ground, door);
        },
      ),
  },
];
