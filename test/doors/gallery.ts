/**
 * The whole gallery of failures as promises of every door: what the caller is told, what the
 * upstream has seen, and what the record of the call says.
 */
import { FAILURES, type FailureCode, type FailureRow } from "good-gateway";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMISSION } from "../gallery/rows/admission.js";
import { CONNECT } from "../gallery/rows/connect.js";
import { EXCHANGE } from "../gallery/rows/exchange.js";
import { HTTP2 } from "../gallery/rows/http2.js";
import { RECEIVE } from "../gallery/rows/receive.js";
import { answerConnects, answerLookups } from "../gallery/tools/below-node.js";
import { type Play, provoke, type Row, type Shown } from "../gallery/tools/provoke.js";
import { limiter } from "../gallery/tools/world.js";
import type { Door, DoorEngine, DoorKind } from "./door.js";
import { seenBy } from "./seen-by.js";
import { takesTurn } from "./turns.js";

export const GALLERY: readonly Row[] = [
  ...CONNECT,
  ...ADMISSION,
  ...EXCHANGE,
  ...HTTP2,
  ...RECEIVE,
];

/** Cases at once: most of them wait for a timeout. */
const AT_ONCE = 12;
/** Every play of every row at every door takes minutes; `npm test` asks some doors for one each. */
const LONG = process.env["DOORS_LONG"] === "1";

/** Plays that a busy machine has spoilt are played again. */
const STARVED_MS = 60_000;

interface Cell {
  readonly door: Door;
  readonly row: Row;
  readonly play: Play;
}

/** Plays these rows at these doors, each failure as a test. */
export function showGallery(doors: readonly Door[], rows: readonly Row[]): void {
  const cells = doors
    .flatMap((door) => rows.map((row) => ({ door, row })))
    .filter(({ door, row }) => cannot(row, door) === null && isAsked(row, door));
  const shown = new Map<string, Promise<Shown>>();
  const undo: (() => void)[] = [];

  beforeAll(async () => {
    undo.push(answerLookups(), await answerConnects());
    const limit = limiter(rows.some(({ alone }) => alone === true) ? 1 : AT_ONCE);
    for (const { door, row } of cells.filter((one) => one.door.absent === undefined)) {
      for (const play of playsOf(row, door)) {
        const one = limit(() => provoke({ ...row, ...seenBy(door, row.code) }, play, door));
        // Whoever awaits it gets the error; until then nobody does.
        one.catch(() => {});
        shown.set(nameOf({ door, row, play }), one);
      }
    }
  });

  afterAll(() => {
    for (const one of undo) one();
  });

  const asked = doors.filter((door) => cells.some((one) => one.door === door));
  describe.each(asked.map((door) => [door.name, door] as const))("%s", (_name, door) => {
    for (const { row } of cells.filter((one) => one.door === door)) {
      it.skipIf(door.absent !== undefined)(row.code, { timeout: STARVED_MS }, async () => {
        for (const play of playsOf(row, door)) {
          const seen = await (shown.get(nameOf({ door, row, play })) as Promise<Shown>);
          const wanted = expected({ door, row, play });
          expect(only(seen, wanted), `${play}: ${seen.raw}`).toEqual(wanted);
        }
      });
    }
  });
}

function nameOf({ door, row, play }: Cell): string {
  return `${door.name} ${row.code} ${play}`;
}

/** What was seen of what is asked for, so that a failed test shows no more. */
function only(seen: Shown, wanted: object): object {
  const records = seen.records.map(({ code, blame }) => ({ code, blame }));
  const all: object = { ...seen, records };
  return Object.fromEntries(Object.entries(all).filter(([name]) => name in wanted));
}

/** What needs the whole process takes seconds; it is asked at the first door over an engine. */
function isAsked(row: Row, door: Door): boolean {
  if (door.name === "nodeProxy" || door.absent !== undefined || LONG) return true;
  const shown = (other: Door) => cannot(row, other) === null;
  if (!takesTurn(door, GALLERY.indexOf(row), shown)) return false;
  return row.alone !== true || door.first === true;
}

/** All doors over one engine share what a play shows, but for the first of them. */
function playsOf(row: Row, door: Door): readonly Play[] {
  if (door.name === "nodeProxy") return ["idempotent", "post", "breaker"];
  if (LONG || (door.first === true && row.alone !== true)) return ["idempotent", "post"];
  return GALLERY.indexOf(row) % 2 === 0 || row.alone === true ? ["post"] : ["idempotent"];
}

