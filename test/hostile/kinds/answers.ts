/**
 * Answers of an upstream in which two readers could see different ones, or that are made to reach
 * somebody else than who has asked.
 */
import { expect } from "vitest";
import type { Answered, Door } from "../../doors/door.js";
import { anywhere, type HostileKind, notUpgrades } from "../kind.js";
import { type Ground, type GroundOptions, on, wellAnswered } from "../tools/ground.js";
import { answer, type Behaviour, says } from "../tools/hostile-upstream.js";
import { pause } from "../tools/raw-bytes.js";

const OK = "HTTP/1.1 200 OK\r\n";
const FOUND = "HTTP/1.1 302 Found\r\n";
const POISON = answer("poison", "set-cookie: session=evil\r\n");

interface Answers extends Partial<HostileKind> {
  readonly options?: GroundOptions;
  readonly asked?: { readonly method?: string };
  /** Throws what got through; without it nothing of it may look whole. */
  readonly judge?: (answered: Answered, bytes: string, door: Door) => void;
}

/** Nobody takes it for an answer that is whole, and nothing of a second one is in it. */
function refused(answered: Answered, bytes: string): void {
  const whole = answered.ending === "whole" && answered.status === 200;
  expect(whole, JSON.stringify(bytes.slice(0, 90))).toBe(false);
}

/** Each of these answers in turn; after each the next client gets its own. */
function answers(name: string, texts: readonly (string | Behaviour)[], more: Answers = {}) {
  const { options = {}, asked = {}, judge = refused, ...rest } = more;
  const kind: HostileKind = {
    name,
    from: "upstream",
    at: notUpgrades,
    ...rest,
    attempt: (door) =>
      on(door, behavioursOf(texts), options, async (ground) => {
        for (const [at, text] of texts.entries()) {
          const answered = await ground.ask({ ...asked, path: `/evil-${at}-` });
          expect(answered.ending, `the answer to ${at}`).not.toBe("hung");
          expect(answered.raw.includes("poison"), `poison in ${at}`).toBe(false);
          judge(answered, typeof text === "string" ? text : "", door);
          await wellAnswered(ground, door);
        }
      }),
  };
  return kind;
}

const behavioursOf = (texts: readonly (string | Behaviour)[]) =>
  Object.fromEntries(
    texts.map((text, at) => [`/evil-${at}-`, typeof text === "string" ? says(text) : text]),
  );

const chunked = (chunks: string): string => `${OK}transfer-encoding: chunked\r\n\r\n${chunks}`;
const passes = (): void => {};

/** An answer, and another one that nobody has asked for. */
const twice =
  (ms: number): Behaviour =>
  (socket, { line }) => {
    socket.write(answer(line));
    setTimeout(() => socket.write(POISON), ms);
  };

/** Asks for it, waits until the second answer is there, and lets the next clients ask. */
async function queuePoisoning(ground: Ground, door: Door): Promise<void> {
  for (const path of ["/at-once", "/while-idle"]) {
    await ground.ask({ path });
    await pause(150);
    for (let turn = 0; turn < 3; turn += 1) await wellAnswered(ground, door);
  }
}

