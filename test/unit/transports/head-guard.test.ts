/**
 * The guard in front of undici's parser, over a socket that the test feeds: what passes, what is
 * taken out, and what ends the connection.
 */
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/catalog/defaults.js";
import { NamedError } from "../../../src/core/named-error.js";
import { HeadGuard, type HeadWaiter } from "../../../src/transports/head-guard.js";
import type { HeadLimits } from "../../../src/transports/response-head.js";

class FakeSocket extends Readable {
  override _read(): void {}
}

interface Asking {
  readonly upgrade?: boolean;
  readonly headOnly?: boolean;
}

function guarded(asking: Asking | null = {}, limits: HeadLimits = LIMITS) {
  const socket = new FakeSocket();
  const failures: unknown[] = [];
  socket.on("error", (error) => failures.push(error));
  const guard = new HeadGuard(socket as unknown as Socket, limits);
  const counts: number[] = [];
  const interim: [number, ...string[]][] = [];
  const waiter: HeadWaiter = {
    upgrade: asking?.upgrade ?? false,
    headOnly: asking?.headOnly ?? false,
    headBytes: (count) => void counts.push(count),
    information: (status, fields) => void interim.push([status, ...fields]),
  };
  if (asking !== null) guard.expect(waiter);
  /** Takes what there is, as the parser does. */
  const take = (): string => {
    let text = "";
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      text += (chunk as Buffer).toString("latin1");
    }
    return text;
  };
  const feed = (bytes: string): string => {
    if (socket.destroyed) return "";
    socket.push(Buffer.from(bytes, "latin1"));
    return take();
  };
  /** Why the socket was destroyed: code and details. */
  const destroyedBy = async (): Promise<string | null> => {
    await new Promise((done) => setImmediate(done));
    const [error] = failures;
    if (!(error instanceof NamedError)) return error === undefined ? null : String(error);
    return [error.failureCode, error.details].join(" ").trim();
  };
  return { socket, guard, waiter, counts, interim, take, feed, destroyedBy };
}

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-secret: 1\r\n\r\n";
const ESSENCE = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
const HINTS = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";

describe("a head", () => {
  it("reaches the parser as its essence, and the exchange whole", () => {
    const { guard, feed } = guarded();
    expect(feed(OK)).toBe(ESSENCE);
    expect(guard.head?.rawHeaders).toEqual(["content-length", "5", "x-secret", "1"]);
  });

  it("gives the same wherever it is cut in two", () => {
    const whole = `${HINTS}${OK}hello`;
    for (let at = 1; at < whole.length; at += 1) {
      const { feed, guard, interim } = guarded();
      const got = feed(whole.slice(0, at)) + feed(whole.slice(at));
      expect(got, `cut at ${at}`).toBe(`${ESSENCE}hello`);
      expect(guard.head?.status).toBe(200);
      expect(interim).toEqual([[103, "link", "</a>"]]);
    }
  });

  it("gives the same when every byte comes alone, or in any other pieces", () => {
    const whole = `${HINTS}${HINTS}${OK}hello`;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }), (sizes) => {
        const { feed } = guarded();
        let got = "";
        let at = 0;
        for (const size of [...sizes, whole.length]) {
          if (at < whole.length) got += feed(whole.slice(at, at + size));
          at += size;
        }
        expect(got).toBe(`${ESSENCE}hello`);
      }),
    );
    const { feed } = guarded();
    expect([...whole].map(feed).join("")).toBe(`${ESSENCE}hello`);
  });

  it("tells how much of it has come, and zero again after an interim answer", () => {
    const { feed, counts } = guarded();
    feed("HTTP/1.1 1");
    feed("03 Early Hints\r\n\r\n");
    feed("HTTP/1.1 ");
    expect(counts).toEqual([10, 0, 9]);
  });

  it("passes the body behind it untouched, whatever that looks like", () => {
    const { feed } = guarded();
    const body = "\r\n\r\nHTTP/1.1 100 \n\n\r\n\r\n";
    expect(feed(OK + body)).toBe(ESSENCE + body);
    expect(feed(body)).toBe(body);
  });
});

