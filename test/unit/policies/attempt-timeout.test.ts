/**
 * The timeouts of an exchange on a clock that the test moves: what is cut, when and by which name,
 * and that nothing is left behind.
 */
import { describe, expect, it } from "vitest";
import { SELF } from "../../../src/catalog/defaults.js";
import type { FailureCode, Phase } from "../../../src/catalog/failures.js";
import type { CallOverrides } from "../../../src/core/call.js";
import type { CutBy } from "../../../src/core/cancellation.js";
import { classifyError } from "../../../src/core/classify.js";
import type { Outcome } from "../../../src/core/outcome.js";
import type { GatewayRequest } from "../../../src/core/request.js";
import { type AttemptTimeouts, attemptTimeout } from "../../../src/policies/attempt-timeout.js";
import type { GuardedExchange } from "../../../src/targets/exchange.js";
import { type VirtualClock, virtualClock } from "../../../src/testing/virtual-clock.js";
import { exchangeOn } from "../transports/made-exchange.js";

const NEVER = Number.POSITIVE_INFINITY;
const LIMITS: AttemptTimeouts = {
  connectMs: 100,
  responseMs: 200,
  idleMs: 300,
  tunnelIdleMs: 5_000,
  bodyMs: NEVER,
};
const ANSWER: Outcome<never> = { kind: "no_response", failure: { code: "connection_refused" } };

interface WatchedOptions {
  readonly limits?: Partial<AttemptTimeouts>;
  readonly overrides?: CallOverrides["timeouts"];
  readonly request?: Partial<GatewayRequest>;
}

function watched({ limits, overrides, request }: WatchedOptions = {}) {
  const clock = virtualClock();
  const exchange = exchangeOn(clock, {
    ...(request === undefined ? {} : { request }),
    ...(overrides === undefined ? {} : { overrides: { timeouts: overrides } }),
  });
  const saved: string[] = [];
  const policy = attemptTimeout(clock, { ...LIMITS, ...limits }, (one) => {
    saved.push(one.target.id);
  });
  void policy.run(exchange as GuardedExchange, async () => ANSWER);
  const cuts: [number, CutBy][] = [];
  exchange.cancellation.add((by) => cuts.push([clock.now(), by]));
  return {
    clock,
    exchange,
    cuts,
    saved,
    policy,
    /** The name that classification gives the cut. */
    name: (): FailureCode => classifyError(exchange.timeline, exchange.cancellation.by, null),
    through(...phases: readonly Phase[]): void {
      for (const phase of phases) exchange.enter(phase);
    },
  };
}

describe("each phase has a limit and a name of its own", () => {
  it.each<[readonly Phase[], number, FailureCode]>([
    [[], 100, "connection_pool_timeout"],
    [["queue"], 100, "connection_pool_timeout"],
    [["resolve"], 100, "dns_timeout"],
    [["resolve", "connect"], 100, "connection_timeout"],
    [["resolve", "connect", "secure"], 100, "tls_handshake_timeout"],
    [["connect", "send"], 300, "connection_write_timeout"],
    [["connect", "send", "wait"], 200, "http_response_timeout"],
    [["connect", "send", "wait", "receive"], 300, "connection_read_timeout"],
  ])("%j is cut after %i ms as %s", async (phases, ms, code) => {
    const { clock, through, cuts, name } = watched();
    through(...phases);
    await clock.advance(ms - 1);
    expect(cuts).toEqual([]);
    await clock.advance(1);
    expect(cuts).toEqual([[ms, "timeout"]]);
    expect(name()).toBe(code);
  });

  it("finding a place, resolving, connecting and securing share one", async () => {
    const { clock, exchange, cuts } = watched();
    for (const phase of ["queue", "resolve", "connect"] as const) {
      exchange.enter(phase);
      await clock.advance(30);
    }
    exchange.enter("secure");
    await clock.advance(9);
    expect(cuts).toEqual([]);
    await clock.advance(1);
    expect(cuts).toEqual([[100, "timeout"]]);
  });

  it("each begins when its phase does", async () => {
    const { clock, exchange, cuts } = watched();
    await clock.advance(99);
    exchange.enter("send");
    await clock.advance(299);
    exchange.enter("wait");
    await clock.advance(199);
    exchange.enter("receive");
    await clock.advance(299);
    expect(cuts).toEqual([]);
    await clock.advance(1);
    expect(cuts).toHaveLength(1);
  });

  it("whoever is slow with an upload is named: the client, or the upstream", async () => {
    const body = { waitsForSource: true } as unknown as NonNullable<GatewayRequest["body"]>;
    const client = watched({ request: { body } });
    client.through("send");
    await client.clock.advance(300);
    expect(client.name()).toBe("request_body_timeout");
  });
});

