/**
 * Who is believed, side by side with the libraries that people know: Express's `trust proxy`, with
 * `proxy-addr` below it, and Fastify's `trustProxy`.
 */
import { createRequire } from "node:module";
import express from "express";
import fc from "fast-check";
import fastify from "fastify";
import { describe, expect, it } from "vitest";
import { createForwarder, elementsOf, nodeOf } from "../../../src/wire/forwarding.js";
import { type Trust, trustProblem } from "../../../src/wire/trust.js";

type Compiled = (address: string, hop: number) => boolean;
type AddressesOf = (req: object, trust: Compiled) => readonly string[];

const { all } = createRequire(import.meta.url)("proxy-addr") as { readonly all: AddressesOf };

/** What the application behind us gets; the nearest first, as the libraries have it. */
function ours(trust: Trust, peer: string, chain: string | undefined): readonly string[] {
  const received = chain === undefined ? [] : ["X-Forwarded-For", chain];
  const value = sent(trust, peer, received, "x-forwarded-for");
  return value.split(", ").toReversed();
}

function sent(trust: Trust, peer: string, received: readonly string[], name: string): string {
  const fields: string[] = [];
  createForwarder({ trust }).append(fields, {
    address: peer,
    protocol: "http",
    host: "app.internal",
    received,
  });
  return fields[fields.indexOf(name) + 1] as string;
}

function expresss(trust: Trust, peer: string, chain: string | undefined): readonly string[] {
  const app = express().set("trust proxy", trust);
  const headers = { "x-forwarded-for": chain };
  return all({ socket: { remoteAddress: peer }, headers }, app.get("trust proxy fn") as Compiled);
}

async function fastifys(trust: Trust, peer: string, chain: string | undefined) {
  const app = fastify({ trustProxy: trust as boolean });
  app.get("/", (request) => request.ips ?? [request.ip]);
  const headers = chain === undefined ? {} : { "x-forwarded-for": chain };
  const { body } = await app.inject({ url: "/", remoteAddress: peer, headers });
  return JSON.parse(body) as readonly string[];
}

/** A server that listens on both families shows IPv4 peers so; we say what they are. */
const plain = (address: string) => address.replace(/^::ffff:(?=.*\.)/, "");
const unmapped = ([peer = "", ...others]: readonly string[]) => [plain(peer), ...others];

const OWN = ["127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.9", "192.168.1.1", "169.254.1.1"];
const OWN6 = ["::1", "fe80::1", "fe80::1%eth0", "fc00::7", "fd12:3456::1", "0:0:0:0:0:0:0:1"];
const MAPPED = ["::ffff:10.1.2.3", "::ffff:a01:203", "::FFFF:127.0.0.1", "::ffff:203.0.113.9"];
const OTHERS = ["203.0.113.9", "198.51.100.1", "2001:db8::1", "172.32.0.1", "11.0.0.1", "febf::1"];
const PORTS = ["10.1.2.3:80", "[::1]:80", "[fe80::1]", "203.0.113.9:4711", "127.0.0.1:"];
const JUNK = [
  "unknown",
  "_hidden",
  "evil",
  "10.1.2",
  "10.1.2.3.4",
  "10.1.2.3/8",
  "a b",
  "localhost",
];
const STRANGE = [
  "::",
  "0.0.0.0",
  "255.255.255.255",
  "::10.1.2.3",
  "64:ff9b::a01:203",
  "%",
  "::1::",
];

const address = fc.oneof(
  ...[OWN, OWN6, MAPPED, OTHERS].map((list) => fc.constantFrom(...list)),
  fc.ipV4(),
  // Of those with dots `proxy-addr` knows only the mapped ones.
  fc.ipV6().filter((one) => !one.includes(".")),
);
const entry = fc.oneof(
  { weight: 3, arbitrary: address },
  fc.constantFrom(...PORTS, ...JUNK, ...STRANGE),
);
const space = fc.constantFrom("", " ", "  ");
const spaced = fc.tuple(space, fc.oneof(entry, fc.constant("")), space).map((all) => all.join(""));
const chains = fc.option(fc.array(spaced, { maxLength: 6 }), { nil: undefined });
const chain = chains.map((entries) => entries?.join(","));

