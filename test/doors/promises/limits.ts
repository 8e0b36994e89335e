/**
 * Limits of heads, bodies and trailers, both ways.
 */
import { accept, ok, respond } from "good-gateway/testing";
import { expect } from "vitest";
import {
  at,
  codesOf,
  type DoorPromise,
  either,
  isFine,
  ofProxies,
  ofRequests,
  works,
} from "../promise.js";

const OK = "HTTP/1.1 200 OK\r\n";
const limited = (limits: object) => ({
  limits,
  retry: false as const,
  timeouts: { responseMs: 4_000, idleMs: 4_000, totalMs: 6_000 },
});
const sends = (text: string) => accept().readHead().readBody().send(text).hang();

export const LIMITS: readonly DoorPromise[] = [
  {
    name: "a request body of an announced length above the limit is not sent",
    shows: ["limits.requestBodyBytesMax"],
    cannot: either(ofProxies, ofRequests),
    show: (door) =>
      at(
        door,
        { script: works(door), options: limited({ requestBodyBytesMax: 10 }) },
        async (ground) => {
          const { ask } = ground;
          const fits = await ask({ method: "POST", body: Buffer.alloc(10, "x") });
          expect(fits.status).toBe(200);
          const large = await ask({ method: "POST", body: Buffer.alloc(11, "x") });
          expect([large.status, large.failure?.code]).toEqual([413, "request_body_too_large"]);
          expect(ground.sent()).toBe(1);
        },
      ),
  },
  {
    name: "a request body that grows above the limit is cut, and not taken for whole",
    shows: ["limits.requestBodyBytesMax"],
    cannot: either(ofProxies, ofRequests),
    show: (door) =>
      at(
        door,
        { script: works(door), options: limited({ requestBodyBytesMax: 100_000 }) },
        async (ground) => {
          const body = (async function* () {
            for (let turn = 0; turn < 5; turn += 1) yield Buffer.alloc(30_000, "x");
          })();
          const large = await ground.ask({ method: "POST", body });
          expect([large.status, large.failure?.code]).toEqual([413, "request_body_too_large"]);
          expect(ground.played?.bodies()).toEqual([]);
        },
      ),
  },
  {
    name: "an answer's body of an announced length above the limit is refused",
    shows: ["limits.responseBodyBytesMax"],
    cannot: ofRequests,
    show: (door) =>
      at(
        door,
        {
          script: accept()
            .readHead()
            .readBody()
            .send(respond(200, "x".repeat(11)))
            .again(),
          options: limited({ responseBodyBytesMax: 10 }),
        },
        async (ground) => {
          const answer = await ground.ask();
          expect(answer.failure?.code).toBe("http_response_body_size");
          if (door.kind === "proxy") expect(answer.status).toBe(502);
          expect(await codesOf(ground, 1)).toEqual(["http_response_body_size"]);
        },
      ),
  },
  {
    name: "an answer's body that grows above the limit is cut",
    shows: ["limits.responseBodyBytesMax"],
    cannot: ofRequests,
    show: (door) => {
      const chunk = `7530\r\n${"x".repeat(30_000)}\r\n`;
      const script = sends(`${OK}transfer-encoding: chunked\r\n\r\n${chunk.repeat(5)}0\r\n\r\n`);
      return at(
        door,
        { script, options: limited({ responseBodyBytesMax: 100_000 }) },
        async (ground) => {
          const answer = await ground.ask();
          expect(answer.ending).not.toBe("whole");
          expect(answer.bytes.byteLength).toBeLessThanOrEqual(100_000);
          expect(await codesOf(ground, 1)).toEqual(["http_response_body_size"]);
        },
      );
    },
  },
  {
    name: "a body that just fits is whole",
    shows: ["limits.responseBodyBytesMax"],
    cannot: ofRequests,
    show: (door) =>
      at(
        door,
        {
          script: accept()
            .readHead()
            .readBody()
            .send(ok("x".repeat(10)))
            .again(),
          options: limited({ responseBodyBytesMax: 10 }),
        },
        async (ground) => {
          const answer = await ground.ask();
          expect([answer.ending, answer.bytes.byteLength]).toEqual(["whole", 10]);
        },
      ),
  },
  ...(
    [
      [
        "section",
        "responseHeaderSectionBytesMax",
        2_000,
        `x-a: ${"a".repeat(900)}\r\n`.repeat(3),
        /header_section_size$/,
      ],
      [
        "line",
        "responseHeaderBytesMax",
        2_000,
        `x-a: ${"a".repeat(2_100)}\r\n`,
        /header_size$|header_section_size$/,
      ],
      [
        "number of lines",
        "responseHeadersCountMax",
        20,
        "a: b\r\n".repeat(30),
        /header_section_size$/,
      ],
    ] as const
  ).map(
    ([what, option, most, lines, code]): DoorPromise => ({
      name: `the ${what} of an answer's head has a limit`,
      shows: [`limits.${option}`],
      cannot: ({ engine }) => (engine === "foreign fetch" ? "unseen" : null),
      show: (door) =>
        at(
          door,
          {
            script: sends(`${OK}content-length: 2\r\n${lines}\r\nok`),
            options: limited({ [option]: most }),
          },
          async (ground) => {
            const answer = await ground.ask();
            expect(answer.failure?.code).toMatch(code);
            if (door.kind !== "caller") expect(answer.status).toBe(502);
          },
        ),
    }),
  ),
  {
    name: "a request has fewer fields than Node reads of one, ours among them",
    cannot: either(ofProxies, ({ http2 }) => (http2 === true ? "session" : null)),
    show: (door) =>
      at(door, { script: works(door) }, async (ground) => {
        const many = (count: number) =>
          Object.fromEntries(Array.from({ length: count }, (_, at) => [`a${at}`, "b"]));
        expect(isFine(await ground.ask({ fields: many(800) }), door)).toBe(true);
        const seen = ground.played?.requests()[0];
        expect(seen?.headers.length).toBeLessThan(1_000);
        expect(seen?.header("x-forwarded-for")).toBeDefined();
        // Node has dropped what came behind the first 1,000 already.
        const answer = await ground.ask({ fields: many(1_200) });
        expect(answer.status).toBe(431);
        // From Node 22 on its own parser refuses them, and only some servers give that a name.
        expect([undefined, "request_header_too_large"]).toContain(answer.failure?.code);
        expect(ground.sent()).toBe(1);
      }),
  },
  {
    name: "a head that fits is passed on, also above what Node's own clients take",
    shows: ["limits.responseHeaderSectionBytesMax", "limits.responseHeaderBytesMax"],
    cannot: either(ofRequests, ({ engine }) =>
      engine === "foreign fetch" || engine === "dispatcher" ? "agent" : null,
    ),
    show: (door) => {
      const line = (name: string) => `${name}: ${"a".repeat(14_000)}\r\n`;
      return at(
        door,
        {
          script: sends(`${OK}content-length: 2\r\n${line("x-a")}${line("x-b")}\r\nok`),
          options: limited({}),
        },
        async (ground) => {
          const answer = await ground.ask();
          expect([answer.ending, answer.status, answer.field("x-b")?.length]).toEqual([
            "whole",
            200,
            14_000,
          ]);
        },
      );
    },
  },
  ...(
    [
      ["section", "trailerSectionBytesMax", "x-t: 1234567890\r\n".repeat(20)],
      ["line", "trailerBytesMax", `x-t: ${"t".repeat(300)}\r\n`],
    ] as const
  ).map(
    ([what, option, trailers]): DoorPromise => ({
      name: `the ${what} of an answer's trailers has a limit`,
      shows: [`limits.${option}`],
      cannot: either(ofRequests, ({ engine }) => (engine === "foreign fetch" ? "unseen" : null)),
      show: (door) => {
        const text = `${OK}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${trailers}\r\n`;
        return at(
          door,
          { script: sends(text), options: limited({ [option]: 256 }) },
          async (ground) => {
            await ground.ask();
            expect(await codesOf(ground, 1)).toEqual([
              expect.stringMatching(/^http_response_trailer_(section_)?size$/),
            ]);
          },
        );
      },
    }),
  ),
  {
    name: "upgrades have a limit, and one that leaves makes room",
    shows: ["limits.upgradesMax"],
    cannot: ({ kind }) => (kind === "upgrade" ? null : "upgrade"),
    show: (door) =>
      at(
        door,
        {
          script: works(door),
          options: { ...limited({ upgradesMax: 1 }), timeouts: { idleMs: 60_000 } },
        },
        async (ground) => {
          const first = await ground.ask();
          expect(isFine(first, door)).toBe(true);
        },
      ),
  },
];