export const ANSWER_KINDS: readonly HostileKind[] = [
  answers("an answer with two lengths, or a length beside chunks", [
    `${OK}content-length: 5\r\ncontent-length: 3\r\n\r\nhello`,
    `${OK}content-length: 5, 3\r\n\r\nhello`,
    `${OK}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    `${OK}transfer-encoding: chunked\r\ncontent-length: 60\r\n\r\n0\r\n\r\n${POISON}`,
  ]),
  answers(
    "a length that is no number",
    [
      ...["+5", "-5", "0x5", "5.0", "5;a", "", "1 5", "18446744073709551621", "five"].map(
        (length) => `${OK}content-length: ${length}\r\n\r\nhello`,
      ),
    ],
    {
      // Without a length the end of the connection is the end: none of it may be another answer.
      judge: ({ status, body }) => {
        if (status === 200) expect(body.length).toBeLessThanOrEqual(5);
      },
    },
  ),
  answers(
    "codings of the transfer that hide the end",
    [
      `${OK}transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n${POISON}`,
      `${OK}transfer-encoding: xchunked\r\ncontent-length: 5\r\n\r\nhello`,
      `${OK}transfer-encoding : chunked\r\n\r\n0\r\n\r\n`,
      `${OK}transfer-encoding: identity\r\ncontent-length: 5\r\n\r\nhello`,
      `HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${OK}transfer-encoding:\vchunked\r\n\r\n0\r\n\r\n`,
    ],
    {
      // Engines of others read chunks of HTTP/1.0, and nothing behind them.
      judge: (answered, bytes, { engine }) => {
        if (engine === "own" || !bytes.startsWith("HTTP/1.0")) refused(answered, bytes);
      },
    },
  ),
  answers(
    "chunks with broken sizes and ends",
    [
      ...["x", "-1", "+5", "0x5", "5 ", "FFFFFFFFFFFFFFFFF", "\r"].map((size) =>
        chunked(`${size}\r\nhello\r\n0\r\n\r\n`),
      ),
      chunked("5\r\nhelloXX0\r\n\r\n"),
      chunked("5\nhello\n0\n\n"),
      chunked("3\r\nhello\r\n0\r\n\r\n"),
    ],
    {
      // A space behind the size is what some servers send; what it frames is the same to all.
      judge: (answered, bytes) => {
        if (!bytes.includes("5 \r\n")) refused(answered, bytes);
      },
    },
  ),
  answers(
    "line ends, folds and separators that hide a field",
    [
      `${OK}x-a: b\r\n folded: yes\r\ncontent-length: 2\r\n\r\nok`,
      `HTTP/1.1 200 OK\nx-a: b\ncontent-length: 2\n\nok`,
      `${OK}x-a: b\rset-cookie: evil=1\r\ncontent-length: 2\r\n\r\nok`,
      `${OK}x-a: b\nset-cookie: evil=1\r\ncontent-length: 2\r\n\r\nok`,
      `${OK}: empty\r\ncontent-length: 2\r\n\r\nok`,
      `${OK}x a: b\r\ncontent-length: 2\r\n\r\nok`,
      `${OK}x-a : b\r\ncontent-length: 2\r\n\r\nok`,
      `${OK}x-a\r\ncontent-length: 2\r\n\r\nok`,
      `${OK}x\0a: b\r\ncontent-length: 2\r\n\r\nok`,
      `${OK}x-a: b\0c\r\ncontent-length: 2\r\n\r\nok`,
    ],
    {
      // What a reader of somebody else has accepted must have lost what it hides.
      judge: (answered, bytes, door) => {
        if (door.engine === "own") refused(answered, bytes);
        else expect(answered.field("set-cookie")).toBeUndefined();
      },
    },
  ),
  answers(
    "a line break in Location or Set-Cookie",
    [
      `HTTP/1.1 302 Found\r\nlocation: /a%0d%0aset-cookie:%20evil=1\r\ncontent-length: 0\r\n\r\n`,
      `HTTP/1.1 302 Found\r\nlocation: /a\rset-cookie: evil=1\r\ncontent-length: 0\r\n\r\n`,
      `HTTP/1.1 302 Found\r\nlocation: /a\nset-cookie: evil=1\r\ncontent-length: 0\r\n\r\n`,
      `${FOUND}location: /\xe5\x98\x8a\xe5\x98\x8dset-cookie: evil=1\r\ncontent-length: 0\r\n\r\n`,
    ],
    { judge: (answered) => expect(answered.field("set-cookie")).toBeUndefined() },
  ),
  answers(
    "a status line that is none",
    [
      ...["HTTP/1.1 99 x", "HTTP/1.1 099 x", "HTTP/1.1 1000 x", "HTTP/1.1 abc x", "HTTP/1.1 -20 x"],
      ...[
        "HTTP/2.0 200 OK",
        "HTTP/1.2 200 OK",
        "http/1.1 200 OK",
        "ICY 200 OK",
        "HTTP/1.1  200 OK",
      ],
      ...["HTTP/1.1 200\0 OK", "HTTP/1.1 600 x", "HTTP/1.1 000 x", "\r\nHTTP/1.1 200 OK", "<html>"],
    ].map((line) => `${line}\r\ncontent-length: 2\r\n\r\nok`),
    {
      judge: (answered, bytes, door) => {
        if (door.engine === "own" && !bytes.startsWith("\r\n")) refused(answered, bytes);
        else expect(answered.status ?? 502).toBeLessThan(1_000);
      },
    },
  ),
  answers(
    "bytes behind an answer with a length, and a second answer",
    [
      `${answer("first")}${POISON}`,
      `${answer("first")}x`,
      `${answer("first")}\r\n\r\n${POISON}`,
      `${chunked("5\r\nfirst\r\n0\r\n\r\n")}${POISON}`,
    ],
    { judge: passes },
  ),
  {
    name: "an answer that nobody has asked for, on a connection at rest",
    from: "upstream",
    seen: "CVE-2026-48931 (Node), response queue poisoning",
    at: notUpgrades,
    attempt: (door) =>
      on(door, { "/at-once": twice(0), "/while-idle": twice(40) }, {}, (ground) =>
        queuePoisoning(ground, door),
      ),
  },
  {
    name: "an answer that nobody has asked for, just when the next request is sent",
    from: "upstream",
    at: notUpgrades,
    inherent:
      "answers of HTTP/1.1 have no number: an upstream may answer what it has not read yet. " +
      "It can only forge answers that it may give anyway; over HTTP/2 (allowH2) not even those",
    attempt: (door) =>
      on(door, { "/late": twice(2) }, {}, async ({ ask }) => {
        await ask({ path: "/late" });
        const next = await ask({ path: "/next" });
        expect(next.ending).not.toBe("hung");
        await pause(100);
      }),
  },
  answers(
    "a body for HEAD, and an answer behind it",
    [`${answer("body")}`, `${OK}content-length: 4\r\n\r\n${POISON}`],
    { asked: { method: "HEAD" }, judge: (answered) => expect(answered.body).toBe("") },
  ),
  answers(
    "a body where none can be, and an answer behind it",
    [
      `HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello${POISON}`,
      `HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
      `HTTP/1.1 204 No Content\r\n\r\n${POISON}`,
      `HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n${POISON}`,
    ],
    { judge: (answered) => expect(answered.body).not.toContain("hello") },
  ),
  answers("interim answers as a final one, and the other way round", [
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n${POISON}`,
    `HTTP/1.1 101 Switching Protocols\r\n\r\n${POISON}`,
    `HTTP/1.1 199 x\r\ncontent-length: 400\r\n\r\n`,
    `HTTP/1.1 103 x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ]),
  answers("interim answers without an end", [
    (socket) => {
      const flood = setInterval(() => {
        for (let turn = 0; turn < 50; turn += 1)
          socket.write("HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n");
      }, 5);
      socket.once("close", () => clearInterval(flood));
    },
  ]),
  answers("an answer that is cut, at every kind of place", [
    ...[
      "HTTP/1.1 2",
      `${OK}x-a`,
      `${OK}content-length: 9\r\n\r\nhalf`,
      chunked("5\r\nhe"),
      chunked("5\r\nhello\r\n0\r\n"),
    ].map(
      (text): Behaviour =>
        (socket) =>
          void socket.end(text),
    ),
    ...["", `${OK}content-length: 9\r\n\r\nhalf`].map(
      (text): Behaviour =>
        (socket) => {
          socket.write(text);
          setTimeout(() => socket.resetAndDestroy(), 10);
        },
    ),
  ]),
  answers(
    "fields of the connection, and of its framing, are named or repeated",
    [
      answer("ok", "connection: content-length, set-cookie\r\nset-cookie: a=b\r\n"),
      answer("ok", "keep-alive: timeout=99999\r\nproxy-connection: close\r\nte: x\r\n"),
      answer("ok", "connection: close, x-own\r\nx-own: hop\r\nupgrade: h2c\r\n"),
    ],
    {
      judge: (answered, _bytes, door) => {
        if (door.kind !== "proxy") return;
        for (const name of ["proxy-connection", "te", "x-own", "upgrade"]) {
          expect(answered.field(name), name).toBeUndefined();
        }
      },
    },
  ),
  answers(
    "framing, cookies and identity in the trailers of an answer",
    [
      chunked(
        "2\r\nok\r\n0\r\ncontent-length: 99\r\ntransfer-encoding: x\r\nset-cookie: e=1\r\n\r\n",
      ),
      chunked("2\r\nok\r\n0\r\nhost: evil\r\nconnection: close\r\nx-t\x01: a\r\n\r\n"),
    ],
    {
      judge: ({ trailers, field }) => {
        expect(field("set-cookie")).toBeUndefined();
        const names = trailers.map(([name]) => name.toLowerCase());
        for (const name of ["content-length", "transfer-encoding", "host", "connection"]) {
          expect(names).not.toContain(name);
        }
      },
    },
  ),
  answers(
    "names of fields that are names of objects",
    [answer("ok", "__proto__: a\r\nconstructor: b\r\nhasownproperty: c\r\ntostring: d\r\n")],
    {
      judge: (answered) => {
        expect([answered.status, answered.body]).toEqual([200, "ok"]);
        expect(({} as { readonly a?: unknown }).a).toBeUndefined();
      },
    },
  ),
  {
    name: "answers of different clients are mixed while many of them leave",
    from: "upstream",
    at: notUpgrades,
    attempt: (door) =>
      on(
        door,
        {
          "/mine-": (socket, { line }) =>
            void setTimeout(() => socket.write(answer(line)), line.length % 7),
        },
        { options: { timeouts: { connectMs: 15_000, responseMs: 15_000, totalMs: 20_000 } } },
        async ({ ask }) => {
          const asked = Array.from({ length: 60 }, async (_, at) => {
            const leaves = at % 3 === 0;
            const answered = await ask(
              { path: `/mine-${at}-` },
              leaves
                ? { onCaller: (caller) => void setTimeout(() => caller.destroy(), at % 5) }
                : { limitMs: 25_000 },
            );
            if (leaves && answered.status !== 200) return;
            expect([answered.status, answered.body]).toEqual([200, `GET /mine-${at}- HTTP/1.1`]);
          });
          await Promise.all(asked);
        },
      ),
  },
  {
    name: "an upstream that hangs up gets a POST twice, or speaks before it is asked",
    from: "upstream",
    at: anywhere,
    attempt: (door) =>
      on(
        door,
        { "/gone": (socket) => void socket.destroy() },
        { options: { retry: { attemptsMax: 3 } } },
        async ({ ask, upstream }) => {
          for (let turn = 0; turn < 4; turn += 1) {
            const upgrade = door.kind === "upgrade";
            await ask({
              path: `/gone-${turn}-`,
              ...(upgrade ? {} : { method: "POST", body: "a=1" }),
            });
          }
          for (let turn = 0; turn < 4; turn += 1) {
            const sent = upstream.requests().filter(({ line }) => line.includes(`/gone-${turn}-`));
            const most = door.kind === "upgrade" ? 3 : 1;
            expect(sent.length).toBeLessThanOrEqual(most);
          }
        },
      ),
  },
];
