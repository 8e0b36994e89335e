/**
 * The gallery: every failure of the catalog, provoked on real sockets, and what everybody sees of
 * it. The client its status and fields, the upstream the number of sends, the breaker its verdict.
 * No failure can be named without being shown here.
 */
import { FAILURES, type FailureCode, type FailureRow } from "good-gateway";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMISSION } from "./rows/admission.js";
import { CONNECT } from "./rows/connect.js";
import { EXCHANGE } from "./rows/exchange.js";
import { HTTP2 } from "./rows/http2.js";
import { RECEIVE } from "./rows/receive.js";
import { answerConnects, answerLookups } from "./tools/below-node.js";
import { type Play, provoke, type Row, type Shown } from "./tools/provoke.js";
import { limiter } from "./tools/world.js";

const ROWS: readonly Row[] = [...CONNECT, ...ADMISSION, ...EXCHANGE, ...HTTP2, ...RECEIVE];
const PLAYS = ["idempotent", "post", "breaker"] as const satisfies readonly Play[];
/** Cases at once; a machine with two processors is busy and still answers in time. */
const AT_ONCE = 12;

const shown = new Map<string, Promise<Shown>>();
const undo: (() => void)[] = [];

beforeAll(async () => {
  undo.push(answerLookups(), await answerConnects());
  const limit = limiter(AT_ONCE);
  const play = (row: Row, how: Play, after: Promise<unknown>): Promise<Shown> => {
    const one =
      row.alone === true ? after.then(() => provoke(row, how)) : limit(() => provoke(row, how));
    // Whoever awaits it gets the error; until then nobody does.
    one.catch(() => {});
    shown.set(`${row.code} ${how}`, one);
    return one;
  };
  const together = ROWS.filter(({ alone }) => alone !== true);
  let last: Promise<unknown> = Promise.allSettled(
    together.flatMap((row) => PLAYS.map((how) => play(row, how, Promise.resolve()))),
  );
  for (const row of ROWS.filter(({ alone }) => alone === true)) {
    for (const how of PLAYS) last = play(row, how, last).catch(() => {});
  }
});

afterAll(() => {
  for (const one of undo) one();
});

describe("the gallery", () => {
  it("shows every failure of the catalog, and nothing twice", () => {
    const codes = ROWS.map(({ code }) => code);
    const all = Object.keys(FAILURES) as FailureCode[];
    expect(all.filter((code) => !codes.includes(code))).toEqual([]);
    expect(codes.length).toBe(new Set(codes).size);
  });

  describe.each(ROWS.map((row) => [row.code, row] as const))("%s", (code, row) => {
    const see = (how: Play): Promise<Shown> => shown.get(`${code} ${how}`) as Promise<Shown>;

    it("is what an idempotent call meets", async () => {
      const seen = await see("idempotent");
      expect(seen, seen.raw).toMatchObject(
        row.recovers === true
          ? { code, answer: 200, sends: row.sends[0] }
          : expected(row, row.sends[0], (row.attempts ?? row.sends)[0]),
      );
    });

    it("is what a POST meets", async () => {
      const seen = await see("post");
      expect(seen, seen.raw).toMatchObject(
        expected(row, row.sends[1], (row.attempts ?? row.sends)[1]),
      );
    });

    it(
      row.breaker === "failure" ? "counts against the target" : "counts against nobody",
      async () => {
        expect((await see("breaker")).breaker).toBe(row.breaker);
      },
    );

    it("is answered as the catalog says", () => {
      const { status, proxyError } = FAILURES[code] as FailureRow;
      if (typeof row.answer === "number" && status !== "received") expect(row.answer).toBe(status);
      if (row.error !== null) expect(row.error).toBe(proxyError);
    });
  });
});

function expected(row: Row, sends: number, attempts: number): object {
  const { code, answer, error } = row;
  const ours = (FAILURES[code] as FailureRow).status !== "received";
  const says = ours && answer === 503 ? { retryAfter: expect.stringMatching(/^[1-9]\d*$/) } : {};
  return { code, answer, error, sends, attempts, ...says };
}
