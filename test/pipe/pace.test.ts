/** A Retry-After of the upstream holds back all calls, on the virtual clock. */
import { describe, expect, it } from "vitest";
import { PACE } from "../../src/catalog/overload-defaults.js";
import type { RespondOptions, Sent } from "../../src/testing/answered-transport.js";
import { NOTHING_HELD, type World, type WorldOptions, world } from "./world.js";

const ASKED: RespondOptions = { headers: { "retry-after": "2" } };

function paced(pace: WorldOptions["pace"] = {}, more: WorldOptions = {}): World {
  return world({ pace: { waitMsMax: 10_000, ...pace }, retry: { enabled: false }, ...more });
}

/** One call meets the limit of two seconds. */
async function met(made: World, answer = ASKED, request = {}): Promise<void> {
  const call = made.send(request);
  (await made.wire.next()).respond(429, answer);
  await call.outcome;
}

/** What was sent and not answered yet. */
const open = (made: World): readonly Sent[] => made.wire.sent.filter(({ settled }) => !settled);

describe("a 429 with Retry-After", () => {
  it("holds all calls back until its time is over; then one goes, two, and four", async () => {
    const made = paced();
    await met(made);
    const calls = Array.from({ length: 7 }, () => made.send());
    await made.clock.advance(1_999);
    expect(made.wire.sent).toHaveLength(1);
    expect(made.pace?.state()).toEqual({ heldMs: 1, held: 1, waiting: 7 });
    const steps: number[] = [];
    await made.clock.advance(1);
    while (open(made).length > 0) {
      const now = open(made);
      steps.push(now.length);
      for (const one of now) one.respond(200);
      await made.clock.advance(0);
    }
    expect(steps).toEqual([1, 2, 4]);
    for (const call of calls) expect((await call.outcome).kind).toBe("success");
    expect(made.held()).toEqual(NOTHING_HELD);
    expect(made.pace?.state()).toEqual({ heldMs: 0, held: 0, waiting: 0 });
  });

  it("that comes again holds on, for those that wait as well", async () => {
    const made = paced();
    await met(made);
    const calls = [made.send(), made.send()];
    await made.clock.advance(2_000);
    expect(open(made)).toHaveLength(1);
    open(made)[0]?.respond(429, ASKED);
    await made.clock.advance(1_999);
    expect(open(made)).toHaveLength(0);
    await made.clock.advance(1);
    expect(open(made)).toHaveLength(1);
    open(made)[0]?.respond(200);
    await made.clock.advance(0);
    expect(calls.map((call) => call.result())).toEqual([429, 200]);
  });

  it("refuses at once who may not wait so long, with the time that is left", async () => {
    const made = paced({ waitMsMax: 1_500 });
    await met(made);
    const refused = await made.send().outcome;
    const failure = { code: "upstream_throttled", retryAfterMs: 2_000 };
    expect(refused).toEqual({ kind: "no_response", failure });
    await made.clock.advance(500);
    const waits = made.send();
    await made.clock.advance(0);
    expect(waits.result()).toBeNull();
    expect(made.wire.sent).toHaveLength(1);
  });

  it("refuses at once who must be over before, and serves who has time enough", async () => {
    const made = paced();
    await met(made);
    const hasNone = made.send({}, null, { deadlineMs: 2_010 });
    const has = made.send({}, null, { deadlineMs: 2_100 });
    await made.clock.advance(0);
    expect([hasNone.result(), has.result()]).toEqual(["upstream_throttled", null]);
    await made.clock.advance(2_000);
    (await made.wire.next()).respond(200);
    await has.outcome;
    expect(has.result()).toBe(200);
  });

  it("lets nobody wait longer than that for the calls before it", async () => {
    const made = paced({ waitMsMax: 3_000 });
    await met(made);
    const [first, second] = [made.send(), made.send()];
    await made.clock.advance(3_000);
    expect([first?.result(), second?.result()]).toEqual([null, "upstream_throttled"]);
    open(made)[0]?.respond(200);
    await first?.outcome;
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("lets as many wait as may, and of those the more important ones", async () => {
    const made = paced({ queueMax: 2 });
    await met(made);
    const send = (priority: "CRITICAL" | "SHEDDABLE") => made.send({}, { priority });
    const [low, high, higher, late] = [
      send("SHEDDABLE"),
      send("CRITICAL"),
      send("CRITICAL"),
      send("CRITICAL"),
    ];
    await made.clock.advance(0);
    const results = [low, high, higher, late].map((call) => call.result());
    expect(results).toEqual(["upstream_throttled", null, null, "upstream_throttled"]);
    const none = paced({ queueMax: 0 });
    await met(none);
    const sending = none.send();
    await sending.outcome;
    expect(sending.result()).toBe("upstream_throttled");
  });

  it("of a day is believed for as long as may be", async () => {
    const made = paced({ holdMsMax: 5_000 });
    await met(made, { headers: { "retry-after": "86400" } });
    expect(made.pace?.state().heldMs).toBe(5_000);
    await made.clock.advance(5_000);
    const call = made.send();
    (await made.wire.next()).respond(200);
    await call.outcome;
    expect(call.result()).toBe(200);
  });

  it("without the field, and a 503 with it, hold nobody back", async () => {
    const made = paced();
    await met(made, { headers: {} });
    const unavailable = made.send();
    (await made.wire.next()).respond(503, ASKED);
    await unavailable.outcome;
    made.send();
    await made.clock.advance(0);
    expect(open(made)).toHaveLength(1);
  });

  it("is forgotten after a while in which nobody called, and leaves no timer", async () => {
    const made = paced();
    await met(made);
    await made.clock.advance(2_000 + PACE.keptMs);
    expect(made.held()).toEqual(NOTHING_HELD);
    made.send();
    made.send();
    await made.clock.advance(0);
    expect(open(made)).toHaveLength(2);
  });

  it("that one caller met holds back that one alone", async () => {
    const callers = {
      by: "header x-user",
      of: ({ headers }: { headers: readonly string[] }) => headers[1] ?? null,
    };
    const made = paced({}, { callers });
    await met(made, ASKED, { headers: ["x-user", "ann"] });
    const ann = made.send({ headers: ["x-user", "ann"] });
    const bob = made.send({ headers: ["x-user", "bob"] });
    await made.clock.advance(0);
    expect(open(made).map(({ exchange }) => exchange.request.headers[1])).toEqual(["bob"]);
    open(made)[0]?.respond(200);
    await bob.outcome;
    await made.clock.advance(2_000);
    open(made)[0]?.respond(200);
    await ann.outcome;
    expect([ann.result(), bob.result()]).toEqual([200, 200]);
  });

  it("of very many callers is kept of the first thousand", async () => {
    const callers = { by: "function", of: ({ path }: { path: string }) => path };
    const made = paced({}, { callers, bulkhead: { concurrencyMax: 2_000 }, breaker: false });
    for (let caller = 0; caller < PACE.holdsMax + 5; caller += 1) {
      await met(made, ASKED, { path: `/${caller}` });
    }
    expect(made.pace?.state().held).toBe(PACE.holdsMax);
  });
});

describe("a call that waits for it", () => {
  it.each([
    ["client", "client_closed_request"],
    ["deadline", "deadline_exceeded"],
    ["shutdown", "draining"],
  ] as const)("and is cut (%s) ends by that, and takes nobody's turn", async (by, code) => {
    const made = paced();
    await met(made);
    const [first, second] = [made.send(), made.send()];
    await made.clock.advance(1_000);
    first?.call.cancellation.cut(by);
    await first?.outcome;
    expect(first?.result()).toBe(code);
    await made.clock.advance(1_000);
    (await made.wire.next()).respond(200);
    await second?.outcome;
    expect(second?.result()).toBe(200);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("is a repeat as well: it goes when its time has come, in its turn", async () => {
    const made = paced({}, { retry: { attemptsMax: 2 } });
    const repeated = made.send();
    (await made.wire.next()).respond(429, ASKED);
    await made.clock.advance(0);
    const other = made.send();
    await made.clock.advance(2_000);
    expect(open(made)).toHaveLength(1);
    open(made)[0]?.respond(200);
    await made.clock.advance(0);
    for (const one of open(made)) one.respond(200);
    await Promise.all([repeated.outcome, other.outcome]);
    expect([repeated.result(), other.result()]).toEqual([200, 200]);
    expect(made.wire.sent).toHaveLength(3);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("is a hedge that is not sent once the other has won", async () => {
    const made = paced({}, { targets: 2, hedge: { delayMs: 100 }, retry: { attemptsMax: 2 } });
    const slow = made.send();
    const first = await made.wire.next();
    const limited = made.send({ method: "POST" });
    (await made.wire.next()).respond(429, ASKED);
    await limited.outcome.then(
      () => {},
      () => {},
    );
    await made.clock.advance(500);
    expect(made.pace?.state().waiting).toBeGreaterThan(0);
    first.respond(200);
    await slow.outcome;
    await made.clock.advance(5_000);
    expect(open(made)).toHaveLength(0);
    expect(slow.call.attempts).toHaveLength(1);
    expect(made.wire.sent.filter(({ exchange }) => exchange.request.method === "GET")).toHaveLength(
      1,
    );
  });
});
