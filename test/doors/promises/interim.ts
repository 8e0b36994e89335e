/**
 * Interim answers, trailers and Expect.
 */
import { accept, ok, respond } from "good-gateway/testing";
import { expect } from "vitest";
import type { Door } from "../door.js";
import { at, codesOf, type DoorPromise, either, ofProxies, ofRequests } from "../promise.js";

/** A fetch has no place for either. */
const ofFetch = ({ kind, bodies, requests }: Door): string | null =>
  requests === true || (kind === "caller" && bodies !== "undici") ? "fetch" : null;
const ofExpect = ({ requests }: Door): string | null => (requests === true ? "Request" : null);
const ofHpm = ({ engine }: Door): string | null =>
  engine === "http-proxy-middleware" ? "engine" : null;

const HINTS = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n";

/** Those engines do not say that a head has begun. */
const whenIncomplete = ({ engine }: Door): string =>
  engine === "dispatcher" || engine === "foreign fetch"
    ? "connection_terminated"
    : "http_response_incomplete";

export const INTERIM: readonly DoorPromise[] = [
  {
    name: "early hints come before the answer",
    cannot: either(ofRequests, ofFetch, ofHpm),
    show: (door) =>
      at(
        door,
        { script: accept().readHead().send(HINTS).send(ok("page")).hang() },
        async ({ ask }) => {
          const answer = await ask();
          expect(answer.interim.map(({ status }) => status)).toEqual([103]);
          expect([answer.status, answer.body]).toEqual([200, "page"]);
        },
      ),
  },
  {
    // undici takes a 100 that nobody has asked for as a broken answer.
    name: "interim answers that a caller cannot be given change nothing of its answer",
    cannot: ofRequests,
    show: (door) =>
      at(
        door,
        {
          script: accept()
            .readHead()
            .send(door.engine === "dispatcher" ? "" : "HTTP/1.1 100 Continue\r\n\r\n")
            .send(HINTS)
            .send(ok("page"))
            .hang(),
        },
        async ({ ask }) => {
          const answer = await ask();
          expect([answer.ending, answer.status, answer.body]).toEqual(["whole", 200, "page"]);
        },
      ),
  },
  {
    name: "a connection that ends behind an interim answer is named as one without an answer",
    cannot: ofRequests,
    show: async (door) => {
      for (const [sent, code] of [
        [HINTS, "connection_terminated"],
        [`${HINTS}HTTP/1.1 20`, whenIncomplete(door)],
      ] as const) {
        const script = accept().readHead().readBody().send(sent).close();
        await at(door, { script, options: { retry: false } }, async (ground) => {
          expect((await ground.ask()).failure?.code).toBe(code);
          expect(await codesOf(ground, 1)).toEqual([code]);
        });
      }
    },
  },
  {
    name: "trailers of an answer are passed on",
    cannot: either(ofRequests, ofFetch, ofHpm),
    show: (door) => {
      const text =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n" +
        "3\r\nabc\r\n0\r\nx-sum: 42\r\n\r\n";
      return at(door, { script: accept().readHead().send(text).hang() }, async ({ ask }) => {
        const answer = await ask({ fields: { te: "trailers" } });
        expect(answer.body).toBe("abc");
        expect(answer.trailers).toEqual([["x-sum", "42"]]);
      });
    },
  },
  {
    name: "a client that waits with its body is told what the upstream says",
    shows: ["timeouts.continueMs"],
    cannot: either(ofProxies, ofRequests, ofHpm, ofExpect),
    show: async (door) => {
      const asked = { method: "POST", body: "hello", fields: { expect: "100-continue" } };
      const says = accept()
        .readHead()
        .send("HTTP/1.1 100 Continue\r\n\r\n")
        .readBody()
        .send(ok("done"))
        .hang();
      await at(
        door,
        { script: says, options: { timeouts: { continueMs: 9_000 } } },
        async (ground) => {
          const answer = await ground.ask(asked);
          expect([answer.status, answer.interim.map(({ status }) => status)]).toEqual([200, [100]]);
          expect(ground.played?.requests()[0]?.header("expect")).toBe("100-continue");
        },
      );
      // With 0 it is not asked.
      const silent = accept().readHead().readBody().send(ok("done")).hang();
      await at(
        door,
        { script: silent, options: { timeouts: { continueMs: 0 } } },
        async (ground) => {
          expect((await ground.ask(asked)).status).toBe(200);
          expect(ground.played?.requests()[0]?.header("expect")).toBeUndefined();
        },
      );
    },
  },
  {
    name: "a coded body is passed on as it is, or read as a fetch reads it",
    cannot: ofRequests,
    show: (door) => {
      // An empty gzip member would say nothing; this is "hello".
      const gzip = Buffer.from("H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA==", "base64");
      const fields = `content-encoding: gzip\r\ncontent-length: ${gzip.length}\r\n`;
      const head = `HTTP/1.1 200 OK\r\n${fields}\r\n`;
      const script = accept()
        .readHead()
        .send(Buffer.concat([Buffer.from(head), gzip]))
        .hang();
      return at(door, { script }, async ({ ask }) => {
        const { bytes } = await ask();
        const decoded = door.kind === "caller" && /^(?:undici's )?fetch$/.test(door.bodies);
        expect(bytes.equals(decoded ? Buffer.from("hello") : gzip)).toBe(true);
      });
    },
  },
  {
    name: "HTTP/2 is spoken to an upstream that wants it",
    shows: ["upstream.allowH2"],
    cannot: ({ engine, kind }) =>
      engine !== "own" ? "HTTP/1.1" : kind === "upgrade" ? "HTTP/1.1" : null,
    show: async (door) => {
      const { inBodyWorld, newMark } = await import("../bodies.js");
      await inBodyWorld(
        door,
        { protocol: "HTTP/2", retry: false },
        async ({ ground, upstream }) => {
          const mark = newMark();
          expect(
            (await ground.ask({ method: "POST", path: `/take?${mark}`, body: "x" })).status,
          ).toBe(200);
          expect(upstream.taken(mark)).toHaveLength(1);
        },
      );
    },
  },
  {
    name: "a 5xx of the upstream can be distinguished from the gateway's own",
    cannot: either(ofProxies, ofRequests),
    show: (door) =>
      at(
        door,
        {
          script: accept().readHead().readBody().send(respond(502)).hang(),
          options: { retry: false },
        },
        async ({ ask }) => {
          expect((await ask()).field("proxy-status")).toMatch(/^edge; received-status=502/);
        },
      ),
  },
];