/** What only a client of a proxy can do. */
const OF_CLIENTS: ReadonlySet<FailureCode> = new Set([
  "load_shed",
  "rate_limited",
  "request_denied",
  "request_header_too_large",
  "bad_request",
  "request_body_too_large",
  "only_if_cached",
  "loop_detected",
  "proxy_internal_error",
  "client_stalled",
  "received_expectation_failed",
  "request_body_timeout",
]);
const OF_BODIES = /body|while_sending|write_timeout|transfer_coding|trailer|stalled$|expectation/;
const OF_HTTP2 = /^stream_|^enhance|^http2_/;

/** What is a matter of a connection that a request is sent over, and not of the request. */
const OF_CONNECTIONS: ReadonlySet<FailureCode> = new Set([
  "connection_pool_timeout",
  "stale_connection",
]);

/** What a server of Requests has decided before there is a Request. */
const OF_REQUESTS: ReadonlyMap<FailureCode, string> = new Map([
  ["request_header_too_large", "server"],
  ["received_expectation_failed", "server"],
  ["upgrade_refused", "upgrade"],
  // A URL has no segments that climb.
  ["bad_request", "URL"],
]);

type CannotOf = (code: FailureCode, door: Door) => string | null;

const OF_KIND: Readonly<Record<DoorKind, CannotOf>> = {
  proxy: (code, { http2, requests }) => {
    if (requests === true) return OF_REQUESTS.get(code) ?? null;
    if (http2 === true && code === "upgrade_refused") return "HTTP/1.1";
    // The limits of a head are settings of Node's HTTP/2, which ends the session.
    return http2 === true && code === "request_header_too_large" ? "session" : null;
  },
  upgrade: (code) => {
    if (OF_BODIES.test(code)) return "body";
    if (OF_HTTP2.test(code)) return "HTTP/1.1";
    // The answers of its row are a switch, and an upgrade's connection is its own.
    return code === "http_upgrade_failed" || code === "stale_connection" ? "accepted" : null;
  },
  caller: (code) => {
    if (OF_CLIENTS.has(code)) return "client";
    return code === "upgrade_refused" || code === "http_upgrade_failed" ? "upgrade" : null;
  },
};

const OF_ENGINE: Readonly<Record<DoorEngine, CannotOf>> = {
  own: () => null,
  "http-proxy-middleware": (code) => {
    if (OF_HTTP2.test(code)) return "HTTP/1.1";
    if (code === "only_if_cached") return "option";
    if (code === "stale_connection") return "fresh";
    // They are those of its own agents.
    if (code === "connection_pool_timeout") return "connections";
    const ofListener = code === "request_header_too_large" || OF_EXPECT.has(code);
    return ofListener ? "listener" : null;
  },
  "foreign fetch": (code) => {
    if (OF_HTTP2.test(code)) return "HTTP/1.1";
    // It knows nothing of a target but its address.
    if (code.startsWith("unix_") || code === "proxy_configuration_error") return "address";
    if (code === "http_response_trailer_size") return "unseen";
    return OF_CONNECTIONS.has(code) ? "connections" : null;
  },
  dispatcher: (code) => {
    return OF_HTTP2.test(code) || OF_CONNECTIONS.has(code) ? "agent" : null;
  },
};
const OF_EXPECT: ReadonlySet<FailureCode> = new Set(["received_expectation_failed"]);

/** One word for why a door cannot meet a failure; null where it can. */
export function cannot({ code, ask }: Row, door: Door): string | null {
  if (ask !== undefined) return door.name === "nodeProxy" ? null : "elsewhere";
  return OF_KIND[door.kind](code, door) ?? OF_ENGINE[door.engine](code, door);
}

function expected({ door, row: written, play }: Cell): object {
  const row = { calls: 1, ...written, ...seenBy(door, written.code) };
  const { code, answer, error } = row;
  const { status, blame } = FAILURES[code] as FailureRow;
  const which = play === "post" ? 1 : 0;
  // With a breaker that opens at once nothing is repeated.
  const most = door.repeats && play !== "breaker" ? Number.POSITIVE_INFINITY : 1;
  const sends = Math.min(row.sends[which], most);
  const attempts = Math.min((row.attempts ?? row.sends)[which], most);
  if (play === "idempotent" && row.recovers === true && door.repeats) {
    return { code, answer: 200, sends };
  }
  if (play === "breaker") return { breaker: row.breaker };
  const ours = status !== "received";
  const recorded = row.ask === undefined && row.unrecorded !== true;
  const records = recorded ? { records: Array(row.calls).fill({ code, blame }) } : {};
  const common = { code, sends, attempts, ...records };
  if (door.kind === "caller") {
    return { ...common, answer: ours && answer !== "cut" ? null : answer };
  }
  const says = ours && answer === 503 ? { retryAfter: expect.stringMatching(/^[1-9]\d*$/) } : {};
  return { ...common, answer, error, ...says };
}
