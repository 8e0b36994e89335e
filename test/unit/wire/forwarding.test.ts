/** What the next hop is told about the ones before, and how a loop is noticed. */
import { describe, expect, it } from "vitest";
import type { ForwardedOptions } from "../../../src/wire/forwarded-options.js";
import { createForwarder, type Peer, viaSignature } from "../../../src/wire/forwarding.js";

const PEER: Peer = {
  address: "192.0.2.7",
  protocol: "https",
  host: "shop.example",
  received: [],
};

const CLAIMS = [
  "X-Forwarded-For",
  "198.51.100.1",
  "x-forwarded-host",
  "front.example",
  "x-forwarded-proto",
  "http",
  "X-Forwarded-Port",
  "8443",
  "X-Real-IP",
  "198.51.100.1",
  "Forwarded",
  "for=198.51.100.1;proto=http",
];

function forwarded(options: ForwardedOptions | false, peer: Partial<Peer> = {}) {
  const fields: string[] = [];
  createForwarder(options).append(fields, { ...PEER, ...peer });
  const named: Record<string, string> = {};
  for (let index = 0; index < fields.length; index += 2) {
    const name = (fields[index] as string).toLowerCase();
    if (named[name] !== undefined) throw new Error(`${name} comes twice`);
    named[name] = fields[index + 1] as string;
  }
  return named;
}

describe("what a client says about itself", () => {
  it("reaches nobody unless the client is trusted", () => {
    const fields = forwarded({}, { received: CLAIMS });
    expect(fields).toEqual({
      "x-forwarded-for": "192.0.2.7",
      "x-forwarded-host": "shop.example",
      "x-forwarded-proto": "https",
      forwarded: "for=192.0.2.7;proto=https;host=shop.example",
    });
  });

  it("is continued when the client is trusted", () => {
    expect(forwarded({ trust: true }, { received: CLAIMS })).toMatchObject({
      "x-forwarded-for": "198.51.100.1, 192.0.2.7",
      "x-forwarded-host": "front.example",
      "x-forwarded-proto": "http",
      "x-forwarded-port": "8443",
      forwarded: "for=198.51.100.1;proto=http, for=192.0.2.7;proto=https;host=shop.example",
    });
  });

  it("keeps the address that a trusted front has found", () => {
    const received = ["X-Real-IP", "198.51.100.1"];
    expect(forwarded({ trust: true }, { received })["x-real-ip"]).toBe("198.51.100.1");
    expect(forwarded({}, { received })["x-real-ip"]).toBeUndefined();
  });

  it("is one chain, in however many fields it came", () => {
    const received = ["x-forwarded-for", "a, b", "X-FORWARDED-FOR", "c"];
    const fields = forwarded({ trust: true }, { received });
    expect(fields["x-forwarded-for"]).toBe("a, b, c, 192.0.2.7");
  });

  it("passes as it came, and nothing is added, where forwarding is off", () => {
    const fields: string[] = [];
    createForwarder(false).append(fields, { ...PEER, received: CLAIMS });
    expect(fields).toEqual(CLAIMS);
  });
});

describe("who is trusted", () => {
  const trusted = (trust: ForwardedOptions["trust"] & object, address: string): boolean =>
    forwarded({ trust, fields: "x-forwarded" }, { address, received: CLAIMS })[
      "x-forwarded-for"
    ] === `198.51.100.1, ${address.replace(/^::ffff:(?=.*\.)/, "")}`;

  it.each<[readonly string[], string, boolean]>([
    [["10.0.0.0/8"], "10.255.0.1", true],
    [["10.0.0.0/8"], "11.0.0.1", false],
    [["192.0.2.7"], "192.0.2.7", true],
    [["192.0.2.7"], "192.0.2.8", false],
    [["192.0.2.7/32"], "192.0.2.7", true],
    [["0.0.0.0/0"], "203.0.113.9", true],
    [["2001:db8::/32"], "2001:db8:1::1", true],
    [["2001:db8::/32"], "2001:db9::1", false],
    [["::1"], "::1", true],
    [["::1"], "0:0:0:0:0:0:0:1", true],
    [["10.0.0.0/8", "::1"], "::1", true],
    [["10.0.0.0/8"], "::ffff:10.1.2.3", true],
    [["10.0.0.0/8"], "::ffff:11.1.2.3", false],
    [["0.0.0.0/0", "::/0"], "unknown", false],
    [[], "192.0.2.7", false],
  ])("%j trusts %s: %s", (list, address, expected) => {
    expect(trusted(list, address)).toBe(expected);
  });

  it("can be decided by a function of the address", () => {
    const asked: string[] = [];
    const trust = (address: string): boolean => {
      asked.push(address);
      return address === "192.0.2.7";
    };
    expect(trusted(trust, "192.0.2.7")).toBe(true);
    expect(trusted(trust, "::ffff:192.0.2.7")).toBe(true);
    expect(trusted(trust, "192.0.2.8")).toBe(false);
    expect(asked).toEqual(["192.0.2.7", "192.0.2.7", "192.0.2.8"]);
  });
});

