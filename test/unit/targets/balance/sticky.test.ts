import { describe, expect, it } from "vitest";
import { cookieOf, fieldOf } from "../../../../src/targets/balance/request-key.js";
import { stickiness } from "../../../../src/targets/balance/sticky.js";

const sticky = stickiness({ cookie: "gw", secret: "quite secret", attributes: "; Path=/" });
const withCookie = (value: string) => ({ method: "GET", path: "/", headers: ["Cookie", value] });

describe("the cookie of a target", () => {
  it("tells nothing of the address and is the same in every gateway with the secret", () => {
    const token = sticky.tokenOf("http://10.0.0.5:8080");
    expect(token).toMatch(/^[\w-]{22}$/);
    const other = stickiness({ cookie: "gw", secret: "quite secret", attributes: "" });
    expect(other.tokenOf("http://10.0.0.5:8080")).toBe(token);
    const stranger = stickiness({ cookie: "gw", secret: "another one", attributes: "" });
    expect(stranger.tokenOf("http://10.0.0.5:8080")).not.toBe(token);
  });

  it("is set for who comes without one or goes elsewhere, and not again", () => {
    const token = sticky.tokenOf("http://a");
    expect(sticky.setCookie(withCookie(""), "http://a")).toBe(`gw=${token}; Path=/`);
    expect(sticky.setCookie(withCookie("gw=made-up"), "http://a")).toBe(`gw=${token}; Path=/`);
    expect(sticky.setCookie(withCookie(`x=1; gw=${token}`), "http://a")).toBeNull();
  });
});

describe("what a call brings along", () => {
  it.each([
    ["gw=1", "1"],
    ["a=2; gw=1; gw=3", "1"],
    ['gw="1"', "1"],
    ["gww=1; g=2", null],
    ["gw=", null],
    ["gw", null],
  ])("the cookie in %j is %j", (value, found) => {
    expect(cookieOf(withCookie(value), "gw")).toBe(found);
  });

  it("a field by its name in any case; the first of several", () => {
    const request = { method: "GET", path: "/", headers: ["X-User", "7", "x-user", "8"] };
    expect(fieldOf(request, "x-user")).toBe("7");
    expect(fieldOf(request, "x-other")).toBeNull();
  });
});
