/**
 * Limits that somebody fills on purpose: who comes then is refused, and once the places are left
 * they are there for others again.
 */
import { expect } from "vitest";
import type { Door } from "../../doors/door.js";
import { eventually } from "../../gallery/tools/world.js";
import { atUpgrades, type HostileKind, notUpgrades, ownEngine } from "../kind.js";
import { type Ground, on } from "../tools/ground.js";
import { SWITCHES, says } from "../tools/hostile-upstream.js";
import { sendParts } from "../tools/raw-bytes.js";

const PLACES = 2;
const EVENTS = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n";
const LONG = { responseMs: 20_000, idleMs: 20_000, totalMs: 30_000, tunnelIdleMs: 20_000 };

const pendingOf = ({ gateway }: Ground): number => gateway.upstream("app").targets[0]?.pending ?? 0;

/** Takes places, and gives them back by leaving. */
type Take = (ground: Ground) => { leave(): void; readonly over: Promise<unknown> };

const asking =
  (path: string): Take =>
  ({ ask }) => {
    let leave = (): void => {};
    const over = ask(
      { path },
      { limitMs: 20_000, onCaller: (caller) => (leave = () => caller.destroy()) },
    );
    return { leave: () => leave(), over };
  };

const HANDSHAKE =
  "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const upgrading: Take = ({ port }) => {
  let leave = (): void => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const hold = (): Promise<void> => left;
  return { leave, over: sendParts(port, [HANDSHAKE, hold], 50) };
};

interface Filled {
  readonly take: Take;
  readonly options: object;
  /** The code by which the next one is refused. */
  readonly code: RegExp;
  readonly at: (door: Door) => boolean;
}

function filled(option: string, { take, options, code, at }: Filled): HostileKind {
  return {
    name: `${option} is filled by one client, refuses the next, and opens again when it leaves`,
    from: "client",
    at,
    attempt: (door) =>
      on(
        door,
        { "/hold": () => {}, "/events": says(EVENTS), "GET /x ": says(SWITCHES) },
        { options: { timeouts: LONG, ...options } },
        async (ground) => {
          for (let round = 0; round < 2; round += 1) {
            const taken = Array.from({ length: PLACES }, () => take(ground));
            await eventually("the places are taken", () => pendingOf(ground) === PLACES);
            const before = ground.records.length;
            const next = take(ground);
            await eventually("the next one is refused", () => ground.records.length > before);
            expect(ground.records.at(-1)?.code).toMatch(code);
            for (const one of [...taken, next]) one.leave();
            await Promise.all([...taken, next].map(({ over }) => over));
            await eventually("the places are left", () => pendingOf(ground) === 0);
          }
        },
      ),
  };
}

export const EXIT_KINDS: readonly HostileKind[] = [
  filled("bulkhead.concurrencyMax", {
    take: asking("/hold"),
    options: { bulkhead: { concurrencyMax: PLACES, queueMax: 0 } },
    code: /^bulkhead_full$/,
    at: notUpgrades,
  }),
  filled("bulkhead.queueMax", {
    take: asking("/hold"),
    options: { bulkhead: { concurrencyMax: PLACES, queueMax: 1, queueMs: 200 } },
    code: /^bulkhead_queue_timeout$/,
    at: notUpgrades,
  }),
  filled("bulkhead.streamsMax", {
    take: asking("/events"),
    options: { bulkhead: { concurrencyMax: 9, streamsMax: PLACES, queueMax: 0 } },
    code: /^bulkhead_full$/,
    // What a foreign fetch and a dispatcher of others have answered is theirs already.
    at: (door) => notUpgrades(door) && door.engine !== "foreign fetch",
  }),
  filled("limits.connectionsMax", {
    take: asking("/hold"),
    options: {
      bulkhead: false,
      limits: { connectionsMax: PLACES },
      timeouts: { ...LONG, connectMs: 300 },
    },
    code: /^connection_pool_timeout$/,
    at: ownEngine,
  }),
  filled("limits.upgradesMax", {
    take: upgrading,
    options: { limits: { upgradesMax: PLACES } },
    code: /./,
    at: atUpgrades,
  }),
];
