/**
 * Connections of HTTP/2 that an upstream breaks, with frames that no library would send: what was
 * on them is named by what happened, nothing more is sent on them, and what was not sent goes
 * elsewhere, whatever its method. With TLS and without.
 */
import { createServer as createHttp1 } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { createServer as createSecure } from "node:tls";
import { createGateway, type Gateway, type Outcome, type UpstreamOptions } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { testCertificates } from "good-gateway/testing";
import { afterEach, describe, expect, it } from "vitest";
import { data, type Fields, frame, head } from "./http2/raw-http2.js";
import { eventually } from "./tools/world.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const certificates = testCertificates();
const { ca } = certificates;
const { key, cert } = certificates.valid;
const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;
const EMPTY = Buffer.alloc(0);
const SETTINGS = frame(4, 0, 0, EMPTY);
/** Streams that a connection serves before it goes away, and calls in all. */
const TAKEN = 9;
const CALLS = 600;
const OK: Fields = [[":status", "200"]];
const uint32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
};

interface Peer {
  readonly port: number;
  readonly sockets: Set<Socket>;
  /** Requests of each connection, by the number of their stream. */
  readonly asked: number[][];
  /** Codes of GOAWAY and RST_STREAM that came from us. */
  readonly told: string[];
  /** Bytes of bodies that came. */
  bytes: number;
  /** A body has come to its end. */
  ended: boolean;
}

interface Script {
  /** Written as soon as the connection stands. */
  readonly greeting?: readonly Buffer[];
  /** Written for a request; by its stream, and the number of the connection from 0. */
  readonly answer?: (stream: number, connection: number, socket: Socket) => readonly Buffer[];
  readonly end?: boolean;
}

async function peer(script: Script, secure: boolean): Promise<Peer> {
  const made: Peer = { port: 0, sockets: new Set(), asked: [], told: [], bytes: 0, ended: false };
  const serve = (socket: Socket): void => {
    const number = made.asked.push([]) - 1;
    made.sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => made.sockets.delete(socket));
    socket.write(Buffer.concat(script.greeting ?? [SETTINGS]));
    if (script.end === true) socket.end();
    let held: Buffer = EMPTY;
    let skipped = PREFACE_BYTES;
    socket.on("data", (chunk: Buffer) => {
      held = Buffer.concat([held, chunk.subarray(Math.min(skipped, chunk.length))]);
      skipped -= Math.min(skipped, chunk.length);
      while (held.length >= HEAD_BYTES && held.length >= HEAD_BYTES + held.readUIntBE(0, 3)) {
        const length = held.readUIntBE(0, 3);
        const [type, flags, stream] = [held[3], held[4] as number, held.readUInt32BE(5)];
        const payload = held.subarray(HEAD_BYTES, HEAD_BYTES + length);
        held = held.subarray(HEAD_BYTES + length);
        if (type === 4 && (flags & 1) === 0) socket.write(frame(4, 1, 0, EMPTY));
        if (type === 0) {
          made.bytes += length;
          made.ended ||= (flags & 1) !== 0;
        } else if (type === 7) made.told.push(`goaway ${payload.readUInt32BE(4)}`);
        else if (type === 3) made.told.push(`reset ${payload.readUInt32BE(0)}`);
        else if (type === 1) {
          made.asked[number]?.push(stream);
          const frames = script.answer?.(stream, number, socket) ?? [head(stream, OK, true)];
          socket.write(Buffer.concat([...frames]));
        }
      }
    });
  };
  const server = secure
    ? createSecure({ key, cert, ALPNProtocols: ["h2"] }, serve)
    : createServer(serve);
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  cleanUps.push(() => {
    for (const socket of made.sockets) socket.destroy();
    server.close();
  });
  return Object.assign(made, { port: (server.address() as AddressInfo).port });
}

type Scheme = "h2c" | "h2";
const originOf = (scheme: Scheme, { port }: Peer): string =>
  scheme === "h2" ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;

function gatewayTo(
  scheme: Scheme,
  peers: readonly Peer[],
  options: Partial<UpstreamOptions> = {},
): Gateway<"app"> {
  const targets = peers.map((one) => ({
    url: originOf(scheme, one),
    ...(scheme === "h2" ? { tls: { ca } } : {}),
  }));
  const app = {
    targets,
    allowH2: scheme === "h2" ? true : "h2c",
    retry: false,
    // A timeout would name what happened too late, and by another name.
    timeouts: { connectMs: 20_000, responseMs: 20_000, totalMs: 20_000 },
    ...options,
  } as const;
  const gateway = createGateway({ name: "edge", upstreams: { app }, onWarning: () => {} });
  cleanUps.push(() => gateway.close());
  return gateway;
}

