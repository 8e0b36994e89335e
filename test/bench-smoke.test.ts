/**
 * The bench runs: every proxy of ours answers its load, and the figures are there.
 *
 * Nothing is said about times. What a figure is worth is seen in `npm run bench` on a quiet
 * machine.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { buildQuick } from "./tools/build-quick.mjs";

const ROOT = new URL("../", import.meta.url);
const PROXIES = ["bare-undici", "bare-http", "good-gateway"];
/** Over 500, which is a window of the client: the quiet figures need one. */
const REQUESTS = 600;
/** A dozen processes one after another, on a machine that may be busy. */
const LIMIT_MS = 180_000;

interface Report {
  readonly results: readonly {
    readonly name: string;
    readonly proxies: readonly {
      readonly name: string;
      readonly figures: Readonly<Record<string, number>>;
      readonly rounds: readonly { readonly requests: number; readonly errors: number }[];
    }[];
  }[];
}

// The kernel's own counts are read from /proc, which other systems do not have.
describe.runIf(existsSync("/proc/self/stat"))("the bench", () => {
  beforeAll(buildQuick);

  it(
    "measures each proxy and compares it with the first",
    async () => {
      const sizes = ["--rounds", "1", "--requests", String(REQUESTS), "--warmup", "50"];
      const { code, output } = await bench([
        ...sizes,
        ...["--connections", "5", "--load", "own", "--json", "-"],
        ...["--proxies", PROXIES.join(","), "--workloads", "get-1k,post-10k"],
      ]);
      expect(code).toBe(0);
      const { results } = JSON.parse(output) as Report;
      expect(results.map(({ name }) => name)).toEqual(["get-1k", "post-10k"]);
      for (const { proxies } of results) {
        expect(proxies.map(({ name }) => name)).toEqual(PROXIES);
        for (const { figures, rounds } of proxies) {
          expect(rounds).toEqual([expect.objectContaining({ requests: REQUESTS, errors: 0 })]);
          for (const [name, value] of Object.entries(figures))
            expect(value, name).toBeGreaterThan(0);
        }
        expect(proxies[0]?.figures["ratio"]).toBe(1);
      }
    },
    LIMIT_MS,
  );

  it(
    "compares proxies that live side by side, set by set",
    async () => {
      // Fifty in each slice: fewer may be over before the kernel has counted anything.
      const sizes = ["--rounds", "2", "--requests", "1500", "--warmup", "50", "--connections", "5"];
      const proxies = ["--proxies", "bare-undici,good-gateway", "--workloads", "get-1k"];
      const { code, output } = await bench(["--paired", ...sizes, ...proxies, "--json", "-"]);
      expect(code).toBe(0);
      const { results } = JSON.parse(output) as {
        readonly results: {
          readonly proxies: readonly { ratio: number; quietUs: number; sets: readonly object[] }[];
        };
      };
      expect(results.proxies).toHaveLength(2);
      expect(results.proxies[0]?.ratio).toBe(1);
      for (const { ratio, quietUs, sets } of results.proxies) {
        expect(ratio).toBeGreaterThan(0);
        expect(quietUs).toBeGreaterThan(0);
        expect(sets).toHaveLength(2);
      }
    },
    LIMIT_MS,
  );

  it("names the right choices for a part that it does not know", async () => {
    const { code, errors } = await bench(["all", "--parts", "bar"]);
    expect(code).toBe(1);
    expect(errors).toContain('--parts: "bar" is none of proxies, bars, paired');
  });

  it("names the right choices for a proxy that it does not know", async () => {
    const { code, errors } = await bench(["--proxies", "good-gatway"]);
    expect(code).toBe(1);
    expect(errors).toContain('"good-gatway" is none of bare-undici, bare-undici-no-fields, ');
  });
});

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

function bench(args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, ["test/bench/run.mjs", ...args], { cwd: ROOT });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output, errors }));
  });
}