const GROUPS = ["loopback", "linklocal", "uniquelocal"];
const RANGES = ["10.0.0.0/8", "10.1.2.3/31", "203.0.113.0/24", "fc00::/7", "2001:db8::/32"];
const MAPPED_RANGES = ["::ffff:10.0.0.0/104", "::ffff:0:0/96", "::ffff:10.1.2.3", "0.0.0.0/1"];
const listed = fc.oneof(fc.constantFrom(...GROUPS, ...RANGES, ...MAPPED_RANGES), address);
// Asked about an IPv4 peer, a function of ours gets its plain address and theirs the mapped one.
const fn = (fc.func(fc.boolean()) as fc.Arbitrary<Compiled>).map(
  (asked): Compiled =>
    (address, hop) =>
      asked(plain(address), hop),
);
const settings: fc.Arbitrary<Trust> = fc.oneof(
  fc.boolean(),
  fc.nat(5),
  fc.array(listed, { maxLength: 4 }),
  fn,
);

describe("the chain that the application gets", () => {
  it("is the one that Express finds", () => {
    fc.assert(
      fc.property(settings, address, chain, (trust, peer, value) => {
        expect(ours(trust, peer, value)).toEqual(unmapped(expresss(trust, peer, value)));
      }),
      { numRuns: 5_000, seed: 20_260_105 },
    );
  });

  it("is the one that Fastify finds", async () => {
    await fc.assert(
      fc.asyncProperty(settings, address, chain, async (trust, peer, value) => {
        fc.pre(typeof trust !== "number");
        expect(ours(trust, peer, value)).toEqual(unmapped(await fastifys(trust, peer, value)));
      }),
      { numRuns: 300, seed: 20_260_106 },
    );
  });

  it("is as long as a number of hops says, as in Express; Fastify trusts nobody then", async () => {
    const value = "6.6.6.6, 198.51.100.1, 10.0.0.2";
    expect(await fastifys(2, "10.0.0.1", value)).toEqual(["10.0.0.1"]);
    for (const found of [ours, expresss]) {
      expect(found(2, "10.0.0.1", value)).toEqual(["10.0.0.1", "10.0.0.2", "198.51.100.1"]);
    }
  });

  it.each<[string, Trust, string, string, readonly string[]]>([
    ["is nobody's but the peer's without trust", false, "10.0.0.1", "a, b", ["10.0.0.1"]],
    ["goes one hop", 1, "203.0.113.9", "6.6.6.6, 198.51.100.1", ["203.0.113.9", "198.51.100.1"]],
    [
      "ends at the first stranger",
      ["uniquelocal"],
      "10.0.0.1",
      "6.6.6.6, 1.1.1.1, 10.0.0.2",
      ["10.0.0.1", "10.0.0.2", "1.1.1.1"],
    ],
    ["has no empty entries", true, "10.0.0.1", " ,a,, b,", ["10.0.0.1", "b", "a"]],
  ])("%s", (_what, trust, peer, value, expected) => {
    expect(ours(trust, peer, value)).toEqual(expected);
  });

  it("trusts no address in a spelling of its own, which Express would", () => {
    // C libraries read these as 127.0.0.1; who writes an address of a peer does not write it so.
    for (const spelling of ["0x7f000001", "0177.0.0.1", "2130706433"]) {
      const value = `6.6.6.6, ${spelling}`;
      expect(expresss(["loopback"], "::1", value)).toHaveLength(3);
      expect(ours(["loopback"], "::1", value)).toEqual(["::1", spelling]);
    }
  });

  it("takes a tab for space, as RFC 9110 §5.6.3 and Fastify do and Express does not", async () => {
    const value = "6.6.6.6,\t127.0.0.2\t";
    expect(await fastifys(["loopback"], "::1", value)).toEqual(["::1", "127.0.0.2", "6.6.6.6"]);
    expect(ours(["loopback"], "::1", value)).toEqual(["::1", "127.0.0.2", "6.6.6.6"]);
    expect(expresss(["loopback"], "::1", value)).toHaveLength(2);
  });

  it("can be everybody's by a range, which Express refuses", () => {
    expect(() => expresss(["0.0.0.0/0"], "1.1.1.1", "a")).toThrow("invalid range");
    expect(ours(["0.0.0.0/0"], "1.1.1.1", "2.2.2.2")).toEqual(["1.1.1.1", "2.2.2.2"]);
  });
});

