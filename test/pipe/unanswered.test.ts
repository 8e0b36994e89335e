/** Calls that hang leave places to those that are answered, of other routes and of their own. */
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Priority } from "../../src/catalog/priorities.js";
import { ReplayBody } from "../../src/core/replay-body.js";
import type { GatewayRequest } from "../../src/core/request.js";
import { NOTHING_HELD, world } from "./world.js";

const PLACES = 16;

function bench() {
  const made = world({
    bulkhead: { concurrencyMax: PLACES, queueMax: 0, streamsMax: 1 },
    breaker: false,
    retry: { attemptsMax: 1 },
  });
  const ask = (path: string) => made.send({ path });
  /** So many calls that are not answered; how many of them have got a place. */
  const hang = async (calls: number, path: (at: number) => string): Promise<number> => {
    const before = made.places.running;
    for (let at = 0; at < calls; at += 1) {
      ask(path(at));
      if (made.places.running > before + at) await made.wire.next();
    }
    await made.clock.advance(0);
    return made.places.running - before;
  };
  const answer = async (path: string): Promise<unknown> => {
    const sent = ask(path);
    (await made.wire.next()).respond(200);
    await made.clock.advance(0);
    return sent.result();
  };
  return { made, ask, hang, answer };
}

describe("calls that hang", () => {
  it("take every place while no route is answered", async () => {
    const { hang } = bench();
    expect(await hang(PLACES, () => "/slow")).toBe(PLACES);
  });

  it("leave places for routes that are answered", async () => {
    const { made, ask, hang, answer } = bench();
    await hang(4, () => "/slow");
    expect(await answer("/well")).toBe(200);
    // A quarter before it mattered, and three quarters of one half.
    expect(await hang(6, () => "/slow")).toBe(6);
    const refused = ask("/slow");
    expect(await refused.outcome).toMatchObject({
      failure: { code: "bulkhead_full", details: "unanswered=8" },
    });
    expect(await answer("/well")).toBe(200);
    expect(made.places.running).toBe(10);
  });

  it("leave the last places of theirs to routes of which none waits", async () => {
    const { ask, hang, answer } = bench();
    await hang(4, () => "/slow");
    await answer("/well");
    await hang(6, () => "/slow");
    expect(await answer("/rare")).toBe(200);
    expect(await hang(2, (at) => `/new-${"ab"[at]}`)).toBe(2);
    expect((await ask("/newer").outcome).kind).toBe("no_response");
    expect(await answer("/well")).toBe(200);
  });

  it("are not refused when answers of the others have stayed away", async () => {
    const { made, hang, answer } = bench();
    await hang(4, () => "/slow");
    await answer("/well");
    await made.clock.advance(2_001);
    expect(await hang(PLACES - 4, () => "/slow")).toBe(PLACES - 4);
  });

  it("give back what they held, however they end", async () => {
    const { made, ask, answer } = bench();
    const held = [];
    for (let at = 0; at < 8; at += 1) {
      ask("/slow");
      held.push(await made.wire.next());
    }
    await answer("/well");
    for (const [at, sent] of held.entries()) {
      if (at % 2 === 0) sent.respond(at % 4 === 0 ? 200 : 500);
      else sent.fail("connection_terminated");
    }
    await made.clock.advance(0);
    expect(made.held()).toEqual(NOTHING_HELD);
    expect(await answer("/slow")).toBe(200);
  });
});

/** Of those that hang, so many have their places before it matters which routes are answered. */
const UNSEEN = 4;

/** All places are taken by calls of one route, one of which was answered after the others came. */
async function full(hanging: () => Partial<GatewayRequest>, priority: Priority = "CRITICAL") {
  const bulkhead = { concurrencyMax: PLACES, queueMax: 4, streamsMax: 1 };
  const made = world({ bulkhead, breaker: false });
  const ask = async (request: Partial<GatewayRequest>, own: Priority = "CRITICAL") => {
    const before = made.wire.sent.length;
    const sent = made.send({ path: "/orders/17", ...request }, { priority: own });
    // A call that gives way ends by some promises, and then the next one begins.
    for (let turn = 0; turn < 3; turn += 1) await made.clock.advance(0);
    return { ...sent, wired: made.wire.sent[before] ?? null };
  };
  const calls = [];
  for (let at = 1; at < PLACES; at += 1) calls.push(await ask(hanging(), priority));
  await made.clock.advance(1);
  const good = await ask(hanging());
  await made.clock.advance(99);
  good.wired?.respond(200);
  await made.clock.advance(0);
  expect(good.result()).toBe(200);
  calls.push(await ask(hanging(), priority));
  expect(made.places.running).toBe(PLACES);
  return { made, ask, oldest: calls[UNSEEN] as (typeof calls)[number] };
}

describe("a call that hangs on a route that is answered", () => {
  it("gives its place to a later one when none is left, and is not repeated", async () => {
    const { made, ask, oldest } = await full(() => ({}));
    await made.clock.advance(500);
    const next = await ask({});
    expect(await oldest.outcome).toMatchObject({
      failure: { code: "http_response_timeout", details: "gave_way_after_ms=600" },
    });
    next.wired?.respond(200);
    await made.clock.advance(0);
    expect(next.result()).toBe(200);
    expect(made.wire.sent.filter(({ cutBy }) => cutBy !== null)).toHaveLength(1);
    expect(made.wire.sent).toHaveLength(PLACES + 2);
  });

  it("keeps its place for as long as the slowest of them may have taken", async () => {
    const { made, ask, oldest } = await full(() => ({}));
    await made.clock.advance(399);
    expect((await ask({})).wired).toBe(null);
    expect(oldest.result()).toBe(null);
  });

  it("keeps it while none that came later has been answered", async () => {
    const { made, ask } = await full(() => ({}));
    await made.clock.advance(500);
    // All but the last came before the one that was answered.
    for (let at = UNSEEN + 1; at < PLACES; at += 1) expect((await ask({})).wired).not.toBe(null);
    expect((await ask({})).wired).toBe(null);
  });

  it("keeps it against a call that matters less", async () => {
    const { made, ask, oldest } = await full(() => ({}), "CRITICAL_PLUS");
    await made.clock.advance(500);
    expect((await ask({})).wired).toBe(null);
    expect(oldest.result()).toBe(null);
    expect((await ask({}, "CRITICAL_PLUS")).wired).not.toBe(null);
    expect(oldest.result()).toBe("http_response_timeout");
  });

  it("keeps it while its client sends its body", async () => {
    const limits = { keptBytesMax: 16, bytesMax: 1_024, onDemand: null };
    const post = () => ({
      method: "POST",
      body: ReplayBody.fromStream(new PassThrough(), limits),
    });
    const { made, ask, oldest } = await full(post);
    await made.clock.advance(500);
    expect((await ask(post())).wired).toBe(null);
    expect(oldest.result()).toBe(null);
  });

  it("leaves nothing behind", async () => {
    const { made, ask } = await full(() => ({}));
    await made.clock.advance(500);
    for (let at = 0; at < 3; at += 1) await ask({});
    for (const sent of made.wire.sent) if (!sent.settled) sent.respond(200);
    await made.clock.advance(1);
    expect(made.held()).toEqual(NOTHING_HELD);
  });
});