describe("a limit that does not exist", () => {
  it("is waited for without end and without a timer", async () => {
    const { clock, through, cuts } = watched({ limits: { connectMs: NEVER, responseMs: NEVER } });
    expect(clock.pending()).toBe(0);
    through("send", "wait");
    await clock.advance(1_000_000_000);
    expect(cuts).toEqual([]);
    expect(clock.pending()).toBe(0);
  });

  it("in one phase does not take away that of the next", async () => {
    const { clock, through, cuts } = watched({ limits: { responseMs: NEVER } });
    through("send", "wait");
    await clock.advance(10_000);
    through("receive");
    await clock.advance(300);
    expect(cuts).toEqual([[10_300, "timeout"]]);
  });
});

describe("a tunnel", () => {
  function tunnel(limits: Partial<AttemptTimeouts> = {}) {
    const seen = watched({ limits });
    seen.through("send", "wait");
    seen.exchange.switched();
    seen.exchange.enter("receive");
    return seen;
  }

  it("may be silent for longer than a body, and ends by a name of its own", async () => {
    const { clock, exchange, cuts, name } = tunnel({ bodyMs: 1_000 });
    await clock.advance(4_900);
    exchange.progress();
    await clock.advance(4_900);
    expect(cuts).toEqual([]);
    await clock.advance(200);
    expect(cuts).toHaveLength(1);
    expect(name()).toBe("tunnel_idle");
  });

  it("that one side has ended is to move, or to end, as a body", async () => {
    const { clock, exchange, cuts, name } = tunnel();
    await clock.advance(1_000);
    exchange.halfClosed();
    await clock.advance(200);
    exchange.progress();
    await clock.advance(290);
    expect(cuts).toEqual([]);
    await clock.advance(20);
    expect(name()).toBe("tunnel_idle");
  });
});

describe("progress", () => {
  it("extends the silence that is allowed, in either body", async () => {
    for (const phases of [["send"], ["send", "wait", "receive"]] as const) {
      const { clock, through, exchange, cuts } = watched();
      through(...phases);
      for (let part = 0; part < 10; part += 1) {
        await clock.advance(299);
        exchange.progress();
      }
      await clock.advance(299);
      expect(cuts).toEqual([]);
      await clock.advance(1);
      expect(cuts).toHaveLength(1);
    }
  });

  it("does not extend the wait for an answer", async () => {
    const { clock, through, exchange, cuts } = watched();
    through("send", "wait");
    await clock.advance(150);
    exchange.progress();
    await clock.advance(50);
    expect(cuts).toEqual([[200, "timeout"]]);
  });
});

describe("a body", () => {
  it("may take this long altogether, however well it moves", async () => {
    const { clock, through, exchange, cuts, name } = watched({ limits: { bodyMs: 1_000 } });
    through("send", "wait", "receive");
    for (let part = 0; part < 10; part += 1) {
      exchange.progress();
      await clock.advance(100);
    }
    expect(cuts).toEqual([[1_000, "body_timeout"]]);
    expect(name()).toBe("response_body_timeout");
  });

  it("may take no longer when it came before the request was sent whole", async () => {
    const { clock, through, exchange, cuts } = watched({ limits: { bodyMs: 1_000 } });
    through("send");
    await clock.advance(250);
    through("receive");
    for (let part = 0; part < 12; part += 1) {
      exchange.progress();
      await clock.advance(100);
    }
    expect(cuts).toEqual([[1_250, "body_timeout"]]);
  });

  it("that came early has all of the silence that is allowed", async () => {
    const { clock, through, cuts } = watched();
    through("send");
    await clock.advance(250);
    through("receive");
    await clock.advance(299);
    expect(cuts).toEqual([]);
    await clock.advance(1);
    expect(cuts).toEqual([[550, "timeout"]]);
  });
});