describe("Forwarded", () => {
  const chained = (trust: Trust, peer: string, value: string) =>
    sent(trust, peer, ["forwarded", value], "forwarded").replace(/, for=[^,]*$/, "");

  it("is cut where X-Forwarded-For of the same addresses is", () => {
    const node = fc.constantFrom(...OWN, ...OTHERS, "::1", "fe80::1", "unknown", "_hidden");
    const written = (one: string) => (one.includes(":") ? `"[${one}]"` : one);
    const nodes = fc.array(node, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(settings, address, nodes, (trust, peer, chain) => {
        const value = chain.map((one, hop) => `proto=http;For=${written(one)};by=${hop}`);
        const kept = ours(trust, peer, chain.join(", ")).length - 1;
        const believed = kept === 0 ? [] : value.slice(-kept);
        const own = sent(false, peer, [], "forwarded");
        const whole = sent(trust, peer, ["forwarded", value.join(", ")], "forwarded");
        expect(whole).toBe([...believed, own].join(", "));
      }),
      { seed: 20_260_107 },
    );
  });

  it.each([
    ["for=1.2.3.4", "1.2.3.4"],
    ['for="1.2.3.4:80"', "1.2.3.4"],
    ['FOR="[2001:db8::1]:443";proto=https', "2001:db8::1"],
    ["proto=https;for=_hidden", "_hidden"],
    ["by=10.0.0.1", "unknown"],
    ['by="x;for=6.6.6.6"', "unknown"],
    ["xfor=6.6.6.6", "unknown"],
    ["for=2001:db8::1", "unknown"],
    ['for="a\\"b"', "unknown"],
  ])("%s speaks for %s", (element, node) => {
    expect(nodeOf(element)).toBe(node);
  });

  it.each([
    ['for="6.6.6.6', "for=1.1.1.1"],
    ['for="6.6.6.6', 'for="[2001:db8::1]"'],
    ['for="6.6.6.6\\', 'for="[2001:db8::1]"'],
    ['for=6.6.6.6\\"', 'for=1.1.1.1;host="a b"'],
  ])("hides nothing behind an open quote: %s", (client, front) => {
    expect(chained(1, "10.0.0.1", `${client}, ${front}`)).toBe(front);
  });

  it("is read in one pass, whatever it is made of", () => {
    // Read again from each quote, one of these takes a second, and the test runs out of time.
    for (let turn = 0; turn < 100; turn += 1) {
      expect(elementsOf(["forwarded", `"${'\\"'.repeat(8_000)}`])).toHaveLength(1);
      expect(elementsOf(["forwarded", '\\"'.repeat(8_001)])).toHaveLength(1);
    }
  });
});

describe("a value that says nothing useful", () => {
  it.each<[unknown, string]>([
    ["loopback, 10.0.0.0/8", 'is no list; did you mean ["loopback", "10.0.0.0/8"]?'],
    [-1, "is no number of hops, such as 1"],
    [1.5, "is no number of hops, such as 1"],
    [null, 'is no boolean, number of hops, list such as ["10.0.0.0/8"] or function'],
    [[1], "has 1, which is no text"],
    [["10.0.0.0/33"], 'has "10.0.0.0/33", which is no range; its length goes up to 32'],
    [
      ["10.0.0.0/255.0.0.0"],
      'has "10.0.0.0/255.0.0.0", which is no range; its length goes up to 32',
    ],
    [
      ["private"],
      'has "private", which is no address, such as 10.0.0.0/8 and none of loopback, linklocal, ' +
        "uniquelocal",
    ],
  ])("%j is told", (value, problem) => {
    expect(trustProblem(value)).toBe(problem);
  });

  it.each<[unknown]>([[true], [0], [2], [[]], [["loopback", "::1", "10.0.0.0/8"]], [() => true]])(
    "%s is taken",
    (value) => {
      expect(trustProblem(value)).toBeNull();
    },
  );
});
