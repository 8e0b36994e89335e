/**
 * The cache around a step that the test answers: what is kept, for whom and how long, what waits,
 * and what is left of it.
 */
import { describe, expect, it } from "vitest";
import { HttpCache } from "../../../src/cache/http-cache.js";
import { CACHE } from "../../../src/catalog/defaults.js";
import { Call } from "../../../src/core/call.js";
import type { Outcome } from "../../../src/core/outcome.js";
import { ownResponse } from "../../../src/core/own-answer.js";
import { Pending } from "../../../src/core/pending.js";
import type { GatewayRequest } from "../../../src/core/request.js";
import type { BodySink, ResponseBody } from "../../../src/core/response-body.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";

type Answer = Outcome<ResponseBody>;

function answer(body: string, fields: readonly string[], status = 200): Answer {
  const whole = { status, fields, body: Buffer.from(body) };
  const response = ownResponse("GET", whole);
  return status < 500
    ? { kind: "success", response }
    : { kind: "error_response", response, failure: { code: "received_gateway_error" } };
}

function lab(answers: (call: Call) => Answer | Promise<Answer>, options: object = {}) {
  const clock = virtualClock();
  const limits = { ...optionsOf(), ...options };
  const cache = new HttpCache({ clock, name: "edge", options: limits, totalMs: 10_000 });
  let sent = 0;
  const step = (call: Call): Promise<Answer> => {
    sent += 1;
    const given = answers(call);
    return given instanceof Promise ? given : Pending.settled(given);
  };
  const begin = (request: Partial<GatewayRequest> = {}) => {
    const call = new Call(requestOf(request), clock.now(), "id", null);
    return { call, coming: cache.run(call, step) as Promise<Answer> };
  };
  const ask = async (path: string, headers: readonly string[] = [], method = "GET") => {
    const outcome = await begin({ path, headers, method }).coming;
    if (outcome.kind === "no_response") return { code: outcome.failure.code };
    const { status, headers: fields } = outcome.response;
    const body = await read(outcome.response.body);
    return { status, body, mark: String(fields["cache-status"]), fields };
  };
  return { clock, cache, begin, ask, sent: () => sent };
}

function optionsOf() {
  const { storeBytesMax, answerBytesMax, answersMax, staleIfErrorMs, collapse } = CACHE;
  return { storeBytesMax, answerBytesMax, answersMax, staleIfErrorMs, collapse };
}

function requestOf(request: Partial<GatewayRequest>): GatewayRequest {
  return {
    ...{ method: "GET", path: "/", headers: [], body: null, contentLength: null },
    ...{ replayable: false, upgrade: null, onInformation: null, ...request },
  };
}

function read(body: ResponseBody): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    body.pipeTo({
      data: (chunk) => chunks.push(chunk) > 0,
      end: () => resolve(Buffer.concat(chunks).toString()),
      broken: (code) => resolve(`broken: ${code}`),
    });
  });
}

const FRESH = ["cache-control", "max-age=60"] as const;

