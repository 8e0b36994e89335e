// Which of the fields about a client are believed, by the fronts that are known to stand before us.

import { describe, expect, it } from "vitest";
import { FRONTS, type FrontName } from "../../../src/catalog/fronts.js";
import { createForwarder } from "../../../src/wire/forwarding.js";
import { believeFronts, type TrustedFront } from "../../../src/wire/trusted-fronts.js";

const CLIENT = "198.51.100.1";
const SPOOFED = "6.6.6.6";

/** What the application behind us gets to see. */
function passed(
  fronts: readonly (FrontName | TrustedFront)[],
  address: string,
  received: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const known = fronts.map((front) => (typeof front === "string" ? FRONTS[front] : front));
  const fields: string[] = [];
  createForwarder({}, believeFronts(known)).append(fields, {
    address,
    protocol: "http",
    host: "app.internal",
    received: Object.entries(received).flat(),
  });
  const pairs = fields.map((name, at) => [name, fields[at + 1] as string] as const);
  return Object.fromEntries(pairs.filter((_, at) => at % 2 === 0));
}

describe("one front", () => {
  it("is believed what it says, and the chain no further than it can know", () => {
    const fields = passed(["nginx"], "127.0.0.1", {
      "X-Forwarded-For": `${SPOOFED}, ${CLIENT}`,
      "X-Forwarded-Proto": "https",
      "X-Forwarded-Host": "shop.example",
      "X-Real-IP": CLIENT,
    });
    expect(fields).toEqual({
      "x-forwarded-for": `${CLIENT}, 127.0.0.1`,
      "x-forwarded-proto": "https",
      "x-forwarded-host": "shop.example",
      "x-real-ip": CLIENT,
      forwarded:
        `for=${CLIENT};proto=https;host=shop.example, ` +
        "for=127.0.0.1;proto=http;host=app.internal",
    });
  });

  it("is not believed when the connection comes from elsewhere", () => {
    const fields = passed(["nginx"], "203.0.113.9", {
      "x-forwarded-for": SPOOFED,
      "x-real-ip": SPOOFED,
      "cf-connecting-ip": SPOOFED,
      forwarded: `for=${SPOOFED}`,
    });
    expect(fields).toEqual({
      "x-forwarded-for": "203.0.113.9",
      "x-forwarded-host": "app.internal",
      "x-forwarded-proto": "http",
      forwarded: "for=203.0.113.9;proto=http;host=app.internal",
    });
  });

  it("is believed over a unix socket, which has no address", () => {
    const fields = passed(["nginx"], "unknown", { "x-forwarded-for": CLIENT });
    expect(fields["x-forwarded-for"]).toBe(`${CLIENT}, unknown`);
  });

  it("does not vouch for fields that it passes through from the client", () => {
    const received = {
      "x-forwarded-for": CLIENT,
      "x-forwarded-host": "evil.example",
      "x-real-ip": SPOOFED,
      forwarded: `for=${SPOOFED}`,
    };
    const fields = passed(["aws-alb"], "10.0.3.4", received);
    expect(fields["x-forwarded-host"]).toBe("app.internal");
    expect(fields).not.toHaveProperty("x-real-ip");
    expect(fields["forwarded"]).not.toContain(SPOOFED);
  });

  it("that adds its own address, too, as Google's does, is taken for one hop", () => {
    const chain = `${SPOOFED}, ${CLIENT}, 203.0.113.80`;
    const fields = passed(["gcp-lb"], "35.191.7.7", { "x-forwarded-for": chain });
    expect(fields["x-forwarded-for"]).toBe(`${CLIENT}, 203.0.113.80, 35.191.7.7`);
  });

  it("may be said to write Forwarded, of which its own element is believed", () => {
    const front = { ...FRONTS.caddy, fields: ["forwarded"] };
    const forwarded = `for="a,b";by=x, for=${CLIENT};host="shop, example"`;
    const fields = passed([front], "127.0.0.1", { forwarded, "x-forwarded-for": SPOOFED });
    expect(fields["forwarded"]).toMatch(
      new RegExp(`^for=${CLIENT};host="shop, example", for=127.0.0.1;`),
    );
    expect(fields["x-forwarded-for"]).toBe("127.0.0.1");
  });
});

describe("several fronts", () => {
  const edge = "172.64.1.2";
  const received = {
    "x-forwarded-for": `${SPOOFED}, ${CLIENT}, ${edge}`,
    "cf-connecting-ip": CLIENT,
    "x-forwarded-proto": "https",
  };

  it("each vouch for the hop before them", () => {
    const fields = passed(["nginx", "cloudflare"], "::1", received);
    expect(fields["x-forwarded-for"]).toBe(`${CLIENT}, ${edge}, ::1`);
    expect(fields["cf-connecting-ip"]).toBe(CLIENT);
    expect(fields["forwarded"]).toMatch(`for=${CLIENT};proto=https, for=${edge}, for="[::1]"`);
  });

  it("are believed only as far as the connection went through them", () => {
    const around = { ...received, "x-forwarded-for": `${SPOOFED}, 203.0.113.9` };
    const fields = passed(["nginx", "cloudflare"], "::1", around);
    expect(fields["x-forwarded-for"]).toBe("203.0.113.9, ::1");
    expect(fields).not.toHaveProperty("cf-connecting-ip");
  });

  it("are not believed because of a chain that is no list of addresses", () => {
    const fields = passed(["nginx", "cloudflare"], "::1", { "x-forwarded-for": "x, , y" });
    expect(fields["x-forwarded-for"]).toBe("y, ::1");
  });
});

describe("what is written about trust", () => {
  it("is what counts, whatever is known of fronts", () => {
    const fields: string[] = [];
    const believe = believeFronts([FRONTS.nginx]);
    createForwarder({ trust: false, fields: "x-forwarded" }, believe).append(fields, {
      address: "127.0.0.1",
      protocol: "http",
      host: undefined,
      received: ["x-forwarded-for", CLIENT],
    });
    expect(fields).toEqual(["x-forwarded-for", "127.0.0.1", "x-forwarded-proto", "http"]);
  });
});