describe("which fields are written", () => {
  it("is a choice between the two families", () => {
    expect(Object.keys(forwarded({ fields: "forwarded" }))).toEqual(["forwarded"]);
    expect(Object.keys(forwarded({ fields: "x-forwarded" }))).toEqual([
      "x-forwarded-for",
      "x-forwarded-host",
      "x-forwarded-proto",
    ]);
  });

  it("has no host where the client named none", () => {
    const fields = forwarded({}, { host: undefined });
    expect(fields).not.toHaveProperty("x-forwarded-host");
    expect(fields["forwarded"]).toBe("for=192.0.2.7;proto=https");
  });
});

describe("Forwarded", () => {
  const element = (peer: Partial<Peer>) => forwarded({ fields: "forwarded" }, peer)["forwarded"];

  it.each<[string, string]>([
    ["192.0.2.7", "for=192.0.2.7"],
    ["2001:db8::1", `for="[2001:db8::1]"`],
    ["::ffff:192.0.2.7", "for=192.0.2.7"],
    ["unknown", "for=unknown"],
    ["/run/app.sock", "for=unknown"],
  ])("shows the address %s as %s", (address, text) => {
    expect(element({ address, host: undefined })).toBe(`${text};proto=https`);
  });

  it.each<[string, string]>([
    ["shop.example", "host=shop.example"],
    ["shop.example:8080", `host="shop.example:8080"`],
    ["[::1]:80", `host="[::1]:80"`],
    [`a";for=evil`, `host="a\\";for=evil"`],
    ["a\\", `host="a\\\\"`],
    ["a;b, c", `host="a;b, c"`],
  ])("quotes the host %j so that it cannot become anything else", (host, text) => {
    expect(element({ host })).toBe(`for=192.0.2.7;proto=https;${text}`);
  });
});

describe("the signature in Via", () => {
  const named = viaSignature("edge", true, "5f2a");
  const unnamed = viaSignature("host-1", false, "5f2a");

  it("is the name and an id of this instance", () => {
    expect(named.received).toBe("edge (5f2a)");
    expect(viaSignature("my gateway (1)", true, "x").received).toBe("my-gateway--1- (x)");
  });

  it("is recognised in what it wrote itself, among others, in any case", () => {
    for (const signature of [named, unnamed]) {
      expect(signature.isOwn(`1.1 ${signature.received}`)).toBe(true);
      expect(signature.isOwn(`1.0 fred, 1.1 ${signature.received}, 1.1 p.example`)).toBe(true);
    }
    expect(named.isOwn("1.1 EDGE")).toBe(true);
    expect(named.isOwn("HTTP/1.1 edge")).toBe(true);
    expect(named.isOwn("2.0 other,1.1 edge")).toBe(true);
  });

  it("is the name's alone where a deployment was named, whichever instance wrote it", () => {
    expect(named.isOwn("1.1 edge (another)")).toBe(true);
    expect(unnamed.isOwn("1.1 host-1 (another)")).toBe(false);
  });

  it.each([
    "1.1 edge2",
    "1.1 my-edge",
    "1.1 edge.example",
    "1.1 edge:8080",
    "1.1 other (edge)",
    "edge",
    "",
  ])("is not taken for another's: %j", (via) => {
    expect(named.isOwn(via)).toBe(false);
  });

  it("means its name and not a pattern", () => {
    const dotted = viaSignature("a.b+c", true, "id");
    expect(dotted.isOwn("1.1 a.b+c")).toBe(true);
    expect(dotted.isOwn("1.1 axbbc")).toBe(false);
  });
});