describe("a client that keeps its upstream waiting", () => {
  const clientPace = { clientMs: 1_000, bytesPerSecondMin: 100 };
  const limits = { idleMs: 5_000 };

  function upload(): { bytesRead: number; waitsForSource: boolean; complete: boolean } {
    return { bytesRead: 0, waitsForSource: true, complete: false };
  }

  function uploading(body: object, pace: GatewayRequest["clientPace"] = clientPace) {
    const request = { body: body as NonNullable<GatewayRequest["body"]>, clientPace: pace };
    const seen = watched({ limits, request });
    seen.through("send");
    return seen;
  }

  it("with a trickle of its body is cut, however steady that is", async () => {
    const body = upload();
    const { clock, exchange, cuts, name } = uploading(body);
    for (let second = 0; second < 10 && cuts.length === 0; second += 1) {
      body.bytesRead += 10;
      exchange.progress();
      await clock.advance(1_000);
    }
    // The time that everybody has, a tenth of a second for each 10 bytes, and the next look.
    expect(cuts).toEqual([[1_250, "timeout"]]);
    expect(name()).toBe("request_body_timeout");
  });

  it("goes on for as long as it likes at the rate, with pauses in between", async () => {
    const body = upload();
    const { clock, exchange, cuts } = uploading(body);
    for (let second = 0; second < 100; second += 1) {
      body.bytesRead += 400;
      exchange.progress();
      await clock.advance(4_000);
    }
    expect(cuts).toEqual([]);
    exchange.end();
    expect(clock.pending()).toBe(0);
  });

  it("is not blamed while the upstream is the one that is slow", async () => {
    const body = { ...upload(), waitsForSource: false };
    const { clock, exchange, cuts } = uploading(body);
    for (let part = 0; part < 10; part += 1) {
      exchange.progress();
      await clock.advance(4_000);
    }
    expect(cuts).toEqual([]);
  });

  it("with a body that is here already is not watched", async () => {
    const { clock } = uploading({ ...upload(), complete: true });
    expect(clock.pending()).toBe(1);
    expect(uploading(upload(), null).clock.pending()).toBe(1);
    expect(uploading(upload()).clock.pending()).toBe(2);
  });

  it("may send slowly what an upstream reads while it answers", async () => {
    const { clock, exchange, cuts, through } = uploading(upload());
    through("receive");
    for (let part = 0; part < 10; part += 1) {
      exchange.progress();
      await clock.advance(4_000);
    }
    expect(cuts).toEqual([]);
  });

  it("and that a deadline ends is to blame, not the upstream", () => {
    const { timeline } = uploading(upload()).exchange;
    expect(classifyError(timeline, "deadline", null)).toBe("deadline_exceeded");
    timeline.waitsForClient = true;
    expect(classifyError(timeline, "deadline", null)).toBe("request_body_timeout");
  });

  function reading() {
    const seen = watched({ limits, request: { clientPace } });
    seen.through("send", "wait", "receive");
    return seen;
  }

  it("by taking drops of the answer is cut, by the time that it was behind", async () => {
    const { clock, exchange, cuts, name } = reading();
    for (let part = 0; part < 20 && cuts.length === 0; part += 1) {
      exchange.clientBehind(true);
      await clock.advance(400);
      if (cuts.length > 0) break;
      exchange.progress();
      exchange.timeline.receivedBytes += 1;
      exchange.clientBehind(false);
      await clock.advance(600);
    }
    expect(cuts).toHaveLength(1);
    // Behind in four seconds out of ten, so after two and a half times the time, and a look.
    expect(cuts[0]?.[0]).toBeGreaterThanOrEqual(2_000);
    expect(cuts[0]?.[0]).toBeLessThanOrEqual(2_750);
    expect(name()).toBe("client_stalled");
  });

  it("takes an answer at the rate for as long as it likes", async () => {
    const { clock, exchange, cuts } = reading();
    exchange.timeline.receivedBytes = 65_536;
    for (let part = 0; part < 100; part += 1) {
      exchange.clientBehind(true);
      await clock.advance(4_000);
      exchange.progress();
      exchange.timeline.receivedBytes += 400;
      exchange.clientBehind(false);
    }
    expect(cuts).toEqual([]);
    exchange.end();
    expect(clock.pending()).toBe(0);
  });

  it("is not watched when the exchange is over, though it falls behind the rest", () => {
    const { clock, exchange } = reading();
    exchange.end();
    exchange.clientBehind(true);
    expect(clock.pending()).toBe(0);
  });

  it("is not watched while it keeps up with an upstream that is silent", async () => {
    const { clock, exchange, cuts } = reading();
    for (let event = 0; event < 100; event += 1) {
      await clock.advance(4_000);
      exchange.progress();
    }
    expect(cuts).toEqual([]);
    exchange.clientBehind(true);
    exchange.clientBehind(false);
    await clock.advance(250);
    expect(clock.pending()).toBe(1);
  });
});

describe("what a call asks for itself", () => {
  it("stands before what was set up, limit by limit", async () => {
    const { clock, through, cuts } = watched({ overrides: { responseMs: 50 } });
    through("send", "wait");
    await clock.advance(50);
    expect(cuts).toEqual([[50, "timeout"]]);
    const other = watched({ overrides: { responseMs: 50 } });
    await other.clock.advance(100);
    expect(other.cuts).toEqual([[100, "timeout"]]);
  });

  it("does not change what the policy says of itself", () => {
    expect(watched({ overrides: { responseMs: 50 } }).policy.settings).toEqual(LIMITS);
  });
});

/** In the turn after the late timer, in which the loop reads its sockets. */
function afterTimer(clock: VirtualClock, act: () => void): void {
  clock.after(0, () => clock.turn(act));
}