const asking = (gateway: Gateway<"app">, body = "x", method = "POST"): Promise<Outcome<unknown>> =>
  gateway.upstream("app").send({ method, path: "/", headers: {}, ...(body !== "" && { body }) });

const cameTo = (outcome: Outcome<unknown>): string =>
  outcome.kind === "success"
    ? String(outcome.response.status)
    : `${outcome.failure.code} ${outcome.failure.details ?? ""}`.trim();

/**
 * Each connection takes nine streams, refuses what has come beside them, and goes away: of twelve
 * calls at a time a quarter. Those of the last one are served though there are fewer.
 */
function rolling(
  seen: { answered: number; refused: number },
  askedOf: (connection: number) => readonly number[],
): NonNullable<Script["answer"]> {
  const gone = new Set<number>();
  return (_stream, number, socket) => {
    const asked = askedOf(number);
    const leave = (last: number): Buffer => {
      gone.add(number);
      const taken = asked.filter((stream) => stream <= last);
      seen.answered += taken.length;
      const heads = taken.map((stream) => head(stream, OK, true));
      return Buffer.concat([frame(7, 0, 0, uint32(last, 0)), ...heads]);
    };
    if (asked.length > TAKEN) seen.refused += 1;
    if (gone.has(number)) return [];
    if (asked.length > TAKEN) return [leave(asked[TAKEN - 1] as number)];
    if (asked.length > 1) return [];
    setTimeout(() => {
      if (!gone.has(number)) socket.write(leave(asked.at(-1) as number));
    }, 500).unref();
    return [];
  };
}

/** Frames for which Node leaves the connection, with an event or without one. */
const MALFORMED: Readonly<Record<string, (stream: number) => Buffer>> = {
  "DATA on stream 0": () => frame(0, 0, 0, Buffer.from("x")),
  "HEADERS on stream 0": () => frame(1, 4, 0, EMPTY),
  "SETTINGS of a wrong size": () => frame(4, 0, 0, Buffer.from("abc")),
  "SETTINGS on a stream": (stream) => frame(4, 0, stream, EMPTY),
  "SETTINGS with a wrong value": () => frame(4, 0, 0, Buffer.from([0, 2, 0, 0, 0, 7])),
  "PING of a wrong size": () => frame(6, 0, 0, Buffer.from("x")),
  "PRIORITY of a wrong size": (stream) => frame(2, 0, stream, Buffer.from("x")),
  "RST_STREAM of a wrong size": (stream) => frame(3, 0, stream, Buffer.from("x")),
  "RST_STREAM of an idle stream": (stream) => frame(3, 0, stream + 2, uint32(8)),
  "GOAWAY of a wrong size": () => frame(7, 0, 0, Buffer.from("x")),
  "WINDOW_UPDATE of nothing": () => frame(8, 0, 0, uint32(0)),
  "WINDOW_UPDATE beyond the largest window": () => frame(8, 0, 0, uint32(0x7f_ff_ff_ff)),
  "CONTINUATION of nothing": (stream) => frame(9, 4, stream, EMPTY),
  "HEADERS that cannot be unpacked": (stream) => frame(1, 4, stream, Buffer.alloc(6, 0xff)),
  "HEADERS on a stream that nobody has opened": (stream) => head(stream + 100, OK, true),
  "HEADERS on a stream of the peer's": () => head(2, OK, true),
  "HEADERS with an interrupted block": (stream) =>
    Buffer.concat([frame(1, 0, stream, EMPTY), frame(6, 0, 0, Buffer.alloc(8))]),
  "PUSH_PROMISE, which we forbid": (stream) => frame(5, 4, stream, uint32(2)),
  "a frame that is too large": (stream) => frame(0, 0, stream, Buffer.alloc(16_385)),
  "a padding larger than its frame": (stream) => frame(0, 8, stream, Buffer.from([9, 0])),
  "an answer of HTTP/1.1": () => Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
  "DATA before its head": (stream) => frame(0, 1, stream, Buffer.from("x")),
};

/** What comes late on a stream that is over is no error. */
const ALSO_AT_REST = Object.entries(MALFORMED).filter(
  ([, bytes]) => bytes(1)[3] !== 0 || bytes(1)[8] === 0 || bytes(1).length > 10_000,
);