describe("what is kept", () => {
  const twice = async (
    fields: readonly string[],
    {
      asked = [],
      status = 200,
      method = "GET",
    }: { asked?: readonly string[]; status?: number; method?: string } = {},
  ): Promise<number> => {
    const { ask, sent } = lab(() => answer("x", fields, status));
    await ask("/", asked, method);
    await ask("/", asked, method);
    return sent();
  };

  it.each([
    ["max-age", FRESH, {}],
    ["capitals", ["Cache-Control", "Max-Age=60"], {}],
    ["s-maxage", ["cache-control", "s-maxage=60"], {}],
    ["a 404", FRESH, { status: 404 }],
    ["a permanent redirect", [...FRESH, "location", "/b"], { status: 301 }],
    [
      "an authorized public",
      ["cache-control", "public, max-age=60"],
      { asked: ["authorization", "x"] },
    ],
    ["a cookie's public", ["cache-control", "public, max-age=60"], { asked: ["cookie", "a=b"] }],
  ])("%s is", async (_, fields, more) => {
    expect(await twice(fields, more)).toBe(1);
  });

  it.each([
    ["nothing said", [], {}],
    ["no-store", ["cache-control", "no-store, max-age=60"], {}],
    ["private", ["cache-control", "private, max-age=60"], {}],
    ["no-cache", ["cache-control", "no-cache"], {}],
    ["max-age=0", ["cache-control", "max-age=0"], {}],
    ["already old", [...FRESH, "age", "90"], {}],
    ["a cookie that is set", [...FRESH, "set-cookie", "a=b"], {}],
    ["vary: *", [...FRESH, "vary", "accept, *"], {}],
    ["authorized", FRESH, { asked: ["authorization", "x"] }],
    ["a cookie's", FRESH, { asked: ["Cookie", "a=b"] }],
    ["a part", FRESH, { asked: ["range", "bytes=0-1"], status: 206 }],
    ["a whole answer to a range", FRESH, { asked: ["range", "bytes=0-1"] }],
    ["if-match", FRESH, { asked: ["if-match", '"1"'] }],
    ["asked with no-store", FRESH, { asked: ["cache-control", "no-store"] }],
    ["asked with no-cache", FRESH, { asked: ["cache-control", "no-cache"] }],
    ["a 500", FRESH, { status: 500 }],
    ["a POST's", FRESH, { method: "POST" }],
    ["a HEAD's", FRESH, { method: "HEAD" }],
  ])("%s is not", async (_, fields, more) => {
    expect(await twice(fields, more)).toBe(2);
  });

  it("an anonymous answer is not given to one who is known", async () => {
    const { ask, sent } = lab(() => answer("x", FRESH));
    await ask("/");
    await ask("/", ["cookie", "session=1"]);
    await ask("/", ["authorization", "x"]);
    expect(sent()).toBe(3);
  });

  it("what the fields of a connection name stays there, and a cookie is not repeated", async () => {
    const { ask } = lab(() =>
      answer("x", [...FRESH, "connection", "x-hop", "x-hop", "1", "x-end", "2"]),
    );
    await ask("/");
    const { fields } = (await ask("/")) as { fields: Record<string, unknown> };
    expect(Object.keys(fields).sort()).toEqual(
      ["age", "cache-control", "cache-status", "content-length", "x-end"].sort(),
    );
  });
});

describe("what tells answers apart", () => {
  it("the fields of Vary, host and scheme, and the query", async () => {
    const vary = [...FRESH, "vary", "Accept-Language, accept"];
    const { ask, sent } = lab(({ request: { headers } }) => answer(headers.join(), vary));
    const asked = [
      ["accept-language", "de"],
      ["accept-language", "en"],
      ["accept-language", "de", "accept", "text/html"],
      ["host", "a.example"],
      ["host", "b.example"],
      ["x-forwarded-host", "c.example"],
      ["x-forwarded-proto", "https"],
      ["forwarded", "for=1;host=d.example;proto=https"],
    ];
    for (const headers of [...asked, ...asked]) {
      expect(((await ask("/a", headers)) as { body: string }).body).toBe(headers.join());
    }
    expect(sent()).toBe(asked.length);
    await ask("/a?b", ["forwarded", "for=1;host=d.example"]);
    await ask("/a?b", ["forwarded", "for=2;host=d.example"]);
    expect(sent()).toBe(asked.length + 1);
  });
});

describe("time", () => {
  it("an answer is fresh until its end, ages, and is asked again", async () => {
    const { ask, clock, sent } = lab(() => answer("x", [...FRESH, "age", "10"]));
    await ask("/");
    await clock.advance(49_000);
    expect(await ask("/")).toMatchObject({ mark: "edge; hit; ttl=1", fields: { age: "59" } });
    await clock.advance(2_000);
    expect(await ask("/")).toMatchObject({ mark: "edge; fwd=stale; fwd-status=200; stored" });
    expect(sent()).toBe(2);
  });

  it.each([
    ["max-age=1, stale-if-error=30", {}, true],
    ["max-age=1", { staleIfErrorMs: 30_000 }, true],
    ["max-age=1", {}, false],
    ["max-age=1, must-revalidate", { staleIfErrorMs: 30_000 }, false],
    ["s-maxage=1", { staleIfErrorMs: 30_000 }, false],
  ])("%s with %j stands in for a failure: %s", async (directives, options, is) => {
    let isDown = false;
    const down: Answer = { kind: "no_response", failure: { code: "connection_refused" } };
    const { ask, clock } = lab(
      () => (isDown ? down : answer("old", ["cache-control", directives])),
      options,
    );
    await ask("/");
    isDown = true;
    await clock.advance(20_000);
    const given = await ask("/");
    if (is) expect(given).toMatchObject({ status: 200, body: "old" });
    else expect(given).toEqual({ code: "connection_refused" });
    await clock.advance(20_000);
    expect(await ask("/")).toEqual({ code: "connection_refused" });
  });
});

