/**
 * A row of the table: a promise, which options it shows at work, and why a door cannot make it. To
 * add a promise is to add one; it is then asked of every door.
 */
import type { CallRecord } from "good-gateway";
import { accept, ok, type Script } from "good-gateway/testing";
import { eventually, type World, type WorldOptions, world } from "../gallery/tools/world.js";
import type { Answered, Door } from "./door.js";

export interface DoorPromise {
  /** The guarantee, as a sentence. */
  readonly name: string;
  /** Options that it shows at work, as `section.option`. */
  readonly shows?: readonly string[];
  /** One word for why a door cannot; null where it can. */
  cannot?(door: Door): string | null;
  /** Shows it at a door; throws where it does not hold. */
  show(door: Door): Promise<void>;
}

/** Opens a door, and closes it; nothing may be left then. */
export async function at(
  door: Door,
  options: Omit<WorldOptions, "door">,
  run: (ground: World) => Promise<void>,
): Promise<void> {
  const ground = await world({ ...options, door });
  try {
    await run(ground);
  } catch (error) {
    // What is left then is no surprise.
    await ground.close().catch(() => {});
    throw error;
  }
  await ground.close();
}

export const WORKS: Script = accept().readHead().readBody().send(ok("fine")).again();

/** Accepts an upgrade, and holds the tunnel. */
const SWITCHES: Script = accept()
  .readHead()
  .send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
  .hang();

/** An upstream that answers what this door asks for well. */
export function works({ kind }: Door): Script {
  return kind === "upgrade" ? SWITCHES : WORKS;
}

export function isFine({ status }: Answered, { kind }: Door): boolean {
  return status === (kind === "upgrade" ? 101 : 200);
}

/** Fails calls that are not repeated, one for each of so many. */
export async function failing(ground: World, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) await ground.ask();
}

/** The records of the calls that are over, when there are so many. */
export async function ended(ground: World, count: number): Promise<readonly CallRecord[]> {
  await eventually(`${count} calls are over`, () => ground.records.length >= count);
  return ground.records;
}

export async function codesOf(ground: World, count: number): Promise<readonly (string | null)[]> {
  return (await ended(ground, count)).map(({ code }) => code);
}

// Words for what cannot be.

export const ofProxies = ({ kind }: Door): string | null => (kind === "caller" ? "client" : null);
export const ofRequests = ({ kind }: Door): string | null => (kind === "upgrade" ? "body" : null);
export const ofRepeats = ({ repeats }: Door): string | null => (repeats ? null : "once");
export const ofOwnConnections = ({ engine }: Door): string | null =>
  engine === "own" ? null : "engine";

/** The first of several reasons. */
export function either(...reasons: readonly ((door: Door) => string | null)[]) {
  return (door: Door): string | null => {
    for (const reason of reasons) {
      const word = reason(door);
      if (word !== null) return word;
    }
    return null;
  };
}
