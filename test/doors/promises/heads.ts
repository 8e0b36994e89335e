/**
 * Odd heads of upstreams: nothing of them ends the process, and what is unsound goes no further.
 */
import { accept } from "good-gateway/testing";
import { expect } from "vitest";
import type { Door } from "../door.js";
import {
  at,
  type DoorPromise,
  either,
  ended,
  isFine,
  ofProxies,
  ofRequests,
  WORKS,
} from "../promise.js";

const BODY = "content-length: 2\r\n\r\nok";
const PATIENT = {
  retry: false as const,
  timeouts: { responseMs: 4_000, idleMs: 4_000, totalMs: 6_000 },
};

/** Answers that no client may get as they are. */
const UNSOUND: readonly (readonly [name: string, head: string])[] = [
  ["status 099", "HTTP/1.1 099 Odd\r\n"],
  ["status 000", "HTTP/1.1 000 Odd\r\n"],
  ["status 999", "HTTP/1.1 999 Odd\r\n"],
  ["a reason with DEL", "HTTP/1.1 200 O\x7fK\r\n"],
  ["a reason with NUL", "HTTP/1.1 200 O\0K\r\n"],
  ["a value with NUL", "HTTP/1.1 200 OK\r\nx: a\0b\r\n"],
  ["a value with DEL", "HTTP/1.1 200 OK\r\nx: a\x7fb\r\n"],
  ["a name with a space", "HTTP/1.1 200 OK\r\nx y: z\r\n"],
];

/** Answers that are sound, however they look. */
const SOUND: readonly (readonly [name: string, text: string, answer: (door: Door) => string])[] = [
  [
    "fields named as members of objects",
    `HTTP/1.1 200 OK\r\nconstructor: c\r\n__proto__: p\r\ntoString: t\r\n${BODY}`,
    ({ engine }) =>
      // Node's own table of fields has no place for that one.
      `constructor, tostring${engine === "http-proxy-middleware" ? "" : ", __proto__"}`,
  ],
  ["Trailer beside a length", `HTTP/1.1 200 OK\r\ntrailer: x-t\r\n${BODY}`, () => ""],
  [
    "a length twice in the same words",
    `HTTP/1.1 200 OK\r\nx-a: 1\r\nx-a: 2\r\ncontent-type: text/plain\r\n${BODY}`,
    () => "x-a",
  ],
  ["no reason", `HTTP/1.1 200\r\n${BODY}`, () => ""],
  ["a reason in latin1", `HTTP/1.1 200 Gr\xfc\xdfe\r\n${BODY}`, () => ""],
];

export const HEADS: readonly DoorPromise[] = [
  ...UNSOUND.map(
    ([name, head]): DoorPromise => ({
      name: `an answer with ${name} is refused by name`,
      cannot: ofRequests,
      show: (door) => {
        const script = accept()
          .readHead()
          .readBody()
          .send(Buffer.from(head + BODY, "latin1"))
          .hang();
        return at(door, { script, options: PATIENT }, async (ground) => {
          const answer = await ground.ask();
          expect(answer.failure?.code).toMatch(/^(response_status_invalid|http_protocol_error)$/);
          if (door.kind === "proxy") expect(answer.status).toBe(502);
          expect(await ended(ground, 1)).toHaveLength(1);
        });
      },
    }),
  ),
  ...SOUND.map(
    ([name, text, names]): DoorPromise => ({
      name: `an answer with ${name} is passed on`,
      cannot: ofRequests,
      show: (door) => {
        const script = accept().readHead().readBody().send(Buffer.from(text, "latin1")).hang();
        return at(door, { script, options: PATIENT }, async (ground) => {
          const answer = await ground.ask();
          expect([isFine(answer, door), answer.ending, answer.body]).toEqual([true, "whole", "ok"]);
          const wanted = names(door).split(", ").filter(Boolean);
          const came = answer.fields.map(([one]) => one.toLowerCase());
          expect(wanted.filter((one) => !came.includes(one))).toEqual([]);
        });
      },
    }),
  ),
  {
    name: "bytes above ASCII in a field arrive as they are, however the head is sent",
    cannot: ofRequests,
    show: async (door) => {
      // The last byte of its third and fourth character, as UTF-8, is a line break.
      const name = "\xe9 \xc3\xa9 \xc4\x8d\xc4\x8a evil: 1";
      for (const more of ["", "content-type: text/event-stream\r\n"]) {
        const fields = `content-length: 2\r\ncontent-disposition: ${name}\r\nx-name: ${name}\r\n`;
        const head = `HTTP/1.1 200 Gr\xfc\xdfe\r\n${more}${fields}\r\n`;
        for (const [first, rest] of [
          [head, "ok"],
          [`${head}o`, "k"],
          [`${head}ok`, ""],
        ] as const) {
          const begun = accept().readHead().readBody().send(Buffer.from(first, "latin1"));
          const script = begun.wait(30).send(rest).hang();
          await at(door, { script, options: PATIENT }, async (ground) => {
            const fields = { "content-disposition": name, "x-name": name };
            const answer = await ground.ask({ method: "POST", body: "text", fields });
            const got = ["content-disposition", "x-name"].map((one) => answer.field(one));
            expect([answer.body, ...got]).toEqual(["ok", name, name]);
            // That function has its own way with what it is given.
            if (door.engine === "foreign fetch") return;
            const seen = ground.played?.requests()[0];
            const taken = [...Object.keys(fields), "evil"].map((one) => seen?.header(one));
            expect(taken).toEqual([name, name, undefined]);
          });
        }
      }
    },
  },
  ...([2, 100_000] as const).map(
    (length): DoorPromise => ({
      name: `bytes behind a body of ${length} are no part of the answer, nor of the next one`,
      cannot: ofRequests,
      show: (door) => {
        const head = `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`;
        const text = `${head}${"x".repeat(length)}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`;
        const scripts = [accept().readHead().readBody().send(text).hang(), WORKS];
        return at(door, { scripts, options: PATIENT }, async (ground) => {
          const answer = await ground.ask();
          expect([isFine(answer, door), answer.ending, answer.bytes.byteLength]).toEqual([
            true,
            "whole",
            length,
          ]);
          expect((await ground.ask()).body).toBe("fine");
        });
      },
    }),
  ),
  {
    name: "a switch of protocols by HTTP/1.0 opens no tunnel",
    cannot: either(ofProxies, ({ kind }) => (kind === "upgrade" ? null : "upgrade")),
    show: (door) => {
      const head = "HTTP/1.0 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket";
      const script = accept().readHead().send(`${head}\r\n\r\nPAST`).hang();
      return at(door, { script, options: PATIENT }, async (ground) => {
        const answer = await ground.ask();
        expect([answer.status, answer.failure?.code]).toEqual([502, "http_upgrade_failed"]);
        expect(answer.raw.toString()).not.toContain("PAST");
      });
    },
  },
];
