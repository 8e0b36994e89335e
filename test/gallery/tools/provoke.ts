/**
 * One row of the gallery: how a failure is provoked, and everything that must then be seen.
 *
 * A row is played three times: with an idempotent method and with POST, the breaker off, to see
 * what the client gets and how often the upstream was sent to; then with a breaker that opens at
 * the first failure, to see whom the failure counts against.
 */
import type { CallRecord, FailureCode } from "good-gateway";
import type { Answered, Asked, AskOptions, Door } from "../../doors/door.js";
import { NODE } from "../../doors/doors/node.js";
import type { Caller } from "./raw-client.js";
import { playFairly } from "./starving.js";
import { eventually, type World, type WorldOptions, world } from "./world.js";

export interface Row {
  readonly code: FailureCode;
  /**
   * Status of the answer; `cut` when its head had left before, null when nobody is there any more.
   */
  readonly answer: number | "cut" | null;
  /** The `error` of Proxy-Status; null where there must be none. */
  readonly error: string | null;
  /** Requests that the upstream has read: by the idempotent method, by POST. */
  readonly sends: readonly [idempotent: number, post: number];
  /** Attempts that the answer speaks of; as many as were sent unless told otherwise. */
  readonly attempts?: readonly [idempotent: number, post: number];
  readonly breaker: "failure" | "neutral";
  readonly world: WorldOptions | (() => Promise<WorldOptions>);
  /** What is sent besides method and path. */
  readonly request?: Omit<Asked, "method">;
  readonly methods?: readonly [idempotent: string, other: string];
  readonly client?: AskOptions["onCaller"];
  /**
   * The idempotent call is repeated for free and succeeds; the failure shows in its attempts only.
   */
  readonly recovers?: true;
  /** Before the call that shows the failure; what it leaves open it must close. */
  readonly before?: (world: World) => Promise<() => void> | Promise<void>;
  /** While the call is under way. */
  readonly during?: (world: World, caller: Caller) => Promise<void>;
  /** In place of a raw client and the proxy, where the failure has another way in. */
  readonly ask?: (world: World, method: string) => Promise<Seen>;
  /** Cannot share the process with other cases at the same time. */
  readonly alone?: true;
  /** Node's parser refuses it, so that it never becomes a request. */
  readonly unrecorded?: true;
  /** Why it is provoked at a seam and not by the thing itself. */
  readonly seam?: string;
}

/** What the caller saw. */
export type Seen = Omit<Shown, "sends" | "breaker" | "records">;

/** What was seen. */
export interface Shown {
  readonly answer: number | "cut" | null;
  readonly error: string | null;
  readonly code: string | null;
  readonly attempts: number;
  readonly sends: number;
  readonly breaker: "failure" | "neutral";
  readonly retryAfter: string | null;
  /** Of all calls that ended meanwhile, the one of the row last. */
  readonly records: readonly Pick<CallRecord, "code" | "blame" | "status">[];
  /** The answer as it came, for whoever reads a failed test. */
  readonly raw: string;
}

export type Play = "idempotent" | "post" | "breaker";

/**
 * Plays a row. Everything it opened is closed, or it throws. Where this very process was too busy,
 * what came of it is no answer to what was provoked, and the row is played again.
 */
export function provoke(row: Row, play: Play, door: Door = NODE): Promise<Shown> {
  return playFairly(
    (patience) => playOnce(row, play, door, row.alone === true ? 1 : patience),
    (shown, late) => !isWanted(row, play, shown) && (late || OF_TIME.test(shown.code ?? "")),
  );
}

/** A time was over before what was provoked had happened: a slow machine, if it is not so again. */
const OF_TIME = /timeout|deadline|stalled/;

function isWanted({ code, breaker, sends }: Row, play: Play, shown: Shown): boolean {
  if (shown.code !== code) return false;
  if (play === "breaker") return shown.breaker === breaker;
  return shown.sends === sends[play === "post" ? 1 : 0];
}

