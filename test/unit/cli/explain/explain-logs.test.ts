/**
 * A log as a timeline, read in one pass: what ended everything comes first, with counts and a span
 * of time; memory is bounded by kinds of lines; UTF-16, wrapped lines and an empty pipe.
 */
import { describe, expect, it } from "vitest";
import { FAILURES } from "../../../../src/catalog/failures.js";
import { runCommand } from "../../../../src/cli/commands.js";
import { explain } from "../../../../src/cli/explain/explain.js";
import { readInput } from "../../../../src/cli/read-input.js";
import { fieldCases, score, totalOf } from "../../../field/score.js";

async function* parts(...all: readonly (string | Uint8Array)[]) {
  yield* all;
}

const REFUSED =
  "[error] 1#1: *7 connect() failed (111: Connection refused) while connecting to upstream";
const KILLED = "kernel: Out of memory: Killed process 4242 (node)";

async function explained(
  stdin: AsyncIterable<string | Uint8Array>,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCommand(["explain", ...args], {
    stdin,
    stdout: { write: (text: string) => void out.push(text) },
    stderr: { write: (text: string) => void err.push(text) },
    env: {},
  });
  return { code, out: out.join(""), err: err.join("") };
}

describe("a log", () => {
  it("is told from what ended everything, with counts and the span of time", () => {
    const lines = Array.from(
      { length: 40 },
      (_, at) => `2026/04/01 10:00:${String(at).padStart(2, "0")} ${REFUSED}`,
    );
    const { explanations } = explain([KILLED, ...lines].join("\n"));
    expect(explanations[0]?.recognised).toMatch(/Out of memory/);
    expect(explanations[1]?.recognised).toMatch(
      /\(40 lines, 2026\/04\/01 10:00:00|\(40 lines, 10:00:00 to 10:00:39\)/,
    );
  });

  it("of any length is read from its first line to its last, and counted", async () => {
    async function* long() {
      yield `10:00:00 ${KILLED}\n`;
      const well = '10.0.0.1 - - [x] "GET /a HTTP/1.1" 200 5\n'.repeat(200);
      const bad = Array.from({ length: 20 }, (_, at) => `10:01:${10 + at} ${REFUSED} ${at}\n`);
      for (let count = 0; count < 400; count += 1) yield well + bad.join("");
    }
    const { text, kinds, lines, cut } = await readInput(long());
    expect([lines, cut]).toEqual([1 + 400 * 220, false]);
    expect(text.length).toBeLessThan(2_000);
    expect([...kinds.values()].map(({ count }) => count)).toEqual([1, 8_000]);
    const { out, code } = await explained(long());
    expect(code).toBe(0);
    expect(out).toMatch(/Out of memory[\s\S]*8000 lines,\s+10:01:10\s+to\s+10:01:29/);
  });

  it("of ever new kinds, or of one line without an end, does not grow", async () => {
    const letters = "abcdefghijklmnopqrstuvwxyz";
    const word = (at: number): string =>
      [at, at / 26, at / 676, at / 17_576].map((one) => letters[Math.floor(one) % 26]).join("");
    async function* odd() {
      for (let at = 0; at < 60_000; at += 1) yield `error ${word(at)} of something or other\n`;
      for (let at = 0; at < 100; at += 1) yield "error ".repeat(10_000);
    }
    const { kinds, text, cut } = await readInput(odd());
    expect(cut).toBe(true);
    expect(kinds.size).toBeLessThanOrEqual(2_000);
    expect(text.length).toBeLessThan(200_000);
  });

  it.each([
    ["with its mark", Buffer.from(`\ufeff${REFUSED}\n`, "utf16le")],
    ["without one", Buffer.from(`${REFUSED}\n`, "utf16le")],
    ["the other way round", Buffer.from(`\ufeff${REFUSED}\n`, "utf16le").swap16()],
  ])("in UTF-16 %s is read", async (_, bytes) => {
    const { out } = await explained(parts(bytes.subarray(0, 41), bytes.subarray(41)));
    expect(out).toMatch(/connection_refused/);
  });

  it("whose lines were wrapped is read", () => {
    const wrapped = "upstream prematurely closed\n   connection while reading response\n header";
    expect(explain(wrapped).explanations[0]?.failures[0]).toMatch(/terminated|stale/);
  });

  it("that is empty says what to do", async () => {
    const { code, err } = await explained(parts("\n"));
    expect(code).toBe(2);
    expect(err).toMatch(/The pipe was empty[\s\S]*good-gateway doctor/);
  });

  it("that is an empty argument is not called a pipe", async () => {
    const { code, err } = await explained(parts(), "");
    expect(code).toBe(2);
    expect(err).toMatch(/empty argument[\s\S]*status, a code/);
    expect(err).not.toMatch(/pipe was empty/);
  });
});

describe("the head of an answer with its body", () => {
  const first = (text: string) => explain(text).explanations[0];

  it("is explained by what the body says", () => {
    const head = "HTTP/1.1 503 Service Unavailable\nx-served-by: cache-fra-1-FRA\n\n";
    expect(first(`${head}Error 503 first byte timeout`)?.failures[0]).toBe("http_response_timeout");
    expect(first(head)?.recognised).toBe("status 503, passed through Fastly");
  });

  it("is explained by the reason of its status, and by a field of errors", () => {
    expect(first("HTTP/1.1 503 first byte timeout\nserver: Varnish")?.failures).toEqual([
      "http_response_timeout",
    ]);
    expect(first("HTTP/1.1 404 Not Found\nX-Cf-Routererror: unknown_route")?.recognised).toMatch(
      /^gorouter: Requested route/,
    );
  });

  it("says who made the page that another passed on", () => {
    const page = "<html><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></html>";
    const [one] = explain(`HTTP/1.1 502 Bad Gateway\nServer: cloudflare\n\n${page}`).explanations;
    expect(one?.recognised).toBe("status 502, passed through Cloudflare, made by nginx");
  });

  it("keeps Proxy-Status before all", () => {
    const text = "HTTP/1.1 502 Bad Gateway\nProxy-Status: edge; error=dns_error\n\nEOF: EOF";
    expect(first(text)?.recognised).toMatch(/^dns_error/);
  });
});

describe("the corpus of the field", () => {
  const scored = fieldCases().map(score);

  it("asks for layers and causes that the catalog has", () => {
    const layers = new Set<string>(["any", ...Object.values(FAILURES).map(({ phase }) => phase)]);
    const strange = fieldCases().filter(
      ({ layer, causes }) =>
        !layers.has(layer) || !causes.every((one) => Object.hasOwn(FAILURES, one)),
    );
    expect(strange.map(({ set, causes }) => `${set}: ${causes.join(" ")}`)).toEqual([]);
  });

  it.each([...new Set(scored.map(({ one }) => one.set))])("%s is understood", (set) => {
    const own = scored.filter(({ one }) => one.set === set);
    const { all, layer, cause, next, misleads } = totalOf(own);
    expect(all).toBeGreaterThanOrEqual(40);
    expect(layer / all).toBeGreaterThanOrEqual(0.95);
    expect(cause / all).toBeGreaterThanOrEqual(0.9);
    expect(next / all).toBeGreaterThanOrEqual(0.9);
    expect(own.filter((one) => one.misleads).map(({ one }) => one.has)).toEqual([]);
    expect(misleads).toBe(0);
  });
});
