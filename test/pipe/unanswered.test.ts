/** Routes that hang share half of the places, while others are answered. */
import { describe, expect, it } from "vitest";
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
