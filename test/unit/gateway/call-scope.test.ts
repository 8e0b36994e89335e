/** The end of a call is told as plain data, and costs nothing where nobody listens. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { emitter } from "../../../src/base/emitter.js";
import { Call } from "../../../src/core/call.js";
import { Timeline } from "../../../src/core/timeline.js";
import { OwnScope, ServedScope, tellOfRefusal } from "../../../src/gateway/call-scope.js";
import type { UpstreamInside } from "../../../src/gateway/upstream-inside.js";
import { timingsOf } from "../../../src/records/call-record.js";
import { endedCalls } from "../../../src/records/ended-calls.js";
import type { GatewayEvents } from "../../../src/records/events.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";

/** Whoever reads anything of it fails the test. */
function untouchable<Value extends object>(allowed: readonly PropertyKey[] = []): Value {
  return new Proxy({ sidesOver: 0, request: {} } as Record<PropertyKey, unknown>, {
    get(target, name) {
      if (allowed.includes(name)) return target[name];
      throw new Error(`read ${String(name)}`);
    },
  }) as Value;
}

/** An upstream that has made this call. */
function insideOf(teller: object, call: Call): UpstreamInside {
  const gateway = { ...teller, newRequestId: () => "id" };
  return { gateway, core: { name: "orders", newCall: () => call } } as unknown as UpstreamInside;
}

function ownScope(teller: object, kind: "fetch" | "send", call: Call): OwnScope {
  return new OwnScope(insideOf(teller, call), kind, call.request, null);
}

describe("with nobody listening", () => {
  const teller = {
    clock: untouchable<never>(),
    events: emitter<GatewayEvents>(),
    tracing: { tracer: null },
    endedCalls: endedCalls(virtualClock()),
  };
  const req = untouchable<IncomingMessage>();
  const res = untouchable<ServerResponse>();

  it("nothing of a call is read, and no record is made", () => {
    const call = untouchable<Call>(["sidesOver", "request"]);
    const accepted = { request: call.request, id: "id", caller: null };
    const scope = new ServedScope(insideOf(teller, call), "proxy", accepted, null, req, res);
    scope.over();
    scope.over();
    expect(call.sidesOver).toBe(2);
    scope.tunnelOver();
    ownScope(teller, "fetch", call).over();
    tellOfRefusal(teller, "orders", "proxy", untouchable());
  });

  it("the same with a listener fails, so the test would notice", () => {
    const events = emitter<GatewayEvents>();
    events.on("call:end", () => {});
    const scope = ownScope({ ...teller, events }, "fetch", untouchable<Call>(["request"]));
    expect(() => scope.over()).toThrow();
  });
});

describe("timings", () => {
  const timeline = (
    ...entered: readonly (readonly [Parameters<Timeline["enter"]>[0], number])[]
  ) => {
    const made = new Timeline(0);
    for (const [phase, at] of entered) made.enter(phase, at);
    made.endAt = 100;
    return timingsOf(made);
  };

  it("of a reused connection are those of phases that it went through", () => {
    expect(timeline(["send", 1], ["wait", 2], ["receive", 30])).toEqual({
      ...{ queueMs: 1, connectMs: null, secureMs: null },
      ...{ sendMs: 1, waitMs: 28, receiveMs: 70 },
    });
  });

  it("of a failure end with the phase that it happened in", () => {
    expect(timeline(["connect", 4], ["secure", 14])).toEqual({
      ...{ queueMs: 4, connectMs: 10, secureMs: 86 },
      ...{ sendMs: null, waitMs: null, receiveMs: null },
    });
    expect(timeline()).toMatchObject({ queueMs: 100, connectMs: null });
  });
});

describe("a call of the application", () => {
  it("that nobody listened to when it began is told with what is known", async () => {
    const clock = virtualClock();
    const events = emitter<GatewayEvents>();
    const told: unknown[] = [];
    events.on("call:end", (record) => told.push(record));
    const request = {
      method: "GET",
      path: "/a?secret=1",
      body: null,
    } as unknown as Call["request"];
    const call = new Call(request, clock.now(), "id", null);
    await clock.advance(10);
    const first = {
      number: 1,
      target: "http://a",
      phase: "wait",
      code: null,
      status: 200,
    } as const;
    call.attempts = [{ ...first, startedAt: call.startedAt + 2, durationMs: 8, reused: false }];
    call.answeredBy = "upstream";
    const teller = { clock, events, tracing: { tracer: null }, endedCalls: endedCalls(clock) };
    ownScope(teller, "send", call).over();
    expect(told).toMatchObject([
      {
        ...{ id: "id", kind: "send", path: "/a", durationMs: 10, queuedMs: 2, status: 200 },
        ...{
          startedAt: Math.round(clock.wallNow() - 10),
          code: null,
          clientEnd: "complete",
          client: null,
        },
        attempts: [{ startedMs: 2, durationMs: 8, timings: { waitMs: null } }],
      },
    ]);
  });
});
