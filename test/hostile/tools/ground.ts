/**
 * A door in front of a hostile upstream, and what must be true after any attack: the upstream was
 * sent well-formed requests only, the next client gets its own answer, and nothing is left.
 */
import { expect } from "vitest";
import type { Answered, Asked, Door } from "../../doors/door.js";
import { type World, type WorldOptions, world } from "../../gallery/tools/world.js";
import { type Behaviours, type HostileUpstream, hostileUpstream } from "./hostile-upstream.js";

export interface Ground extends World {
  readonly upstream: HostileUpstream;
}

export type GroundOptions = Omit<WorldOptions, "door" | "script" | "scripts" | "sent" | "cleanUp">;

/** Short, so that what waits is soon over; of `clientMs` and the like the kinds say more. */
const OPTIONS = {
  retry: false,
  breaker: false,
  ejection: false,
  timeouts: { connectMs: 3_000, responseMs: 1_500, idleMs: 1_000, totalMs: 4_000 },
} as const;

/** Opens a door, lets the attack run, and looks at what it left behind. */
export async function on(
  door: Door,
  behaviours: Behaviours,
  options: GroundOptions,
  attack: (ground: Ground) => Promise<void>,
): Promise<void> {
  const upstream = await hostileUpstream(behaviours);
  const ground = await world({
    targets: () => upstream.origin,
    ...options,
    options: {
      ...OPTIONS,
      ...options.options,
      timeouts: { ...OPTIONS.timeouts, ...options.options?.timeouts },
    },
    door,
    sent: () => upstream.requests().length,
    cleanUp: () => upstream.close(),
  });
  try {
    await attack(Object.defineProperties(ground, { upstream: { value: upstream } }) as Ground);
    await unharmed(ground as Ground, door);
  } catch (error) {
    // What is left then is no surprise.
    await ground.close().catch(() => {});
    throw error;
  }
  await ground.close();
}

let asked = 0;

/** The next clients get their own answers, and the upstream well-formed requests. */
export async function unharmed(ground: Ground, door: Door): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await wellAnswered(ground, door);
  expect(ground.upstream.complaints(), "what the upstream was sent").toEqual([]);
}

export async function wellAnswered(ground: Ground, door: Door, more: Asked = {}): Promise<void> {
  asked += 1;
  const path = `/well-${asked}`;
  const answer = await ground.ask({ ...more, path });
  if (door.kind === "upgrade") expect(answer.status, path).toBe(101);
  else expect([answer.status, answer.body], path).toEqual([200, `GET ${path} HTTP/1.1`]);
}

/** What a client was given is an answer that is whole and no answer of somebody else. */
export function isWhole({ ending, status }: Answered): boolean {
  return ending === "whole" && status !== null && status < 300;
}