describe("a timer that fires late, since our own process was busy", () => {
  it("gives way to an answer that was in the socket all along", async () => {
    const { clock, through, exchange, cuts, saved } = watched();
    through("send", "wait");
    clock.stall(5_000);
    afterTimer(clock, () => exchange.enter("receive"));
    await clock.advance(0);
    expect(cuts).toEqual([]);
    expect(saved).toEqual([exchange.target.id]);
    await clock.advance(300);
    expect(cuts).toEqual([[5_300, "timeout"]]);
  });

  it("gives way to an answer that is read before the first turn, too", async () => {
    const { clock, through, exchange, cuts } = watched();
    through("send", "wait");
    clock.stall(5_000);
    clock.after(0, () => exchange.enter("receive"));
    await clock.advance(0);
    expect(cuts).toEqual([]);
  });

  it("gives way to an answer that is over by then, and leaves nothing", async () => {
    const { clock, through, exchange, cuts, saved } = watched();
    through("send", "wait");
    clock.stall(5_000);
    afterTimer(clock, () => {
      exchange.enter("receive");
      exchange.end();
    });
    await clock.advance(0);
    expect(cuts).toEqual([]);
    expect(saved).toHaveLength(1);
    expect(clock.pending()).toBe(0);
  });

  it("saves nothing where the exchange ended without an answer", async () => {
    const { clock, through, exchange, saved } = watched();
    through("send", "wait");
    clock.stall(5_000);
    afterTimer(clock, () => exchange.end());
    await clock.advance(0);
    expect(saved).toEqual([]);
    expect(clock.pending()).toBe(0);
  });

  it("saves nothing where it was hardly late: then the answer came just in time", async () => {
    const { clock, through, exchange, cuts, saved } = watched();
    through("send", "wait");
    clock.after(200, () => clock.turn(() => exchange.enter("receive")));
    await clock.advance(200);
    expect(cuts).toEqual([]);
    expect(saved).toEqual([]);
  });

  it("cuts when nothing has come, and knows how late it was", async () => {
    const { clock, cuts, exchange, name, through } = watched();
    through("connect");
    clock.stall(100 + SELF.stallMs);
    await clock.advance(0);
    expect(cuts).toHaveLength(1);
    expect(exchange.timeline.stalledMs).toBe(SELF.stallMs);
    expect(name()).toBe("event_loop_stalled");
  });

  it("blames a silent target for its silence, whatever small delay our timer had", async () => {
    const { clock, cuts, name, through } = watched({ limits: { connectMs: 1_000 } });
    through("connect");
    await clock.advance(950);
    clock.stall(50 + 4 * SELF.stallMs);
    await clock.advance(0);
    expect(cuts).toHaveLength(1);
    expect(name()).toBe("connection_timeout");
  });

  it("blames itself where a stall has left a connection no time to go on", async () => {
    const { clock, cuts, name, through } = watched({ limits: { connectMs: 1_000 } });
    through("resolve");
    clock.stall(1_000 + SELF.stallMs);
    afterTimer(clock, () => through("connect"));
    await clock.advance(10);
    expect(cuts).toHaveLength(1);
    expect(name()).toBe("event_loop_stalled");
  });

  it("goes on watching after a part of a body has come in the last moment", async () => {
    const { clock, through, exchange, cuts } = watched();
    through("send", "wait", "receive");
    clock.stall(1_000);
    afterTimer(clock, () => exchange.progress());
    await clock.advance(0);
    expect(cuts).toEqual([]);
    await clock.advance(300);
    expect(cuts).toEqual([[1_300, "timeout"]]);
  });
});

describe("timers", () => {
  it("are one at the most, and one more for the whole body", async () => {
    const { clock, through, exchange } = watched({ limits: { bodyMs: 5_000 } });
    const most: number[] = [];
    for (const phase of ["queue", "resolve", "connect", "secure", "send", "wait"] as const) {
      through(phase);
      exchange.progress();
      await clock.advance(40);
      most.push(clock.pending());
    }
    expect(Math.max(...most)).toBe(1);
    through("receive");
    expect(clock.pending()).toBe(2);
  });

  it("are gone when the exchange is over, wherever it ends", async () => {
    const phases: readonly Phase[] = ["queue", "connect", "send", "wait", "receive"];
    for (let count = 0; count <= phases.length; count += 1) {
      const { clock, through, exchange, cuts } = watched({ limits: { bodyMs: 5_000 } });
      through(...phases.slice(0, count));
      exchange.end();
      expect(clock.pending()).toBe(0);
      await clock.advance(10_000);
      expect(cuts).toEqual([]);
    }
  });

  it("cut nothing twice", async () => {
    const { clock, through, cuts, exchange } = watched({ limits: { bodyMs: 300 } });
    through("send", "wait", "receive");
    await clock.advance(300);
    exchange.end();
    await clock.advance(10_000);
    expect(cuts).toHaveLength(1);
    expect(clock.pending()).toBe(0);
  });
});
