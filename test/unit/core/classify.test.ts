/**
 * Raw errors and answers become names: who cut it, then how far it got, then the code. Never by the
 * text of an error.
 */
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { LIMITS, SELF } from "../../../src/catalog/defaults.js";
import { FAILURE_CODES, type FailureCode, type Phase } from "../../../src/catalog/failures.js";
import type { CutBy } from "../../../src/core/cancellation.js";
import { classifyError, classifyResponse } from "../../../src/core/classify.js";
import { NamedError } from "../../../src/core/named-error.js";
import { Timeline } from "../../../src/core/timeline.js";

interface Reached {
  readonly reused?: boolean;
  readonly written?: boolean;
  readonly headBytes?: number;
  readonly waitsForClient?: boolean;
  readonly clientBlocked?: boolean;
  readonly stalledMs?: number;
  readonly awaitsPreface?: boolean;
  readonly tunnel?: "none" | "open" | "closing";
  /** How long after the phase began it ended. */
  readonly afterMs?: number;
  readonly startedAt?: number;
}

const BEFORE_WRITING: readonly Phase[] = ["admit", "queue", "resolve", "connect", "secure"];

/** A timeline that got this far. */
function reached(phase: Phase, { afterMs, startedAt, ...facts }: Reached = {}): Timeline {
  const timeline = new Timeline(startedAt ?? 1_000);
  const written = !BEFORE_WRITING.includes(phase);
  if (written) timeline.enter("send", 1_000);
  if (phase === "receive") timeline.enter("wait", 1_000);
  timeline.enter(phase, 1_000);
  timeline.endAt = 1_000 + (afterMs ?? 0);
  return Object.assign(timeline, { written, ...facts });
}

function coded(code: string, more: object = {}): Error {
  return Object.assign(new Error("the text does not matter"), { code, ...more });
}

const RESET = coded("ECONNRESET", { syscall: "read" });

describe("who cut it outranks every error", () => {
  const anything: readonly unknown[] = [
    RESET,
    null,
    undefined,
    "text",
    new NamedError("dns_error"),
  ];

  it.each<[CutBy, FailureCode]>([
    ["client", "client_closed_request"],
    ["shutdown", "draining"],
    ["body_timeout", "response_body_timeout"],
  ])("%s is always %s", (by, code) => {
    for (const phase of [...BEFORE_WRITING, "send", "wait", "receive"] as const) {
      for (const error of anything) expect(classifyError(reached(phase), by, error)).toBe(code);
    }
  });

  it.each<[Phase, FailureCode]>([
    ["admit", "deadline_exceeded_queued"],
    ["queue", "deadline_exceeded_queued"],
    ["resolve", "deadline_exceeded_connecting"],
    ["connect", "deadline_exceeded_connecting"],
    ["secure", "deadline_exceeded_in_handshake"],
    ["send", "deadline_exceeded"],
    ["wait", "deadline_exceeded"],
    ["receive", "deadline_exceeded"],
  ])("a deadline that passes in %s is %s", (phase, code) => {
    expect(classifyError(reached(phase), "deadline", RESET)).toBe(code);
  });

  it.each<[Phase, Reached, FailureCode]>([
    ["admit", {}, "connection_pool_timeout"],
    ["queue", {}, "connection_pool_timeout"],
    ["resolve", {}, "dns_timeout"],
    ["resolve", { stalledMs: SELF.stallMs }, "event_loop_stalled"],
    ["connect", {}, "connection_timeout"],
    ["connect", { stalledMs: SELF.stallMs - 1 }, "connection_timeout"],
    ["connect", { stalledMs: SELF.stallMs }, "event_loop_stalled"],
    ["secure", {}, "tls_handshake_timeout"],
    ["secure", { awaitsPreface: true }, "http2_preface_timeout"],
    ["connect", { awaitsPreface: true }, "http2_preface_timeout"],
    ["queue", { awaitsPreface: true }, "connection_pool_timeout"],
    ["secure", { stalledMs: SELF.stallMs }, "event_loop_stalled"],
    ["send", {}, "connection_write_timeout"],
    ["send", { waitsForClient: true }, "request_body_timeout"],
    ["wait", {}, "http_response_timeout"],
    ["wait", { headBytes: 1 }, "connection_read_timeout"],
    ["wait", { stalledMs: 60_000 }, "http_response_timeout"],
    ["receive", {}, "connection_read_timeout"],
    ["receive", { clientBlocked: true }, "client_stalled"],
    ["receive", { tunnel: "open" }, "tunnel_idle"],
    ["receive", { tunnel: "closing", clientBlocked: true }, "tunnel_idle"],
  ])("a timeout in %s %j is %s", (phase, facts, code) => {
    expect(classifyError(reached(phase, facts), "timeout", RESET)).toBe(code);
  });
});

