/**
 * What has no end unless somebody ends it: heads, bodies, trailers, codings and waits, of either
 * side. Everything ends by a limit that has a name, and the next client is served.
 */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { expect } from "vitest";
import type { Answered, Door } from "../../doors/door.js";
import { eventually } from "../../gallery/tools/world.js";
import { anywhere, atProxies, type HostileKind, notUpgrades, overWire } from "../kind.js";
import { type GroundOptions, on, wellAnswered } from "../tools/ground.js";
import { answer, type Behaviour, says } from "../tools/hostile-upstream.js";
import { type Part, pause, sendParts } from "../tools/raw-bytes.js";

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;
const HOST = "Host: edge.example\r\n";

/** Writes without an end, as fast as it is read; `bytes` counts what was taken. */
const endless =
  (head: string, part: string, everyMs = 0): Behaviour =>
  (socket) => {
    socket.write(head, "latin1");
    let timer: NodeJS.Timeout | undefined;
    const more = (): void => {
      if (socket.destroyed) return;
      const goesOn = socket.write(part, "latin1");
      if (everyMs > 0) timer = setTimeout(more, everyMs);
      else if (goesOn) setImmediate(more);
      else socket.once("drain", more);
    };
    socket.once("close", () => clearTimeout(timer));
    more();
  };

const BOMB = Buffer.alloc(20_000_000);

const coded =
  (codings: string, body: Buffer): Behaviour =>
  (socket) => {
    socket.write(`${OK}content-encoding: ${codings}\r\ncontent-length: ${body.length}\r\n\r\n`);
    socket.write(body);
  };

interface Upstreams extends Partial<HostileKind> {
  readonly options?: GroundOptions;
  readonly judge?: (answered: Answered, door: Door) => void;
}

function ended({ ending, status }: Answered): void {
  expect(ending, "it ended").not.toBe("hung");
  expect(ending === "whole" && status === 200).toBe(false);
}

function upstream(name: string, behaviours: readonly Behaviour[], more: Upstreams = {}) {
  const { options = {}, judge = ended, ...rest } = more;
  const kind: HostileKind = {
    name,
    from: "upstream",
    at: anywhere,
    ...rest,
    attempt: (door) =>
      on(
        door,
        Object.fromEntries(behaviours.map((one, at) => [`/evil-${at}-`, one])),
        options,
        async ({ ask }) => {
          for (const at of behaviours.keys()) {
            judge(await ask({ path: `/evil-${at}-` }, { limitMs: 7_000 }), door);
          }
        },
      ),
  };
  return kind;
}

/** A client that sends these parts; the connection must be over, and a good client be served. */
function client(
  name: string,
  parts: (door: Door) => readonly (readonly Part[])[],
  more: Partial<HostileKind> & { readonly options?: GroundOptions; readonly lasts?: true } = {},
): HostileKind {
  const { options = {}, lasts = false, ...rest } = more;
  return {
    name,
    from: "client",
    at: atProxies,
    ...rest,
    attempt: (door) =>
      on(door, {}, options, async (ground) => {
        const came = await Promise.all(
          parts(door).map((one) => sendParts(ground.port, one, 4_000)),
        );
        for (const { ended: over, statuses } of came) {
          if (!lasts) expect(over || statuses.length > 0, "it came to an end").toBe(true);
        }
        await wellAnswered(ground, door);
      }),
  };
}

const post = (fields: string): string => `POST /x HTTP/1.1\r\n${HOST}${fields}\r\n`;
const upload = { clientMs: 300 } as const;

const drip = (text: string, everyMs: number, times: number): readonly Part[] =>
  Array.from({ length: times }, () => [text, everyMs] as readonly Part[]).flat();

const limits = (some: object): GroundOptions => ({ options: { limits: some } });

