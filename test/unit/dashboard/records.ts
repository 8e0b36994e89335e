/**
 * Records of calls for the tests of the dashboard, and a gateway that tells them on a virtual
 * clock.
 */

import { createGateway } from "../../../src/gateway/gateway.js";
import { gatewayCore } from "../../../src/gateway/gateway-handle.js";
import type { CallAttempt, CallRecord } from "../../../src/records/call-record.js";
import { EndedCall } from "../../../src/records/ended-call.js";
import { virtualClock } from "../../../src/testing/index.js";

export function record(more: Partial<CallRecord> = {}): CallRecord {
  return {
    id: "1",
    upstream: "orders",
    kind: "proxy",
    method: "GET",
    path: "/7",
    startedAt: 1_767_225_600_000,
    durationMs: 10,
    queuedMs: 0,
    priority: "CRITICAL",
    callerAttempt: 1,
    status: 200,
    answeredBy: "upstream",
    receivedStatus: 200,
    code: null,
    blame: null,
    details: null,
    stopReason: null,
    detour: null,
    clientEnd: "complete",
    bytesIn: 0,
    bytesOut: 2,
    attempts: [attempt()],
    client: null,
    ...more,
  };
}

export function attempt(more: Partial<CallAttempt> = {}): CallAttempt {
  return {
    number: 1,
    target: "http://a",
    phase: "receive",
    code: null,
    blame: null,
    status: 200,
    reused: false,
    startedMs: 0,
    durationMs: 10,
    waitedMs: 0,
    timings: {
      queueMs: 0,
      connectMs: null,
      secureMs: null,
      sendMs: 1,
      waitMs: 8,
      receiveMs: 1,
    },
    bytesReceived: 2,
    ...more,
  };
}

export const REFUSED = {
  status: 502,
  answeredBy: "gateway",
  receivedStatus: null,
  code: "connection_refused",
  blame: "upstream",
  attempts: [attempt({ code: "connection_refused", blame: "upstream", status: null })],
} as const satisfies Partial<CallRecord>;

/** The call that this is the record of, as our own counting gets it. */
export function ended(of: CallRecord, now = 0): EndedCall {
  const { attempts, client, ...plain } = of;
  const call = new EndedCall(of.id, of.upstream, of.kind, of.method, of.path);
  const target = attempts.at(-1)?.target ?? null;
  const more = { endedAt: now, recorded: attempts, attemptCount: attempts.length, target };
  return Object.assign(call, plain, client, more);
}

/** A gateway whose events the test tells by hand. */
export function told() {
  const clock = virtualClock();
  const gateway = createGateway(
    {
      name: "edge",
      upstreams: { orders: { targets: "http://a" }, search: { targets: "http://b" } },
    },
    { clock },
  );
  const { events, endedCalls } = gatewayCore(gateway);
  const end = (more: Partial<CallRecord> = {}): void =>
    endedCalls.add(ended(record(more), clock.now()));
  return { clock, gateway, events, endedCalls, end };
}
