/**
 * One exchange over one connection, with the test in the place of undici and of the guard: what
 * comes up, in which order, and that it ends once.
 */
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/catalog/defaults.js";
import type { FailureCode } from "../../../src/catalog/failures.js";
import { NamedError } from "../../../src/core/named-error.js";
import type { Outcome } from "../../../src/core/outcome.js";
import type { GatewayRequest } from "../../../src/core/request.js";
import type { BodySink, ResponseBody } from "../../../src/core/response-body.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";
import type { Connection } from "../../../src/transports/connection.js";
import { ExchangeRun } from "../../../src/transports/exchange-run.js";
import { parseResponseHead, type ResponseHead } from "../../../src/transports/response-head.js";
import { exchangeOn } from "./made-exchange.js";

class FakeGuard {
  head: ResponseHead | null = null;
  paused = false;
  state = "idle";
  expect(): void {
    this.state = "head";
  }
  idle(): void {
    this.state = "idle";
    this.paused = false;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  remove(): void {
    this.state = "removed";
  }
}

interface RunOptions {
  readonly request?: Partial<GatewayRequest>;
  readonly bodyBytesMax?: number;
}

function running(options: RunOptions = {}) {
  const clock = virtualClock();
  const exchange = exchangeOn(clock, options.request ? { request: options.request } : {});
  const guard = new FakeGuard();
  const connection = {
    guard,
    served: 0,
    broke: false,
    running: null,
    destroyed: false,
    expectUpload(): void {},
    destroy(): void {
      this.destroyed = true;
    },
  };
  const told: string[] = [];
  const outcomes: Outcome<ResponseBody>[] = [];
  const aborted: Error[] = [];
  const context = {
    bodyBytesMax: options.bodyBytesMax ?? Number.POSITIVE_INFINITY,
    limits: LIMITS,
    wallNow: () => 0,
    clock,
    continueMs: 0,
  };
  const run = new ExchangeRun(exchange, connection as unknown as Connection, context, {
    settle(outcome) {
      told.push("settled");
      outcomes.push(outcome);
    },
    neverStarted: () => told.push("never started"),
    released: () => told.push("released"),
  });
  const begin = (): void => {
    run.onConnect((error) => {
      aborted.push(error as Error);
      run.onError(error as Error);
    });
    run.onRequestSent();
  };
  const answer = (fields = "content-length: 10"): void => {
    guard.head = parseResponseHead(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`);
    run.onHeaders();
  };
  return { exchange, guard, connection, told, outcomes, aborted, run, begin, answer };
}

/** A sink that says no after every chunk until told otherwise. */
function slowSink(events: string[] = []): BodySink & { readonly events: string[]; fast: boolean } {
  return {
    events,
    fast: false,
    data(chunk) {
      events.push(chunk.toString());
      return this.fast;
    },
    end: (trailers) => void events.push(`end ${trailers.join(":")}`),
    broken: (code: FailureCode) => void events.push(`broken ${code}`),
  };
}

const bytes = (text: string): Buffer => Buffer.from(text);

describe("the order of a body", () => {
  it("is kept when a slow taker has not yet had what came before it", async () => {
    const { run, begin, answer, guard } = running();
    begin();
    answer();
    for (const chunk of ["a", "b", "c"]) run.onData(bytes(chunk));
    const sink = slowSink();
    run.pipeTo(sink);
    expect(guard.paused).toBe(true);
    run.onData(bytes("d"));
    expect(sink.events).toEqual(["a"]);
    sink.fast = true;
    run.resume();
    expect(guard.paused).toBe(false);
    run.onData(bytes("e"));
    run.onComplete([]);
    expect(sink.events).toEqual(["a", "b", "c", "d", "e", "end "]);
  });

  it("is kept when chunks come after a taker asked for a pause", () => {
    const { run, begin, answer } = running();
    begin();
    answer();
    const sink = slowSink();
    run.pipeTo(sink);
    for (const chunk of ["a", "b"]) run.onData(bytes(chunk));
    run.onComplete([]);
    expect(sink.events).toEqual(["a"]);
    run.resume();
    expect(sink.events).toEqual(["a", "b", "end "]);
  });
});

describe("a pause", () => {
  it("that a full buffer made ends when a taker comes that takes all", () => {
    const { run, begin, answer, guard, exchange } = running();
    begin();
    answer();
    run.onData(Buffer.alloc(LIMITS.bufferedBytesMax));
    expect(guard.paused).toBe(true);
    const sink = slowSink();
    sink.fast = true;
    run.pipeTo(sink);
    expect(guard.paused).toBe(false);
    expect(exchange.timeline.clientBlocked).toBe(false);
  });

  it("tells the timeouts that the client is the one who is slow", () => {
    const { run, begin, answer, exchange } = running();
    begin();
    answer();
    run.onData(bytes("a"));
    const sink = slowSink();
    run.pipeTo(sink);
    expect(exchange.timeline.clientBlocked).toBe(true);
    sink.fast = true;
    run.resume();
    expect(exchange.timeline.clientBlocked).toBe(false);
  });
});

describe("after a body broke", () => {
  it("nothing more of it is delivered", () => {
    const { run, begin, answer, told } = running();
    begin();
    answer();
    for (const chunk of ["a", "b"]) run.onData(bytes(chunk));
    const sink = slowSink();
    run.pipeTo(sink);
    run.fail(new NamedError("connection_reset_in_body"));
    run.resume();
    run.onData(bytes("c"));
    run.onComplete([]);
    expect(sink.events).toEqual(["a", "broken connection_reset_in_body"]);
    expect(told).toEqual(["released", "settled"]);
  });

  it("whoever comes later gets what was there, and that it broke", async () => {
    const { run, begin, answer } = running();
    begin();
    answer();
    run.onData(bytes("a"));
    await turn();
    run.fail(new NamedError("http_response_incomplete"));
    expect(run.takeWhole()).toBeNull();
    const sink = slowSink();
    sink.fast = true;
    run.pipeTo(sink);
    expect(sink.events).toEqual(["a", "broken http_response_incomplete"]);
  });
});

describe("an answer that is given up", () => {
  it("is read to its end when little of it is left, so that the connection stays", () => {
    const { run, begin, answer, connection } = running();
    begin();
    answer();
    run.onData(Buffer.alloc(LIMITS.discardBytesMax / 2 + 1));
    run.discard();
    run.onData(Buffer.alloc(LIMITS.discardBytesMax / 2 - 1));
    run.onComplete([]);
    expect(connection.destroyed).toBe(false);
  });

  it("ends its connection when more than the limit is left", () => {
    const { run, begin, answer, connection, told } = running();
    begin();
    answer();
    run.discard();
    run.onData(Buffer.alloc(LIMITS.discardBytesMax));
    expect(connection.destroyed).toBe(false);
    run.onData(Buffer.alloc(1));
    expect(connection.destroyed).toBe(true);
    run.onComplete([]);
    expect(told.filter((one) => one === "released")).toHaveLength(1);
  });

  it("goes on arriving even if its buffer had been filled to the brim", () => {
    const { run, begin, answer, guard } = running();
    begin();
    answer();
    run.onData(Buffer.alloc(LIMITS.bufferedBytesMax));
    run.discard();
    expect(guard.paused).toBe(false);
  });

  it("can be given up by a taker that had begun, and is then bounded too", () => {
    const { run, begin, answer, connection } = running();
    begin();
    answer();
    const sink = slowSink();
    sink.fast = true;
    run.pipeTo(sink);
    run.onData(bytes("a"));
    run.discard();
    run.onData(Buffer.alloc(LIMITS.discardBytesMax + 1));
    expect(connection.destroyed).toBe(true);
    expect(sink.events).toEqual(["a"]);
  });
});

describe("a whole answer", () => {
  it("is taken in one piece when it is here, and only once", async () => {
    const { run, begin, answer, outcomes } = running();
    begin();
    answer();
    run.onData(bytes("he"));
    run.onData(bytes("llo"));
    run.onComplete([]);
    await turn();
    expect(outcomes).toMatchObject([{ kind: "success", response: { status: 200 } }]);
    expect(run.takeWhole()?.toString()).toBe("hello");
    expect(run.takeWhole()).toBeNull();
    const sink = slowSink();
    run.pipeTo(sink);
    expect(sink.events).not.toContain("end ");
  });

  it("is not taken in one piece when it has trailers, which only a sink can take", () => {
    const { run, begin, answer } = running();
    begin();
    answer("transfer-encoding: chunked");
    run.onData(bytes("a"));
    run.onComplete([bytes("digest"), bytes("x")]);
    expect(run.takeWhole()).toBeNull();
    const sink = slowSink();
    sink.fast = true;
    run.pipeTo(sink);
    expect(sink.events).toEqual(["a", "end digest:x"]);
  });

  it("that breaks before anybody was told of it is no answer", async () => {
    const { run, begin, answer, outcomes } = running();
    begin();
    answer();
    run.fail(new NamedError("connection_terminated"));
    await turn();
    expect(outcomes).toMatchObject([
      { kind: "no_response", failure: { code: "connection_terminated", written: true } },
    ]);
  });

  it("over the limit is broken by that name", async () => {
    const { run, begin, answer, aborted } = running({ bodyBytesMax: 4 });
    begin();
    answer();
    await turn();
    const sink = slowSink();
    run.pipeTo(sink);
    run.onData(bytes("hello"));
    expect(aborted).toHaveLength(1);
    expect(sink.events).toEqual(["broken http_response_body_size"]);
  });

  it("without a length is broken when its connection was reset rather than closed", async () => {
    const { run, begin, answer, connection } = running();
    begin();
    answer("x: y");
    await turn();
    const sink = slowSink();
    run.pipeTo(sink);
    connection.broke = true;
    run.onComplete([]);
    expect(sink.events).toEqual(["broken connection_reset_in_body"]);
  });
});

describe("a cut", () => {
  it("while it waits ends the exchange once, by the name of who cut", () => {
    const { run, begin, told, outcomes, exchange } = running();
    begin();
    exchange.cancellation.cut("client");
    run.onError(new Error("late"));
    expect(outcomes).toMatchObject([{ failure: { code: "client_closed_request" } }]);
    expect(told).toEqual(["released", "settled"]);
    expect(exchange.cancellation.listening).toBe(0);
    expect(exchange.call.cancellation.listening).toBe(0);
  });

  it("before undici has begun, which it may never do, ends the exchange and sends nothing", () => {
    const { run, told, outcomes, exchange, connection } = running();
    exchange.cancellation.cut("deadline");
    expect(told).toEqual(["released", "settled"]);
    expect(connection.destroyed).toBe(true);
    run.onConnect((error) => run.onError(error as Error));
    expect(connection.served).toBe(0);
    expect(exchange.timeline.written).toBe(false);
    expect(outcomes).toMatchObject([{ kind: "no_response" }]);
    expect(outcomes[0]).not.toHaveProperty("failure.written");
    expect(told).toEqual(["released", "settled"]);
  });

  it("before undici has begun, of a connection that dies, is still a cut and no new try", () => {
    const { run, told, outcomes, exchange } = running();
    exchange.cancellation.cut("client");
    run.onError(new Error("closed"));
    expect(told).toEqual(["released", "settled"]);
    expect(outcomes).toMatchObject([{ failure: { code: "client_closed_request" } }]);
  });

  it("inside a tunnel destroys the connection, since undici is done with it", async () => {
    const { run, begin, guard, connection, exchange, told } = running({
      request: { upgrade: "websocket" },
    });
    begin();
    guard.head = parseResponseHead("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n");
    run.onUpgrade(101, [], {} as never);
    await turn();
    expect(run.upgraded).not.toBeNull();
    exchange.cancellation.cut("shutdown");
    expect(connection.destroyed).toBe(true);
    expect(told.filter((one) => one === "released")).toHaveLength(1);
    run.upgraded?.end();
    expect(told.filter((one) => one === "released")).toHaveLength(1);
  });
});

describe("a connection that was dead before anything was written", () => {
  it("asks for another one and leaves no listener behind", () => {
    const { run, told, exchange } = running();
    run.onError(new Error("closed"));
    expect(told).toEqual(["never started"]);
    expect(exchange.cancellation.listening).toBe(0);
  });
});

describe("whoever listens for the end", () => {
  it("is told once, also when it had come before", () => {
    const { run, begin, answer } = running();
    const ends: (string | null)[] = [];
    begin();
    answer();
    run.onFinished((code) => ends.push(code));
    run.onFinished((code) => ends.push(code));
    run.onComplete([]);
    run.onFinished((code) => ends.push(code));
    run.fail(new Error("late"));
    expect(ends).toEqual([null, null, null]);
  });
});

describe("a connection that has served before", () => {
  it("is noted in the timeline, since a loss of it then says less about the target", () => {
    const { connection, begin, exchange, run, outcomes } = running();
    connection.served = 3;
    begin();
    run.fail(new NamedError("connection_terminated"));
    expect(exchange.timeline.reused).toBe(true);
    expect(connection.served).toBe(4);
    expect(outcomes).toMatchObject([{ failure: { code: "stale_connection" } }]);
  });
});