describe("conditions", () => {
  const [etag, date] = ['W/"1"', "Tue, 01 Dec 2020 12:00:00 GMT"];
  it.each([
    [["if-none-match", '"1"'], 304],
    [["if-none-match", '"0", W/"1"'], 304],
    [["if-none-match", "*"], 304],
    [["if-none-match", '"2"'], 200],
    [["if-modified-since", date], 304],
    [["if-modified-since", "Mon, 30 Nov 2020 12:00:00 GMT"], 200],
    [["if-modified-since", "yesterday"], 200],
    [["if-none-match", '"2"', "if-modified-since", date], 200],
  ])("%j is answered with %d", async (headers, status) => {
    const { ask, sent } = lab(() => answer("x", [...FRESH, "etag", etag, "last-modified", date]));
    await ask("/");
    const given = await ask("/", headers);
    expect(given).toMatchObject({ status, body: status === 304 ? "" : "x" });
    expect(sent()).toBe(1);
  });

  it("only-if-cached is answered from memory or not at all", async () => {
    const { ask, sent } = lab(() => answer("x", FRESH));
    expect(await ask("/", ["cache-control", "only-if-cached"])).toEqual({ code: "only_if_cached" });
    await ask("/");
    expect(await ask("/", ["cache-control", "only-if-cached"])).toMatchObject({ body: "x" });
    expect(sent()).toBe(1);
  });

  it("a change drops what is kept, a failed one does not", async () => {
    let status = 500;
    const { ask, sent } = lab(({ request: { method } }) =>
      method === "POST" ? answer("", [], status) : answer("x", FRESH),
    );
    await ask("/");
    await ask("/", [], "POST");
    await ask("/");
    expect(sent()).toBe(2);
    status = 204;
    await ask("/", [], "POST");
    await ask("/");
    expect(sent()).toBe(4);
  });
});

describe("bounds", () => {
  it("what was unused longest goes first, and the bytes are those of what is there", async () => {
    const { ask, cache, sent } = lab(({ request }) => answer(request.path, FRESH), {
      answersMax: 2,
    });
    for (const path of ["/a", "/b", "/a", "/c"]) await ask(path);
    expect(cache.store.count).toBe(2);
    await ask("/a");
    expect(sent()).toBe(3);
    await ask("/b");
    expect(sent()).toBe(4);
    for (const path of ["/a", "/b", "/c"]) await ask(path, [], "DELETE");
    expect([cache.store.count, cache.store.bytes]).toEqual([0, 0]);
  });

  it("no more bytes are kept than may be", async () => {
    const { ask, cache } = lab(() => answer("x".repeat(1_000), FRESH), { storeBytesMax: 10_000 });
    for (let time = 0; time < 50; time += 1) await ask(`/${time}`);
    expect(cache.store.bytes).toBeLessThanOrEqual(10_000);
    expect(cache.store.count).toBeGreaterThan(3);
  });

  it("an answer that is larger than one may be is not kept", async () => {
    const { ask, cache } = lab(({ request }) => answer(request.path, FRESH), { answerBytesMax: 3 });
    for (const path of ["/ab", "/abc"]) await ask(path);
    expect(cache.store.count).toBe(1);
  });

  it("variants of one resource are few", async () => {
    const vary = [...FRESH, "vary", "x-a"];
    const { ask, cache } = lab(() => answer("x", vary));
    for (let time = 0; time < 100; time += 1) await ask("/", ["x-a", String(time)]);
    expect(cache.store.count).toBe(CACHE.variantsMax);
  });
});

/** A body that comes by hand. */
class Stream implements ResponseBody {
  readonly brokenBy = null;
  readonly upgraded = null;
  readonly contentLength = null;
  readonly bufferedBytes = 0;
  sink: BodySink | null = null;
  pipeTo(sink: BodySink): void {
    this.sink = sink;
  }
  resume(): void {}
  takeWhole(): null {
    return null;
  }
  refuse(): void {}
}

