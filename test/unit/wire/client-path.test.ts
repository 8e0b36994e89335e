/** Paths of the upstream as the client sees them. */
import { describe, expect, it } from "vitest";
import {
  clientReference,
  type PathMap,
  pathMap,
  removedPrefix,
} from "../../../src/wire/client-path.js";

describe("what was removed from a path, or put before it", () => {
  it.each([
    ["/api/orders/7?a=/b", "/orders/7?a=/b", "", "/api"],
    ["/api", "/", "", "/api"],
    ["/api?x", "/?x", "", "/api"],
    ["/", "/base/", "/base", ""],
    ["/", "/base", "/base", ""],
    ["/api/x", "/base/x", "/base", "/api"],
    ["/orders/orders", "/orders", "", "/orders"],
    ["http://shop.example/api/x", "/x", "", "/api"],
    ["/x", "/x", "", ""],
  ])("%s sent as %s", (asked, sent, theirs, ours) => {
    expect(pathMap(asked, sent, false)).toEqual({ sent: theirs, asked: ours, isTold: false });
  });

  it("nothing is known of other paths where one was replaced", () => {
    expect(pathMap("/api/x", "/other", false)).toBeNull();
    expect(removedPrefix("/api/x", "/other")).toBe("");
    expect(removedPrefix("/x", "/base/x")).toBe("");
    expect(removedPrefix("/api/x", "/x")).toBe("/api");
  });
});

describe("an address that the upstream has written", () => {
  const map: PathMap = { sent: "/base", asked: "/api", isTold: false };
  const own = (authority: string) => authority === "inner";
  const written = (text: string, by = map) => clientReference(text, by, own);

  it.each([
    ["/base", "/api"],
    ["/base/x?y#z", "/api/x?y#z"],
    ["http://inner/base/x", "/api/x"],
    ["http://inner/outside", "http://inner/outside"],
    ["/basement", "/basement"],
    ["http://inner\\@evil/", "http://inner\\@evil/"],
    ["javascript:alert(1)", "javascript:alert(1)"],
    ["", ""],
  ])("%s becomes %s", (text, expected) => {
    expect(written(text)).toBe(expected);
  });

  it("is no second time given a prefix that the upstream was told", () => {
    const told = { sent: "", asked: "/api", isTold: true };
    expect(written("/api/x", told)).toBe("/api/x");
    expect(written("/x", told)).toBe("/api/x");
    expect(written("/apix", told)).toBe("/api/apix");
  });

  it("never names another host", () => {
    const root = { sent: "", asked: "", isTold: false };
    for (const text of ["http://inner//evil/", "http://inner/\\evil/", "/\\evil"]) {
      const url = new URL(written(text, root), "http://client/");
      expect(url.host, text).toBe("client");
    }
  });
});
