/**
 * Plays faults of the wire against a gateway, side by side, and complains about everything that
 * may never happen: a client that hangs, a broken answer that looks whole, an answer that reaches
 * another request, bytes that no client may see, a POST that is sent twice, a 503 of ours without
 * Retry-After, anything that is left open.
 */
import type { UpstreamOptions } from "good-gateway";
import type { Script, ScriptedUpstream, ScriptedUpstreamOptions } from "good-gateway/testing";
import { POISON, type Verdict } from "../faults/fault.js";
import type { RawRequest, Received } from "./raw-client.js";
import { playFairly } from "./starving.js";
import { limiter, type World, world } from "./world.js";

export interface Ordeal {
  /** Complaints are asked for by group. */
  readonly group: string;
  readonly name: string;
  readonly method: string;
  readonly scripts: readonly Script[];
  /** Requests before, whose answers must be good. */
  readonly warmUps: number;
  readonly requests: number;
  readonly allowed: readonly Verdict[];
  readonly pauseMs?: number;
  readonly blind?: true;
  readonly request?: Omit<RawRequest, "method">;
  readonly serve?: ScriptedUpstreamOptions;
  readonly targets?: (played: ScriptedUpstream | null) => UpstreamOptions["targets"];
  readonly options?: Omit<UpstreamOptions, "targets">;
}

export interface Ordeals {
  /** What went wrong in a group; empty is as it should be. */
  complaints(group: string): Promise<readonly string[]>;
}

/** Many wait for a timeout at the same time, and few need the processor. */
const AT_ONCE = 48;
/** The first attempt, two repeats, and one on a fresh connection after a stale one. */
const SENDS_MAX = 4;

/** Starts them all, in their order, as soon as the first is asked for. */
export function runOrdeals(ordeals: readonly Ordeal[]): Ordeals {
  let running: Map<string, Promise<readonly string[]>[]> | null = null;
  const start = (): Map<string, Promise<readonly string[]>[]> => {
    const groups = new Map<string, Promise<readonly string[]>[]>();
    const limit = limiter(AT_ONCE);
    for (const ordeal of ordeals) {
      const one = limit(() => undergo(ordeal));
      one.catch(() => {});
      groups.set(ordeal.group, [...(groups.get(ordeal.group) ?? []), one]);
    }
    return groups;
  };
  return {
    async complaints(group) {
      running ??= start();
      return (await Promise.all(running.get(group) ?? [])).flat();
    },
  };
}

async function undergo(ordeal: Ordeal): Promise<readonly string[]> {
  const { complaints } = await playFairly(
    () => playOnce(ordeal),
    ({ complaints, stalled }, late) => stalled || (late && complaints.length > 0),
  );
  return complaints;
}

async function playOnce(
  ordeal: Ordeal,
): Promise<{ readonly complaints: readonly string[]; readonly stalled: boolean }> {
  const { scripts, serve = {}, targets, options } = ordeal;
  const ground = await world({
    scripts,
    serve,
    ...(targets === undefined ? {} : { targets }),
    options: { ...options, timeouts: { ...timeoutsFor(ordeal), ...options?.timeouts } },
  });
  const complaints: string[] = [];
  let stalled = false;
  const complain = (text: string): void => void complaints.push(`${ordeal.name}: ${text}`);
  try {
    for (let turn = -ordeal.warmUps; turn < ordeal.requests; turn += 1) {
      const allowed = turn < 0 ? [200] : ordeal.allowed;
      const nonce = `n${turn + ordeal.warmUps}`;
      // A warm-up is a GET, whatever is tested: its answer must be read before the next request.
      const method = turn < 0 && ordeal.method === "POST" ? "GET" : ordeal.method;
      const received = await ask(ground, ordeal, method, nonce);
      for (const complaint of judge(received, allowed, ordeal.blind === true ? null : nonce))
        complain(complaint);
      for (const complaint of judgeSends(ground, method, nonce)) complain(complaint);
      stalled ||= received.field("proxy-status")?.includes("event_loop_stalled") === true;
      if (ordeal.pauseMs !== undefined) await pause(ordeal.pauseMs);
    }
  } finally {
    await ground.close().catch((error: unknown) => complain(String(error)));
  }
  return { complaints, stalled };
}

/** Short where silence is the fault; elsewhere nothing but a fault may be why something ends. */
function timeoutsFor({ allowed }: Ordeal): UpstreamOptions["timeouts"] & object {
  const silent = allowed.includes(504);
  if (silent) return { responseMs: 300, idleMs: 300 };
  return { connectMs: 2_000, responseMs: 4_000, idleMs: 4_000, totalMs: 7_000 };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

function ask(ground: World, ordeal: Ordeal, method: string, nonce: string): Promise<Received> {
  const { request = {} } = ordeal;
  const bodied = method === "POST" && request.upload === undefined && request.body === undefined;
  const fields = { ...request.fields, "x-nonce": nonce };
  return ground.ask({ ...request, method, fields, ...(bodied ? { body: "hello" } : {}) });
}

function* judge(
  received: Received,
  allowed: readonly Verdict[],
  nonce: string | null,
): Generator<string, void, undefined> {
  const verdict = verdictOf(received);
  const shown = () => JSON.stringify(received.raw.subarray(0, 400).toString("latin1"));
  if (typeof verdict === "string" && verdict !== "cut")
    yield `${verdict} ${received.note}; ${shown()}`;
  else if (!allowed.includes(verdict as Verdict)) yield `${verdict}, not ${allowed}; ${shown()}`;
  if (received.raw.includes(POISON)) yield `bytes that nobody may see; ${shown()}`;
  const status = received.field("proxy-status") ?? "";
  const ours = status.includes("; error=");
  const answered = received.field("x-nonce");
  if (!ours && received.ending === "whole" && nonce !== null && answered !== nonce) {
    yield `the answer of ${answered} for ${nonce}; ${shown()}`;
  }
  if (ours && (received.status ?? 0) < 400) yield `a failure with status ${received.status}`;
  if (ours && received.status === 503 && received.field("retry-after") === undefined) {
    yield "a 503 that does not say when to come back";
  }
}

function verdictOf({ ending, status }: Received): Verdict | "no answer" | "hung" | "invalid" {
  if (ending === "hung" || ending === "invalid") return ending;
  if (status === null) return "no answer";
  return ending === "whole" ? status : "cut";
}

function* judgeSends(
  { played }: World,
  method: string,
  nonce: string,
): Generator<string, void, undefined> {
  const sent = played?.requests().filter((one) => one.header("x-nonce") === nonce).length ?? 0;
  const most = method === "POST" ? 1 : SENDS_MAX;
  if (sent > most) yield `sent ${sent} times`;
}