async function playOnce(row: Row, play: Play, door: Door, patience: number): Promise<Shown> {
  const asked = typeof row.world === "function" ? await row.world() : row.world;
  const written = { ...asked, door, patience };
  const ground = await world(play === "breaker" ? withBreaker(written) : written);
  const [idempotent, other] = row.methods ?? ["GET", "POST"];
  try {
    const undo = (await row.before?.(ground)) ?? (() => {});
    await eventually("calls before are over", () => ground.records.length >= ground.answered());
    const sentBefore = ground.sent();
    const recordsBefore = ground.records.length;
    const shown = await (row.ask ?? askRaw(row, ground))(
      ground,
      play === "post" ? other : idempotent,
    );
    // What was left open before, and ends now, is another call.
    const records = [...ground.records.slice(recordsBefore)];
    undo();
    const sends = ground.sent() - sentBefore;
    const counted = ground.breakerWent.includes("open") || countsForRoute(ground);
    return { ...shown, sends, records, breaker: counted ? "failure" : "neutral" };
  } finally {
    await ground.close();
  }
}

/** A good head clears the target, so that a body that breaks later counts for its route alone. */
function countsForRoute({ gateway }: World): boolean {
  const { targets = [] } = gateway.snapshot().upstreams[0] ?? {};
  return targets.some(({ breaker }) => (breaker?.routes.length ?? 0) > 0);
}

const BREAKER = { consecutiveFailures: 1, openMs: 60_000 } as const;

function withBreaker(written: WorldOptions): WorldOptions {
  const { options } = written;
  if (options?.breaker !== undefined) return written;
  return { ...written, options: { ...options, retry: false, breaker: BREAKER } };
}

function askRaw(row: Row, ground: World): NonNullable<Row["ask"]> {
  const seenBefore = ground.attempts.length;
  const outcomesBefore = ground.outcomes.length;
  const recordsBefore = ground.records.length;
  return async (_, method) => {
    const body = method === "POST" && row.request?.upload === undefined ? { body: "hello" } : {};
    let caller: Caller | null = null;
    const onCaller = (one: Caller): void => {
      caller = one;
      row.client?.(one);
    };
    const asked = ground.ask({ ...body, ...row.request, method }, { onCaller });
    await eventually("it is asked", () => caller !== null);
    await row.during?.(ground, caller as unknown as Caller);
    const received = await asked;
    await eventually("every exchange is told", () =>
      ground.gateway.upstream("app").targets.every(({ pending }) => pending === 0 || row.before),
    );
    if (row.unrecorded !== true) {
      await eventually("the call is over", () => ground.records.length > recordsBefore);
    }
    const told = [
      ...ground.attempts.slice(seenBefore).map(({ code }) => code),
      ...ground.outcomes.slice(outcomesBefore),
    ];
    return shownOf(row, received, told, ground.attempts.length - seenBefore);
  };
}

function shownOf(
  row: Row,
  received: Answered,
  told: readonly (string | null)[],
  ended: number,
): Seen {
  const status = received.field("proxy-status") ?? "";
  const { ending, failure } = received;
  const named = ending === "whole" || ending === "none" ? failure?.code : undefined;
  const seen = told.find((code) => code === row.code) ?? null;
  return {
    answer: answerOf(received),
    error: /; error=(\w+)/.exec(status)?.[1] ?? null,
    // A cut answer cannot name its failure; then the events do.
    code: named ?? seen,
    attempts: failure?.attempts ?? ended,
    retryAfter: received.field("retry-after") ?? null,
    raw: `${received.ending} ${received.note}\n${received.raw.subarray(0, 600).toString("latin1")}`,
  };
}

function answerOf({ ending, status }: Answered): number | "cut" | null {
  if (ending === "whole") return status;
  if (ending === "cut" || ending === "reset") return status === null ? null : "cut";
  return null;
}