const UPSTREAM_GROWTH: readonly HostileKind[] = [
  upstream("a head of an answer without an end", [
    endless(OK, `x-${"a".repeat(100)}: ${"b".repeat(400)}\r\n`),
    endless(`${OK}x-a: `, "b".repeat(4_000)),
    endless("HTTP/1.1 200 ", "O".repeat(4_000)),
  ]),
  upstream("a head of an answer byte by byte", [endless(OK, "x", 60)]),
  upstream(
    "as many fields as fit into a head",
    [says(`${OK}${"a: b\r\n".repeat(1_500)}content-length: 2\r\n\r\nok`)],
    {
      judge: (answered, { engine }) => {
        // Other engines have limits of bytes alone, and this is below them.
        if (engine === "own") ended(answered);
        else expect(answered.ending).not.toBe("hung");
      },
    },
  ),
  upstream(
    "trailers of an answer without an end",
    [endless(`${CHUNKED}2\r\nok\r\n0\r\n`, `x-t: ${"t".repeat(800)}\r\n`)],
    { at: notUpgrades },
  ),
  upstream("a chunk extension without an end", [endless(`${CHUNKED}2;`, "x".repeat(4_000))], {
    at: notUpgrades,
    seen: "CVE-2024-22019 (Node)",
    options: { options: { timeouts: { idleMs: 500, totalMs: 2_000, bodyMs: 2_000 } } },
  }),
  upstream("chunks of one byte without an end", [endless(CHUNKED, "1\r\nx\r\n".repeat(50))], {
    at: notUpgrades,
    options: limits({ responseBodyBytesMax: 3_000 }),
  }),
  upstream("a body without an end", [endless(CHUNKED, `1000\r\n${"x".repeat(4_096)}\r\n`)], {
    at: notUpgrades,
    options: limits({ responseBodyBytesMax: 500_000 }),
    inherent:
      "streams have no end that could be known: limits.responseBodyBytesMax and timeouts.bodyMs " +
      "bound it where they are set, backpressure bounds what is held",
  }),
  upstream("a body that trickles for ever", [endless(CHUNKED, "1\r\nx\r\n", 100)], {
    at: notUpgrades,
    options: { options: { timeouts: { bodyMs: 1_200 } } },
    inherent: "it may be an event stream: timeouts.bodyMs bounds it where it is set",
  }),
  upstream("silence before, in and behind a head", [
    () => {},
    says("HTTP/1.1 200 OK\r\nx-a: "),
    says(`${OK}content-length: 5\r\n\r\nhe`),
    says(`${CHUNKED}5\r\nhello\r\n`),
  ]),
  upstream(
    "a body that decodes to a thousand times as much",
    [
      coded("gzip", gzipSync(BOMB)),
      coded("gzip, gzip", gzipSync(gzipSync(BOMB))),
      coded("deflate, gzip", gzipSync(deflateSync(BOMB))),
      coded("GZIP , br", brotliCompressSync(gzipSync(BOMB))),
    ],
    {
      at: notUpgrades,
      options: limits({ responseBodyBytesMax: 1_000_000 }),
      judge: ({ bytes }) => expect(bytes.byteLength).toBeLessThanOrEqual(1_000_000),
    },
  ),
  upstream(
    "codings within each other, by which a limit cuts what fits",
    [
      coded("deflate, gzip", gzipSync(deflateSync("fits"))),
      coded("deflate, gzip", gzipSync(deflateRawSync("fits"))),
      coded("gzip, deflate", deflateSync(gzipSync("fits"))),
    ],
    {
      at: notUpgrades,
      options: limits({ responseBodyBytesMax: 1_000 }),
      judge: ({ ending }) => expect(ending).toBe("whole"),
    },
  ),
  upstream(
    "a coding that is named a thousand times, or that the body has not",
    [
      says(answer("ok", `content-encoding: ${"gzip, ".repeat(1_000)}gzip\r\n`)),
      says(answer("not gzip", "content-encoding: gzip\r\n")),
      says(answer("not br", "content-encoding: br, deflate\r\n")),
      says(answer("ok", "content-encoding: \0\r\n")),
    ],
    {
      at: notUpgrades,
      seen: "CVE-2026-22036 (undici)",
      options: limits({ responseBodyBytesMax: 1_000_000 }),
      // A proxy decodes nothing; a fetch says that it cannot.
      judge: ({ ending }) => expect(ending).not.toBe("hung"),
    },
  ),
  upstream(
    "a wait until the year 5000",
    [
      says(answer("busy", "retry-after: 99999999999999\r\n", "503 x")),
      says(answer("busy", "retry-after: Fri, 31 Dec 4999 23:59:59 GMT\r\n", "503 x")),
      says(answer("busy", `retry-after: ${"9".repeat(400)}\r\n`, "429 x")),
    ],
    {
      options: { options: { retry: { attemptsMax: 3 } } },
      judge: ({ ending }) => expect(ending).not.toBe("hung"),
    },
  ),
];