describe.each<Scheme>(["h2c", "h2"])("an upstream that speaks %s", (scheme) => {
  const secure = scheme === "h2";

  it.each(Object.entries(MALFORMED))(
    "and answers with %s has broken the connection",
    async (_what, bytes) => {
      const one = await peer(
        { answer: (stream, number) => (number === 0 ? [bytes(stream)] : [head(stream, OK, true)]) },
        secure,
      );
      const gateway = gatewayTo(scheme, [one]);
      const first = await asking(gateway);
      expect(cameTo(first)).toMatch(/^(?:http_protocol_error|stream_reset) /);
      expect(cameTo(first)).not.toContain("REFUSED_STREAM");
      expect(cameTo(await asking(gateway))).toBe("200");
      await eventually("it is left", () => one.sockets.size <= 1);
    },
  );

  it.each(ALSO_AT_REST)(
    "and sends %s while nothing is asked loses no call",
    async (_what, bytes) => {
      const one = await peer({}, secure);
      const gateway = gatewayTo(scheme, [one]);
      expect(cameTo(await asking(gateway))).toBe("200");
      for (const socket of one.sockets) socket.write(bytes(1));
      await eventually("we have noticed", () => one.told.length > 0 || one.sockets.size === 0);
      expect(cameTo(await asking(gateway))).toBe("200");
      expect(one.asked.map((streams) => streams.length)).toEqual([1, 1]);
    },
  );

  it.each<[string, Script]>([
    [
      "speaks HTTP/1.1",
      { greeting: [Buffer.from("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")] },
    ],
    [
      "speaks HTTP/1.1 and hangs up",
      { greeting: [Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")], end: true },
    ],
    ["speaks SSH", { greeting: [Buffer.from("SSH-2.0-OpenSSH_9.6\r\n")] }],
    ["begins with a PING", { greeting: [frame(6, 0, 0, Buffer.alloc(8)), SETTINGS] }],
    ["begins with a GOAWAY", { greeting: [frame(7, 0, 0, uint32(0, 0))] }],
    ["begins with SETTINGS of a wrong size", { greeting: [frame(4, 0, 0, Buffer.alloc(5))] }],
    [
      "begins with SETTINGS of a wrong value",
      { greeting: [frame(4, 0, 0, Buffer.from([0, 2, 0, 0, 0, 9]))] },
    ],
    ["begins with SETTINGS on a stream", { greeting: [frame(4, 0, 1, EMPTY)] }],
    ["goes away behind its SETTINGS", { greeting: [SETTINGS, frame(7, 0, 0, uint32(0, 0))] }],
    ["breaks behind its SETTINGS", { greeting: [SETTINGS, frame(6, 0, 0, EMPTY)] }],
    ["begins with an acknowledgement", { greeting: [frame(4, 1, 0, EMPTY)] }],
    ["hangs up at once", { greeting: [], end: true }],
    ["hangs up within its SETTINGS", { greeting: [SETTINGS.subarray(0, 5)], end: true }],
  ])("and %s has been sent nothing, so a POST goes elsewhere", async (_what, script) => {
    const bad = await peer(script, secure);
    const good = await peer({}, secure);
    const gateway = gatewayTo(scheme, [bad, good], { retry: { attemptsMax: 3 }, breaker: false });
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => asking(gateway)));
    expect(outcomes.map(cameTo)).toEqual(Array.from({ length: 6 }, () => "200"));
    expect(bad.asked.flat()).toEqual([]);
    const alone = gatewayTo(scheme, [bad]);
    const name = cameTo(await asking(alone)).split(" ")[0];
    expect(name).toMatch(
      /^(?:http_protocol_error|connection_reset_while_connecting|stream_refused)$/,
    );
  });

  it("and whose GOAWAY is below a stream is sent it again, whatever the method", async () => {
    const one = await peer(
      {
        answer: (stream, number) =>
          number === 0 ? [frame(7, 0, 0, uint32(0, 0))] : [head(stream, OK, true)],
      },
      secure,
    );
    const gateway = gatewayTo(scheme, [one], { retry: { attemptsMax: 3 } });
    expect(cameTo(await asking(gateway))).toBe("200");
    const alone = await peer({ answer: () => [frame(7, 0, 0, uint32(0, 0))] }, secure);
    expect(cameTo(await asking(gatewayTo(scheme, [alone])))).toBe(
      "stream_refused h2-goaway=NO_ERROR",
    );
  });

  it.each(["GET", "POST"])(
    "and goes away again and again under load loses no %s, without a repeat to spend",
    async (method) => {
      const seen = { answered: 0, refused: 0 };
      const answer = rolling(seen, (number) => one.asked[number] ?? []);
      const one: Peer = await peer({ answer }, secure);
      const retry = { budgetRatio: 0, budgetFloorPerSecond: 0 };
      const gateway = gatewayTo(scheme, [one], { retry });
      const codes: Record<string, number> = {};
      let left = CALLS;
      const ask = async (): Promise<void> => {
        while (left-- > 0) {
          const name = cameTo(await asking(gateway, method === "GET" ? "" : "x", method));
          codes[name] = (codes[name] ?? 0) + 1;
        }
      };
      await Promise.all(Array.from({ length: 12 }, ask));
      expect(codes).toEqual({ "200": CALLS });
      expect(seen.answered).toBe(CALLS);
      expect(seen.refused).toBeGreaterThan(CALLS / 5);
      expect(gateway.upstream("app").targets[0]?.breaker).toBe("closed");
    },
    60_000,
  );

  it.each<[string, (socket: Socket) => void]>([
    ["closes", (socket) => socket.destroy()],
    ["breaks", (socket) => socket.write(frame(6, 0, 0, EMPTY))],
    ["leaves", (socket) => socket.write(frame(7, 0, 0, uint32(0, 2)))],
  ])("and %s a connection with many streams has failed once", async (_how, end) => {
    const answer = (stream: number, number: number) =>
      number === 0 ? [] : [head(stream, OK, true)];
    const one = await peer({ answer }, secure);
    const gateway = gatewayTo(scheme, [one]);
    const lost = Promise.all(Array.from({ length: 30 }, () => asking(gateway)));
    await eventually("all are under way", () => one.asked.flat().length === 30);
    for (const socket of one.sockets) end(socket);
    for (const outcome of await lost) expect(outcome.kind).toBe("no_response");
    expect(gateway.upstream("app").targets[0]?.breaker).toBe("closed");
    expect(cameTo(await asking(gateway))).toBe("200");
  });

  it("and goes away in order finishes what it has begun", async () => {
    const one = await peer(
      {
        answer: (stream, number) => [
          ...(number === 0 ? [frame(7, 0, 0, uint32(stream, 0))] : []),
          head(stream, OK),
          data(stream, "whole"),
        ],
      },
      secure,
    );
    const gateway = gatewayTo(scheme, [one]);
    for (let round = 0; round < 2; round += 1) expect(cameTo(await asking(gateway))).toBe("200");
    expect(one.asked).toHaveLength(2);
  });

  it.each<[string, number, Buffer]>([
    ["ALTSVC without an origin", 0, Buffer.from('\0\0h3=":443"', "latin1")],
    ["ALTSVC with a wrong origin", 0, Buffer.from('\0\x03x:yh3=":443"', "latin1")],
    ["ALTSVC that is cut off", 0, Buffer.from("\0", "latin1")],
    ["ALTSVC of nothing", 0, EMPTY],
    ["ALTSVC on a stream", 1, Buffer.from('\0\0h3=":443"', "latin1")],
  ])("and sends %s is heard on", async (_what, stream, payload) => {
    const one = await peer(
      { answer: (asked) => [frame(10, 0, stream, payload), head(asked, OK), data(asked, "hello")] },
      secure,
    );
    const gateway = gatewayTo(scheme, [one]);
    for (let round = 0; round < 3; round += 1) expect(cameTo(await asking(gateway))).toBe("200");
    expect(one.asked.map((streams) => streams.length)).toEqual([3]);
  });

  it.each([0, 5, 100_000])("gets no end of an upload that is cut after %i bytes", async (size) => {
    const one = await peer({ answer: () => [] }, secure);
    const gateway = gatewayTo(scheme, [one]);
    const door = createHttp1(nodeProxy(gateway.upstream("app")));
    await new Promise<void>((done) => void door.listen(0, "127.0.0.1", done));
    cleanUps.push(() => door.close());
    const client = connect((door.address() as AddressInfo).port, "127.0.0.1");
    client.on("error", () => {});
    client.write("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    if (size > 0) client.write(`${size.toString(16)}\r\n${"x".repeat(size)}\r\n`);
    const sent = Math.min(size, 65_535);
    await eventually("it has begun", () => one.asked.flat().length > 0 && one.bytes >= sent);
    client.destroy();
    await eventually("it is reset", () => one.told.length > 0);
    expect([one.told, one.ended]).toEqual([["reset 8"], false]);
  });

  it("gets an answer whole whose frames come byte by byte", async () => {
    const one = await peer(
      {
        answer: (stream, _number, socket) => {
          const bytes = Buffer.concat([
            frame(10, 0, 0, Buffer.from('\0\0h3=":443"', "latin1")),
            head(stream, OK),
            data(stream, "hello ", false),
            data(stream, "world"),
          ]);
          void Readable.from([...bytes].map((byte) => Buffer.from([byte]))).pipe(socket, {
            end: false,
          });
          return [];
        },
      },
      secure,
    );
    const gateway = gatewayTo(scheme, [one]);
    expect(cameTo(await asking(gateway))).toBe("200");
  });
});