describe("one code means different things at different places", () => {
  const receiving = reached("receive");

  it.each<[string, object, FailureCode, FailureCode, FailureCode]>([
    [
      "ECONNRESET",
      { syscall: "read" },
      "connection_reset_while_connecting",
      "connection_terminated",
      "connection_reset_in_body",
    ],
    [
      "ECONNRESET",
      {},
      "connection_reset_while_connecting",
      "connection_terminated",
      "http_response_incomplete",
    ],
    [
      "ECONNRESET",
      { syscall: "write" },
      "connection_reset_while_connecting",
      "connection_terminated_while_sending",
      "connection_reset_in_body",
    ],
    [
      "UND_ERR_SOCKET",
      {},
      "connection_reset_while_connecting",
      "connection_terminated",
      "http_response_incomplete",
    ],
    [
      "ETIMEDOUT",
      { syscall: "connect" },
      "connection_timeout",
      "connection_read_timeout",
      "connection_reset_in_body",
    ],
    [
      "HPE_INVALID_CHUNK_SIZE",
      {},
      "http_protocol_error",
      "http_response_transfer_coding",
      "http_response_transfer_coding",
    ],
    ["EMFILE", {}, "local_resources_exhausted", "proxy_internal_error", "proxy_internal_error"],
  ])("%s %j", (code, more, connecting, waiting, inBody) => {
    const error = coded(code, more);
    expect(classifyError(reached("connect"), null, error)).toBe(connecting);
    expect(classifyError(reached("wait"), null, error)).toBe(waiting);
    expect(classifyError(receiving, null, error)).toBe(inBody);
  });

  it.each<[string, object, FailureCode]>([
    ["EACCES", {}, "unix_socket_forbidden"],
    ["EACCES", { port: 80 }, "destination_ip_prohibited"],
    ["EINVAL", { syscall: "connect", port: 80 }, "destination_ip_unroutable"],
    ["EPROTO", { syscall: "connect", port: 80 }, "destination_ip_unroutable"],
    ["ENOPROTOOPT", { syscall: "connect", port: 80 }, "destination_ip_unroutable"],
    ["ENOTSUP", { syscall: "connect", port: 80 }, "destination_ip_unroutable"],
    ["EAFNOSUPPORT", { syscall: "connect", port: 80 }, "destination_ip_unroutable"],
    ["EADDRNOTAVAIL", { syscall: "connect", address: "10.0.0.1" }, "local_resources_exhausted"],
    ["EBUSY", { syscall: "getaddrinfo" }, "dns_error"],
    ["ENOENT", { syscall: "getaddrinfo" }, "dns_error"],
    ["EMFILE", { syscall: "getaddrinfo" }, "local_resources_exhausted"],
    ["EFILE", { syscall: "queryA" }, "dns_error"],
    ["EAGAIN", {}, "unix_backlog_full"],
    ["EAGAIN", { port: 80 }, "local_resources_exhausted"],
    ["ENOENT", {}, "unix_socket_missing"],
    ["ECONNREFUSED", { syscall: "connect" }, "connection_refused"],
    ["ECONNREFUSED", { syscall: "queryA" }, "dns_error"],
    ["CERT_HAS_EXPIRED", {}, "tls_certificate_expired"],
    ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", {}, "tls_alert_received"],
    ["ERR_SSL_TLSV1_UNRECOGNIZED_NAME", {}, "tls_alert_received"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", {}, "tls_protocol_error"],
  ])("%s %j while connecting is %s", (code, more, name) => {
    expect(classifyError(reached("connect"), null, coded(code, more))).toBe(name);
  });

  it("an IPv6 address of a machine without IPv6 has no route, and else no port is free", () => {
    const error = coded("EADDRNOTAVAIL", { syscall: "connect", address: "::1", port: 80 });
    const named = (family: "IPv4" | "IPv6") => {
      const spy = vi.spyOn(os, "networkInterfaces").mockReturnValue({ lo: [{ family } as never] });
      syncBuiltinESMExports();
      const name = classifyError(reached("connect"), null, error);
      spy.mockRestore();
      syncBuiltinESMExports();
      return name;
    };
    expect(named("IPv4")).toBe("destination_ip_unroutable");
    expect(named("IPv6")).toBe("local_resources_exhausted");
  });

  it("a lookup that failed at once was refused, one that took its time was not answered", () => {
    const again = coded("EAI_AGAIN", { syscall: "getaddrinfo" });
    const lasting = (afterMs: number) => reached("resolve", { afterMs });
    expect(classifyError(lasting(5), null, again)).toBe("dns_error");
    expect(classifyError(lasting(999), null, again)).toBe("dns_error");
    expect(classifyError(lasting(1_000), null, again)).toBe("dns_timeout");
  });

  it.each([
    "ERR_HTTP2_HEADER_SINGLE_VALUE",
    "ERR_HTTP2_INVALID_CONNECTION_HEADERS",
    "ERR_HTTP2_INVALID_HEADER_VALUE",
    "ERR_INVALID_HTTP_TOKEN",
  ])(
    "a request that cannot be composed is no lost connection, however it is wrapped: %s",
    (code) => {
      const thrown = coded(code);
      for (const error of [thrown, coded("UND_ERR_INFO", { cause: thrown })]) {
        for (const phase of ["connect", "send", "wait"] as const) {
          expect(classifyError(reached(phase), null, error)).toBe("proxy_internal_error");
        }
      }
    },
  );

  it("errors of the parser are known by their name, since they have no code", () => {
    const error = Object.assign(new Error("x"), { name: "HTTPParserError" });
    expect(classifyError(reached("wait"), null, error)).toBe("http_protocol_error");
    expect(classifyError(receiving, null, error)).toBe("http_response_transfer_coding");
  });
});

describe("a connection that is lost", () => {
  const lost = new NamedError("connection_terminated");
  const name = (timeline: Timeline): FailureCode => classifyError(timeline, null, lost);

  it("before anything was written was lost while connecting", () => {
    expect(name(reached("connect"))).toBe("connection_reset_while_connecting");
    expect(name(reached("send", { written: false }))).toBe("connection_reset_while_connecting");
  });

  it("that was reused and died at once was stale", () => {
    const timeline = reached("wait", { reused: true, afterMs: SELF.staleMs });
    expect(name(timeline)).toBe("stale_connection");
    expect(name(reached("send", { reused: true }))).toBe("stale_connection");
  });

  it("that was reused and worked for a while was not stale", () => {
    const timeline = reached("wait", { reused: true, afterMs: SELF.staleMs + 1 });
    expect(name(timeline)).toBe("connection_terminated");
  });

  it("that was new was never stale", () => {
    expect(name(reached("wait"))).toBe("connection_terminated");
  });

  it("within the head cut an answer short, however old the connection", () => {
    const timeline = reached("wait", { reused: true, headBytes: 1 });
    expect(name(timeline)).toBe("http_response_incomplete");
  });

  it("while the request was being sent says so", () => {
    expect(name(reached("send"))).toBe("connection_terminated_while_sending");
    expect(classifyError(reached("wait"), null, coded("EPIPE", { syscall: "write" }))).toBe(
      "connection_terminated_while_sending",
    );
  });

  it("inside the body keeps the name that the error gave it", () => {
    const reset = new NamedError("connection_reset_in_body");
    expect(classifyError(reached("receive", { reused: true }), null, reset)).toBe(
      reset.failureCode,
    );
    expect(name(reached("receive", { reused: true }))).toBe("connection_terminated");
  });
});

describe("what the error is wrapped in", () => {
  it("does not matter: causes are followed", () => {
    const error = new TypeError("fetch failed", { cause: new Error("x", { cause: RESET }) });
    expect(classifyError(reached("wait"), null, error)).toBe("connection_terminated");
  });

  it("does not outrank a name that our own code gave, wherever it stands", () => {
    const named = new NamedError("http_response_header_size");
    const error = coded("UND_ERR_SOCKET", { cause: coded("ECONNRESET", { cause: named }) });
    expect(classifyError(reached("wait"), null, error)).toBe("http_response_header_size");
  });

  it("the nearest code is the name where several have one", () => {
    const error = coded("CERT_HAS_EXPIRED", { cause: coded("ECONNRESET") });
    expect(classifyError(reached("secure"), null, error)).toBe("tls_certificate_expired");
  });

  it("is walked in bounds, also where it is a circle", () => {
    const circle = new Error("a");
    circle.cause = new Error("b", { cause: circle });
    expect(classifyError(reached("wait"), null, circle)).toBe("proxy_internal_error");
    let deep: Error = coded("ECONNREFUSED");
    for (let depth = 1; depth < LIMITS.causeDepthMax; depth += 1) {
      deep = new Error("wrapped", { cause: deep });
    }
    expect(classifyError(reached("connect"), null, deep)).toBe("connection_refused");
    const deeper = new Error("wrapped", { cause: deep });
    expect(classifyError(reached("connect"), null, deeper)).toBe("proxy_internal_error");
  });

  it("may have so many members that not all of them are looked at", () => {
    const members = Array.from({ length: 100_000 }, () => new Error("x"));
    const error = new AggregateError([...members, coded("ECONNREFUSED")]);
    expect(classifyError(reached("connect"), null, error)).toBe("proxy_internal_error");
  });
});

describe("several addresses that failed in several ways", () => {
  const connect = (code: string) => coded(code, { syscall: "connect", port: 80 });
  const all = (...codes: readonly string[]): AggregateError =>
    Object.assign(new AggregateError(codes.map(connect)), { code: codes[0] });

  it.each<[readonly string[], FailureCode]>([
    [["ENETUNREACH", "ECONNREFUSED"], "connection_refused"],
    [["ECONNREFUSED", "ENETUNREACH"], "connection_refused"],
    [["ENETUNREACH", "ETIMEDOUT"], "connection_timeout"],
    [["EHOSTUNREACH", "ENETUNREACH"], "destination_ip_unroutable"],
    [["ECONNREFUSED", "ECONNREFUSED"], "connection_refused"],
  ])("%j is %s: what was reached says more than what was not", (codes, name) => {
    expect(classifyError(reached("connect"), null, all(...codes))).toBe(name);
  });

  it("are found inside of causes, too", () => {
    const error = new TypeError("fetch failed", { cause: all("ENETUNREACH", "ECONNREFUSED") });
    expect(classifyError(reached("connect"), null, error)).toBe("connection_refused");
  });
});

describe("what nobody knows", () => {
  it.each([
    [new Error("socket hang up")],
    [new Error("connect ECONNREFUSED 127.0.0.1:80")],
    [coded("SOMETHING_NEW")],
    [coded("constructor")],
    [Object.assign(new Error("x"), { name: "toString" })],
    [Object.assign(new Error("x"), { code: 61 })],
    ["ECONNREFUSED"],
    [null],
    [undefined],
    [42],
  ])("%s is our own fault until somebody can say why", (error) => {
    expect(classifyError(reached("wait"), null, error)).toBe("proxy_internal_error");
  });

  it("never gets anything but a name of the catalog", () => {
    const codes: ReadonlySet<string> = new Set(FAILURE_CODES);
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom<Phase>("connect", "wait", "receive"), (e, at) => {
        expect(codes.has(classifyError(reached(at), null, e))).toBe(true);
      }),
    );
  });
});

describe("an answer", () => {
  it.each<[number, boolean, FailureCode | null]>([
    [101, false, null],
    [200, false, null],
    [304, false, null],
    [404, false, null],
    [421, false, "received_misdirected"],
    [425, false, "received_too_early"],
    [429, false, "received_rate_limited"],
    [429, true, "received_rate_limited"],
    [499, false, null],
    [500, false, "received_server_error"],
    [500, true, "received_server_error"],
    [501, false, null],
    [502, false, "received_gateway_error"],
    [503, false, "received_gateway_error"],
    [503, true, "received_overloaded"],
    [504, false, "received_gateway_error"],
    [505, false, null],
    [507, false, "received_server_error"],
    [599, false, "received_server_error"],
  ])("of %i (Retry-After: %s) is %s", (status, hasRetryAfter, code) => {
    expect(classifyResponse(status, hasRetryAfter)).toBe(code);
  });
});
