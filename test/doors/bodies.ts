/**
 * Promises about bodies, by what the other side has: bytes and digests, and how often a request has
 * reached the upstream.
 */
import { type World, type WorldOptions, world } from "../gallery/tools/world.js";
import type { BodyKind } from "./body-kinds.js";
import type { Door } from "./door.js";
import {
  digestOf,
  type RecordingUpstream,
  recordingUpstream,
  someBytes,
  type UpstreamProtocol,
} from "./tools/recording-upstream.js";

export const LONG = process.env["DOORS_LONG"] === "1";

export const MEBIBYTE = 1_048_576;
/** Around what is kept of a body, and what a stream takes at once. */
const SMALL = [0, 1, 65_535, 65_536, 65_537];
const SIZES = LONG ? [...SMALL, MEBIBYTE, 20 * MEBIBYTE] : [...SMALL, MEBIBYTE];

/** Long enough that nothing but a fault ends a call. */
const PATIENT = { connectMs: 5_000, responseMs: 7_000, idleMs: 7_000, totalMs: 7_500 };

export interface BodyWorld {
  readonly ground: World;
  readonly upstream: RecordingUpstream;
}

export interface Way {
  readonly protocol: UpstreamProtocol;
  readonly retry: boolean;
}

export const WAYS: readonly Way[] = [
  { protocol: "HTTP/1.1", retry: true },
  { protocol: "HTTP/1.1", retry: false },
  { protocol: "HTTP/2", retry: true },
  { protocol: "HTTP/2", retry: false },
];

/** Only our own connections speak HTTP/2 towards an upstream. */
export function waysOf({ engine, first }: Door): readonly Way[] {
  const all = engine === "own" ? WAYS : WAYS.filter(({ protocol }) => protocol === "HTTP/1.1");
  if (LONG) return all;
  if (first !== true) return all.slice(0, 1);
  return all.filter(({ protocol, retry }) => protocol === "HTTP/1.1" || retry);
}

/** The largest are sent at the first door over an engine, in one way. */
function sizesOf({ first }: Door, { protocol, retry }: Way): readonly number[] {
  const large = LONG || (first === true && retry && protocol === "HTTP/1.1");
  return large ? SIZES : SIZES.filter((size) => size < MEBIBYTE);
}

/** Opens a door in front of an upstream that writes everything down, and closes all behind. */
export async function inBodyWorld(
  door: Door,
  { protocol, retry }: Way,
  run: (opened: BodyWorld) => Promise<void>,
  rest: Omit<WorldOptions, "door" | "options"> = {},
): Promise<void> {
  const upstream = await recordingUpstream(protocol);
  const ground = await world({
    ...rest,
    door,
    targets: () => upstream.origin,
    sent: upstream.count,
    cleanUp: upstream.close,
    options: {
      timeouts: PATIENT,
      ...(retry ? {} : { retry: false }),
      ...(protocol === "HTTP/2" ? { allowH2: "h2c" as const } : {}),
    },
  });
  try {
    await run({ ground, upstream });
  } finally {
    await ground.close();
  }
}

export function takes({ takers, unknownTo }: BodyKind, { bodies, name }: Door): boolean {
  return takers.includes(bodies) && unknownTo?.includes(name) !== true;
}

let marks = 0;
/** A part of a path that no other request has. */
export function newMark(): string {
  marks += 1;
  return `m${marks}x`;
}

/**
 * Sends a body of this kind in every size, over a first connection and over a kept one, and
 * complains of everything that was not as given.
 */
export async function uploads(door: Door, given: BodyKind, way: Way): Promise<readonly string[]> {
  const complaints: string[] = [];
  // A Request does not tell the length of its body.
  const { length, ...rest } = given;
  const kind = length === true && door.requests !== true ? given : rest;
  await inBodyWorld(door, way, async (opened) => {
    for (const size of sizesOf(door, way).filter((one) => one >= (kind.least ?? 0))) {
      const bytes = someBytes(size);
      for (const close of [0, 1]) {
        const which = close === 0 ? "first" : "kept";
        const wrong = await upload(opened, kind, bytes, close);
        if (wrong !== null) {
          complaints.push(`${way.protocol}, retry ${way.retry}, ${size}, ${which}: ${wrong}`);
        }
      }
    }
  });
  return complaints;
}