describe("equal requests", () => {
  function streamed(fields: readonly string[]) {
    const body = new Stream();
    const response = ownResponse("GET", { status: 200, fields, body: Buffer.alloc(0) });
    const streaming = Object.create(response, {
      body: { value: body },
      rawHeaders: { value: fields },
      status: { value: 200 },
      onFinished: { value: () => {} },
    }) as typeof response;
    return { body, outcome: { kind: "success", response: streaming } as Answer };
  }

  it("wait for the whole of a body, and get it", async () => {
    const { body, outcome } = streamed(FRESH);
    const { begin, sent } = lab(() => outcome);
    const first = await begin().coming;
    const second = begin().coming;
    if (first.kind === "no_response") throw new Error("none");
    const all = read(first.response.body);
    body.sink?.data(Buffer.from("he"));
    body.sink?.data(Buffer.from("llo"));
    body.sink?.end([]);
    expect(await all).toBe("hello");
    const given = await second;
    if (given.kind === "no_response") throw new Error("none");
    expect(await read(given.response.body)).toBe("hello");
    expect(given.response.headers["cache-status"]).toBe("edge; fwd=miss; collapsed");
    expect(sent()).toBe(1);
  });

  it.each([
    ["breaks", (body: Stream) => body.sink?.broken("connection_reset_in_body")],
    ["has trailers", (body: Stream) => body.sink?.end(["x-sum", "1"])],
    ["is too large", (body: Stream) => body.sink?.data(Buffer.alloc(2_000_000))],
  ])("are sent by themselves when that body %s", async (_, happens) => {
    const { body, outcome } = streamed(FRESH);
    let isFirst = true;
    const { begin, sent, cache } = lab(() => {
      const given = isFirst ? outcome : answer("own", FRESH);
      isFirst = false;
      return given;
    });
    const first = await begin().coming;
    if (first.kind === "no_response") throw new Error("none");
    void read(first.response.body);
    const second = begin().coming;
    happens(body);
    const given = await second;
    if (given.kind === "no_response") throw new Error("none");
    expect(await read(given.response.body)).toBe("own");
    expect([sent(), cache.store.count]).toEqual([2, 1]);
  });

  it("are let go at once where an answer is not kept, such as a stream of events", async () => {
    const { outcome } = streamed(["content-type", "text/event-stream"]);
    const { begin, sent } = lab(() => outcome);
    await Promise.all([begin().coming, begin().coming, begin().coming]);
    expect(sent()).toBe(3);
  });

  it("do not wait for ever, and can leave", async () => {
    const { begin, clock, sent } = lab(() => new Promise<Answer>(() => {}));
    void begin().coming;
    const leaving = begin();
    const waiting = begin();
    let isOver = false;
    void waiting.coming.then(() => {
      isOver = true;
    });
    leaving.call.cancellation.cut("client");
    expect(await leaving.coming).toMatchObject({ failure: { code: "client_closed_request" } });
    expect([leaving.call.cancellation.listening, sent(), isOver]).toEqual([0, 1, false]);
    await clock.advance(5_001);
    expect(sent()).toBe(2);
    expect(waiting.call.cancellation.listening).toBe(0);
  });

  it("beyond a number are sent, and as many may wait again when these are let go", async () => {
    const { begin, clock, sent } = lab(() => new Promise<Answer>(() => {}));
    for (const before of [1, 1_003]) {
      for (let time = 0; time <= CACHE.waitingMax; time += 1) void begin().coming;
      expect(sent()).toBe(before);
      void begin().coming;
      expect(sent()).toBe(before + 1);
      await clock.advance(5_001);
    }
  });

  it("fail by themselves when the one that was sent fails", async () => {
    let fail: (outcome: Answer) => void = () => {};
    const { begin, sent } = lab(() =>
      sent() === 1
        ? new Promise<Answer>((resolve) => {
            fail = resolve;
          })
        : answer("own", FRESH),
    );
    const first = begin().coming;
    const second = begin().coming;
    fail({ kind: "no_response", failure: { code: "connection_refused" } });
    expect(await first).toMatchObject({ kind: "no_response" });
    expect(await second).toMatchObject({ kind: "success" });
    expect(sent()).toBe(2);
  });
});