describe("the essence", () => {
  const essenceOf = (head: string, asking: Asking = {}): string => guarded(asking).feed(head);
  const withFields = (...fields: readonly string[]): string =>
    `HTTP/1.1 200 Fine\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;

  it("keeps the framing and nothing else", () => {
    expect(essenceOf(withFields("Transfer-Encoding: Chunked", "set-cookie: a"))).toBe(
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    expect(essenceOf(withFields("Content-Length: 007"))).toBe(
      "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n",
    );
    expect(essenceOf(withFields())).toBe("HTTP/1.1 200 OK\r\n\r\n");
  });

  it("keeps the upstream's word on how long the connection lasts", () => {
    expect(essenceOf(withFields("Content-Length: 0", "Connection: close"))).toBe(
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    );
    expect(essenceOf(withFields("Content-Length: 0", "Keep-Alive: timeout=5"))).toBe(
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nkeep-alive: timeout=5\r\n\r\n",
    );
    expect(essenceOf("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")).toContain("close");
    expect(
      essenceOf("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n"),
    ).not.toContain("close");
  });

  it("has no body where the status or the method allows none", () => {
    for (const status of [204, 304]) {
      const head = `HTTP/1.1 ${status} x\r\ncontent-length: 99\r\n\r\n`;
      expect(essenceOf(head)).toBe("HTTP/1.1 204 OK\r\n\r\n");
    }
    expect(essenceOf(OK, { headOnly: true })).not.toContain("content-length");
  });
});

describe("interim answers", () => {
  it("are taken out and reported, each once, in their order", () => {
    const { feed, interim } = guarded();
    const processing = "HTTP/1.1 102 Processing\r\n\r\n";
    expect(feed(processing + HINTS + OK)).toBe(ESSENCE);
    expect(interim).toEqual([[102], [103, "link", "</a>"]]);
  });

  it("end the connection when there is no end of them", async () => {
    const { feed, interim, destroyedBy } = guarded();
    feed(HINTS.repeat(LIMITS.informationalMax));
    expect(interim).toHaveLength(LIMITS.informationalMax);
    expect(await destroyedBy()).toBeNull();
    feed(HINTS);
    expect(await destroyedBy()).toBe("http_protocol_error too many interim answers");
  });

  it("are counted for each exchange anew", async () => {
    const { feed, guard, waiter, destroyedBy } = guarded();
    feed(HINTS.repeat(LIMITS.informationalMax) + OK);
    guard.idle();
    guard.expect(waiter);
    feed(HINTS.repeat(LIMITS.informationalMax) + OK);
    expect(await destroyedBy()).toBeNull();
  });
});

describe("an upgrade", () => {
  const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n";

  it("that was asked for passes in one piece with what came behind it", () => {
    const { socket, guard } = guarded({ upgrade: true });
    socket.push(Buffer.from(`${SWITCH}frame`));
    expect(socket.read()?.toString()).toMatch(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\nframe$/);
    expect(guard.head?.rawHeaders).toEqual(["upgrade", "websocket"]);
    guard.remove();
    socket.push("anything");
    expect(socket.read()?.toString()).toBe("anything");
  });

  it("that nobody asked for ends the connection", async () => {
    const { feed, destroyedBy } = guarded();
    expect(feed(SWITCH)).toBe("");
    expect(await destroyedBy()).toBe("http_upgrade_failed unasked");
  });
});

describe("bytes that nobody asked for", () => {
  it("end a connection at rest", async () => {
    const { feed, destroyedBy } = guarded(null);
    expect(feed("HTTP/1.1 408 Request Timeout\r\n\r\n")).toBe("");
    expect(await destroyedBy()).toBe("http_protocol_error unasked bytes");
  });

  it("end a connection whose exchange is over, so that no two answers mix", async () => {
    const { feed, guard, destroyedBy } = guarded();
    feed(`${OK}hello`);
    guard.idle();
    expect(feed(OK)).toBe("");
    expect(await destroyedBy()).toBe("http_protocol_error unasked bytes");
  });

  it("do so also when they came together with the answer", async () => {
    const { socket, guard, destroyedBy } = guarded({ headOnly: true });
    socket.push(Buffer.from(`${OK}hello`));
    expect(socket.read()).not.toBeNull();
    guard.idle();
    expect(socket.read()).toBeNull();
    expect(await destroyedBy()).toBe("http_protocol_error unasked bytes");
  });
});

describe("a head whose lines end with a line feed alone, where that is allowed", () => {
  const ALLOWED = { ...LIMITS, bareLineFeeds: true };
  const [FIELDS, BODY] = [["content-length", "5", "x", "y"], "hello"];
  const heads = [
    "HTTP/1.1 200 OK\ncontent-length: 5\nx: y\n\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 5\nx: y\r\n\n",
    "HTTP/1.1 200 OK\ncontent-length: 5\r\nx: y\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx: y\r\n\r\n",
  ];

  it.each(heads)("gives the same wherever it is cut in two: %j", (head) => {
    for (let at = 1; at <= head.length; at += 1) {
      const { guard, feed } = guarded({}, ALLOWED);
      const text = head + BODY;
      expect(feed(text.slice(0, at)) + feed(text.slice(at)), `cut at ${at}`).toBe(ESSENCE + BODY);
      expect(guard.head?.rawHeaders).toEqual(FIELDS);
    }
  });

  it("may follow an interim answer of its kind", () => {
    const { feed, interim } = guarded({}, ALLOWED);
    expect(feed(`HTTP/1.1 103 Early Hints\nlink: </a>\n\n${heads[0]}`)).toBe(ESSENCE);
    expect(interim).toEqual([[103, "link", "</a>"]]);
  });

  it.each([
    ["HTTP/1.1 200 OK\nx: y\r\r\n\n", "http_protocol_error field line"],
    ["HTTP/1.1 200 OK\nx: y\rcontent-length: 5\n\n", "http_protocol_error field line"],
    ["HTTP/1.1 200 OK\n x: y\n\n", "http_protocol_error field line"],
    ["HTTP/1.1 200 OK\ncontent-length: 5\ncontent-length: 6\n\n", "response_framing_invalid"],
    [`HTTP/1.1 200 OK\nx: ${"y".repeat(40_000)}`, "http_response_header_section_size"],
    ["<html>\n", "http_protocol_error not HTTP/1.x"],
  ])("is as strict for the rest: %j", async (bytes, why) => {
    const { feed, destroyedBy } = guarded({}, ALLOWED);
    expect(feed(bytes)).toBe("");
    expect(await destroyedBy()).toContain(why);
  });
});

describe("a head that is not one", () => {
  it.each([
    ["\x16\x03\x01", "http_protocol_error not HTTP/1.x"],
    ["SSH-2.0-OpenSSH\r\n", "http_protocol_error not HTTP/1.x"],
    ["HTTP/2 200\r\n", "http_protocol_error not HTTP/1.x"],
    ["\r\nHTTP/1.1 200 OK\r\n", "http_protocol_error not HTTP/1.x"],
    ["HTTP/1.1 200 OK\nx: y\n\n", "http_protocol_error bare line feed"],
    ["HTTP/1.1 200 OK\r\nx: y\n", "http_protocol_error bare line feed"],
    ["HTTP/1.1 200 OK\r\nx y\r\n\r\n", "http_protocol_error field line"],
  ])("ends the connection: %j", async (bytes, why) => {
    const { feed, destroyedBy, guard } = guarded();
    expect(feed(bytes)).toBe("");
    expect(await destroyedBy()).toBe(why);
    expect(guard.head).toBeNull();
  });

  it("is noticed with its first byte", async () => {
    const { feed, destroyedBy } = guarded();
    feed("<");
    expect(await destroyedBy()).toBe("http_protocol_error not HTTP/1.x");
  });

  it("may end a chunk with half of a line break", async () => {
    const { feed, destroyedBy } = guarded();
    feed("HTTP/1.1 200 OK\r");
    expect(feed("\ncontent-length: 5\r\n\r\n")).toBe(ESSENCE);
    expect(await destroyedBy()).toBeNull();
  });
});

describe("the size of a head", () => {
  const sized = (bytes: number): string => {
    const line = `x: ${"a".repeat(8_000)}\r\n`;
    let head = "HTTP/1.1 200 OK\r\n";
    while (head.length + line.length < bytes - 100) head += line;
    return `${head}y: ${"b".repeat(bytes - head.length - 7)}\r\n\r\n`;
  };

  it("may be the limit, and not a byte more", async () => {
    const max = LIMITS.responseHeaderSectionBytesMax;
    const fits = guarded();
    expect(sized(max)).toHaveLength(max);
    expect(fits.feed(sized(max))).toBe("HTTP/1.1 200 OK\r\n\r\n");
    const over = guarded();
    expect(over.feed(sized(max + 1))).toBe("");
    expect(await over.destroyedBy()).toBe(
      `http_response_header_section_size header-section-size=${max + 1}`,
    );
  });

  it("is bounded before the head is complete", async () => {
    const { feed, destroyedBy } = guarded();
    feed(sized(LIMITS.responseHeaderSectionBytesMax).slice(0, -1));
    expect(await destroyedBy()).toBeNull();
    feed("bb");
    expect(await destroyedBy()).toMatch(/^http_response_header_section_size /);
  });

  it("is that of one answer: interim answers before it do not count", async () => {
    const { feed, destroyedBy } = guarded();
    const big = `HTTP/1.1 103 x\r\nlink: ${"a".repeat(10_000)}\r\n\r\n`;
    expect(feed(big.repeat(8) + OK)).toBe(ESSENCE);
    expect(await destroyedBy()).toBeNull();
  });
});

describe("a pause", () => {
  it("leaves everything in the socket until it is over, then says that there is more", async () => {
    const { socket, guard, feed, take } = guarded();
    feed(OK);
    guard.pause();
    expect(feed("he")).toBe("");
    expect(feed("llo")).toBe("");
    const woken = new Promise((readable) => socket.once("readable", readable));
    guard.resume();
    await woken;
    expect(take()).toBe("hello");
  });

  it("is over with the exchange", () => {
    const { guard, feed, waiter } = guarded();
    feed(OK);
    guard.pause();
    guard.idle();
    guard.expect(waiter);
    expect(feed(OK)).toBe(ESSENCE);
  });
});

describe("a body of known length", () => {
  /** A guard whose waiter takes such bodies itself; `parsed` is what the parser sees. */
  function counting(stopAt = Number.POSITIVE_INFINITY) {
    const { socket, guard, waiter, take, feed, destroyedBy } = guarded(null);
    const body: string[] = [];
    let told = 0;
    guard.expect({
      ...waiter,
      takeHead: () => {
        told += 1;
      },
      onData: (chunk) => {
        body.push(chunk.toString("latin1"));
        if (body.join("").length >= stopAt) guard.idle();
      },
    });
    return { socket, guard, take, feed, destroyedBy, body, told: () => told };
  }
  const END = "HTTP/1.1 204 OK\r\n\r\n";

  it("goes to its taker, and the parser is told of its end alone", () => {
    const { feed, body, told } = counting();
    expect(feed(OK)).toBe("");
    expect(told()).toBe(1);
    expect(feed("he")).toBe("");
    expect(feed("llo")).toBe(END);
    expect(body).toEqual(["he", "llo"]);
  });

  it("is the same wherever it is cut in two", () => {
    const whole = `${HINTS}${OK}hello`;
    for (let at = 1; at <= whole.length; at += 1) {
      const { feed, body, told, guard } = counting();
      expect(feed(whole.slice(0, at)) + feed(whole.slice(at)), `cut at ${at}`).toBe(END);
      expect(body.join("")).toBe("hello");
      expect(told()).toBe(1);
      expect(guard.head?.status).toBe(200);
    }
  });

  it("ends where its length says, and what comes behind it ends the connection", async () => {
    const { feed, take, body, destroyedBy } = counting();
    expect(feed(`${OK}hello, and a second answer`)).toBe(END);
    take();
    expect(body).toEqual(["hello"]);
    expect(await destroyedBy()).toBe("http_protocol_error unasked bytes");
  });

  it("tells the parser of no end when its taker has ended the exchange", () => {
    const { feed, body } = counting(2);
    expect(feed(`${OK}hello`)).toBe("");
    expect(body).toEqual(["hello"]);
  });

  it("keeps the upstream's word on how long the connection lasts", () => {
    const head = (...fields: readonly string[]): string =>
      `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;
    const closing = head("Content-Length: 1", "Connection: close");
    const kept = head("Content-Length: 1", "Keep-Alive: timeout=5");
    for (const turn of [1, 2]) {
      expect(counting().feed(`${closing}x`), `turn ${turn}`).toContain("connection: close");
      expect(counting().feed(`${kept}x`)).toContain("keep-alive: timeout=5");
      expect(counting().feed(`${OK}hello`)).toBe(END);
    }
  });
});
