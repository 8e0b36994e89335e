/**
 * What a call may cost, in bytes: the guard against a policy or an adapter that makes something new
 * for every call.
 *
 * Bytes are counted without the optimising compilers, so that every allocation is made as it is
 * written. Then a figure is the same in every run to a dozen bytes, however busy the machine is;
 * times are not asked about at all. `UPDATE_BYTES=1 npx vitest run test/bench-guard.test.ts` notes
 * what is measured now, for the Node that it runs on, in test/bench/bytes.json.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import noted from "./bench/bytes.json" with { type: "json" };
import { exactBytes, exactProxiedBytes } from "./bench/lib/calls.mjs";
import { CONTENDERS } from "./bench/lib/contenders.mjs";
import { buildQuick } from "./tools/build-quick.mjs";

interface Bytes {
  /** A call through the whole pipe, around a function that does nothing. */
  readonly pipe: number;
  /** A proxied request, beyond what the bare proxy allocates for it. */
  readonly proxied: number;
  /** A call of `gatewayFetch` around a fetch that only makes a Response, beyond the Response. */
  readonly fetched: number;
}

/** More than runs differ, and less than a promise that somebody adds to every call. */
const MARGIN_BYTES = 120;
/** A version of Node that nobody has measured may make the same objects a little larger. */
const MARGIN_UNKNOWN = 1.1;
const LIMIT_MS = 180_000;

const [major = ""] = process.versions.node.split(".", 1);
const known = new Map<string, Bytes>(Object.entries(noted));

function allowed(what: keyof Bytes): number {
  const here = known.get(major);
  if (here !== undefined) return here[what] + MARGIN_BYTES;
  return Math.max(...[...known.values()].map((bytes) => bytes[what])) * MARGIN_UNKNOWN;
}

function contender(name: string): (typeof CONTENDERS)[number] {
  const found = CONTENDERS.find((row) => row.name === name);
  if (found === undefined) throw new Error(`no contender ${name}`);
  return found;
}

async function measured(): Promise<Bytes> {
  const bare = await exactProxiedBytes(contender("bare-undici"));
  const ours = await exactProxiedBytes(contender("good-gateway"));
  const fetched = (await exactBytes("gateway-fetch")) - (await exactBytes("bare-response"));
  return { pipe: await exactBytes("pipe"), proxied: ours - bare, fetched };
}

describe("what a call allocates", () => {
  let bytes: Bytes;

  beforeAll(async () => {
    await buildQuick();
    bytes = await measured();
    if (process.env["UPDATE_BYTES"] !== "1") return;
    const { pipe, proxied, fetched } = bytes;
    known.set(major, {
      pipe: Math.round(pipe),
      proxied: Math.round(proxied),
      fetched: Math.round(fetched),
    });
    const file = fileURLToPath(new URL("bench/bytes.json", import.meta.url));
    writeFileSync(file, `${JSON.stringify(Object.fromEntries(known), null, 2)}\n`);
  }, LIMIT_MS);

  it("the pipe makes no more for a call than it did", () => {
    expect(bytes.pipe).toBeGreaterThan(1_000);
    expect(bytes.pipe).toBeLessThanOrEqual(allowed("pipe"));
  });

  it("a proxied request takes no more beyond the bare proxy than it did", () => {
    expect(bytes.proxied).toBeGreaterThan(1_000);
    expect(bytes.proxied).toBeLessThanOrEqual(allowed("proxied"));
  });

  it("a fetch through the gateway takes no more beyond its Response than it did", () => {
    expect(bytes.fetched).toBeGreaterThan(1_000);
    expect(bytes.fetched).toBeLessThanOrEqual(allowed("fetched"));
  });

  it.each(["map", "async"])(
    "one thing more in every call would be found: %s",
    async (addition) => {
      const more = (await exactBytes(`pipe-with-${addition}`)) - bytes.pipe;
      expect(more).toBeGreaterThan(MARGIN_BYTES);
    },
    LIMIT_MS,
  );
});