const CLIENT_GROWTH: readonly HostileKind[] = [
  client(
    "a head of a request without an end",
    () => [
      [`GET /x HTTP/1.1\r\n${HOST}`, ...drip(`x: ${"a".repeat(4_000)}\r\n`, 0, 40)],
      [`GET /${"a".repeat(70_000)}`],
      [`GET /x HTTP/1.1\r\n${HOST}${"a: b\r\n".repeat(5_000)}\r\n`],
    ],
    { at: overWire },
  ),
  client(
    "a chunk extension, or trailers, of a request without an end",
    () => [
      [post("Transfer-Encoding: chunked\r\n"), "1;", ...drip("x".repeat(4_000), 0, 30)],
      [
        post("Transfer-Encoding: chunked\r\n"),
        "0\r\n",
        ...drip(`x: ${"y".repeat(4_000)}\r\n`, 0, 30),
      ],
    ],
    { seen: "CVE-2024-22019 (Node)" },
  ),
  client(
    "an upload that trickles",
    () => [
      [post("Content-Length: 100000\r\n"), ...drip("x", 100, 20)],
      [post("Transfer-Encoding: chunked\r\n"), ...drip("1\r\nx\r\n", 100, 20)],
    ],
    { seen: "slowloris, R.U.D.Y.", options: { options: { timeouts: upload } } },
  ),
  client(
    "an upload that stops",
    () => [
      [post("Content-Length: 100000\r\n"), "x"],
      [post("Transfer-Encoding: chunked\r\n"), "5\r\nhe"],
      [post("Content-Length: 5\r\nExpect: 100-continue\r\n")],
    ],
    { options: { options: { timeouts: upload } } },
  ),
  client(
    "silent connections, and heads that never end",
    () => [
      ...Array.from({ length: 100 }, () => [] as readonly Part[]),
      ...Array.from({ length: 100 }, () => [`GET /x HTTP/1.1\r\nHost: `]),
    ],
    {
      lasts: true,
      inherent:
        "they have not reached the gateway: headersTimeout and maxConnections of the server " +
        "bound them, and prepareServer sets the first by the front",
    },
  ),
  {
    name: "slow clients in a crowd keep the places of all others",
    from: "client",
    at: atProxies,
    attempt: (door) =>
      on(
        door,
        {},
        { options: { timeouts: upload, bulkhead: { concurrencyMax: 4, queueMax: 50 } } },
        async (ground) => {
          const crowd = Array.from({ length: 12 }, () =>
            sendParts(ground.port, [post("Content-Length: 100000\r\n"), ...drip("x", 100, 20)]),
          );
          await Promise.all(crowd);
          await wellAnswered(ground, door);
        },
      ),
  },
  {
    name: "a client that reads nothing holds its upstream",
    from: "client",
    at: atProxies,
    attempt: (door) =>
      on(
        door,
        { "/big": says(answer("x".repeat(8_000_000))) },
        { options: { timeouts: { clientMs: 400, idleMs: 700 } } },
        async (ground) => {
          const reading = ground.ask(
            { path: "/big" },
            { limitMs: 2_500, onCaller: (caller) => void setImmediate(() => caller.pause()) },
          );
          const pending = () => ground.gateway.upstream("app").targets[0]?.pending;
          await eventually("it was asked", () => pending() === 1);
          await eventually("it was given up", () => pending() === 0);
          await reading;
        },
      ),
  },
  client("requests in a row without reading an answer", () => [
    [`GET /x HTTP/1.1\r\n${HOST}\r\n`.repeat(60)],
  ]),
  client("long lists where a rule looks for a name", () => [
    [
      "X-Forwarded-For",
      "Forwarded",
      "Connection",
      "Via",
      "Accept",
      "Cookie",
      "TE",
      "Retry-After",
    ].map((name) => `GET /x HTTP/1.1\r\n${HOST}${name}: ${'a,;=" '.repeat(1_800)}\r\n\r\n`),
    [`GET /x HTTP/1.1\r\n${HOST}Connection: ${"x,".repeat(6_000)}close\r\n\r\n`],
    [`GET /${"..;/".repeat(3_000)} HTTP/1.1\r\n${HOST}\r\n`],
    [`GET /${"%2e%2f".repeat(2_000)} HTTP/1.1\r\n${HOST}\r\n`],
  ]),
  {
    name: "idle event streams and uploads take the places of everybody",
    from: "client",
    at: atProxies,
    attempt: (door) =>
      on(
        door,
        { "/events": says(`${OK}content-type: text/event-stream\r\n\r\ndata: 1\n\n`) },
        {
          options: {
            bulkhead: { concurrencyMax: 3, streamsMax: 5, queueMax: 0 },
            timeouts: { idleMs: 30_000 },
          },
        },
        async (ground) => {
          const leaving: (() => unknown)[] = [];
          const crowd = Array.from({ length: 9 }, () =>
            ground.ask(
              { path: "/events" },
              { limitMs: 1_200, onCaller: (caller) => void leaving.push(() => caller.destroy()) },
            ),
          );
          await pause(300);
          await wellAnswered(ground, door);
          for (const leave of leaving) leave();
          await Promise.all(crowd);
        },
      ),
  },
];

export const GROWTH_KINDS: readonly HostileKind[] = [...UPSTREAM_GROWTH, ...CLIENT_GROWTH];