async function upload(
  { ground, upstream }: BodyWorld,
  kind: BodyKind,
  bytes: Buffer,
  close: number,
): Promise<string | null> {
  const mark = newMark();
  const path = `/take?${mark}&close=${close}`;
  const answer = await ground.ask({ method: "POST", path, body: kind.make(bytes) });
  const taken = upstream.taken(mark);
  if (answer.ending !== "whole" || answer.status !== 200) {
    const { failure, thrown, ending, status } = answer;
    const why = failure?.code ?? String(thrown);
    const took = taken.map(shownTaken).join(" and ");
    return `${ending} ${status} ${why}, and the upstream took ${took}`;
  }
  if (answer.body !== "taken") return `the answer was ${JSON.stringify(answer.body)}`;
  const [request] = taken;
  if (request === undefined || taken.length > 1) return `it was sent ${taken.length} times`;
  if (!request.whole) return "its body did not end";
  if (kind.length === true && request.headers["content-length"] === undefined && bytes.length > 0) {
    return "its length was lost";
  }
  if (kind.wrong !== undefined) return kind.wrong(request, bytes);
  const [got, wanted] = [digestOf(request.body), digestOf(bytes)];
  return got === wanted ? null : `the upstream took ${got} of ${wanted}`;
}

function shownTaken({ body, whole }: { readonly body: Buffer; readonly whole: boolean }): string {
  return `${body.byteLength} bytes${whole ? "" : " and no end"}`;
}

function shownWay({ protocol, retry }: Way): string {
  return `${protocol}, retry ${retry}`;
}

const HOWS = ["length", "chunked", "close"] as const;

/** Gets bodies of every size and framing. */
export async function downloads(door: Door, way: Way): Promise<readonly string[]> {
  const complaints: string[] = [];
  await inBodyWorld(door, way, async ({ ground, upstream }) => {
    for (const size of sizesOf(door, way)) {
      const wanted = digestOf(someBytes(size));
      for (const how of way.protocol === "HTTP/2" ? (["length", "chunked"] as const) : HOWS) {
        for (const close of [0, 1]) {
          const mark = newMark();
          const path = `/give?${mark}&bytes=${size}&how=${how}&close=${close}`;
          const answer = await ground.ask({ path });
          const got = `${answer.ending} ${answer.status} ${digestOf(answer.bytes)}`;
          const times = upstream.taken(mark).length;
          if (got === `whole 200 ${wanted}` && times === 1) continue;
          complaints.push(`${shownWay(way)}, ${size}, ${how}, ${close}: ${got}, ${times} times`);
        }
      }
    }
  });
  return complaints;
}

/** Sends bodies whose answer comes before they are over, and gets them back while they are sent. */
export async function earlyAnswers(
  door: Door,
  kind: BodyKind,
  way: Way,
): Promise<readonly string[]> {
  const complaints: string[] = [];
  await inBodyWorld(door, way, async ({ ground, upstream }) => {
    for (const size of [65_537, MEBIBYTE]) {
      for (const close of [0, 1]) {
        const mark = newMark();
        const path = `/early?${mark}&close=${close}`;
        const body = kind.make(someBytes(size));
        const {
          ending,
          status,
          failure,
          thrown,
          body: text,
        } = await ground.ask({
          ...{ method: "POST", path, body },
        });
        const got = `${ending} ${status} ${text}`;
        const times = upstream.taken(mark).length;
        if (got === "whole 413 too much" && times === 1) continue;
        const why = failure?.code ?? String(thrown);
        complaints.push(
          `${way.protocol}, retry ${way.retry}, ${size}, ${close}: ${got} ${why}, ${times} times`,
        );
      }
    }
  });
  return complaints;
}
