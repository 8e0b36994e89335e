/** Which request targets are taken, as they are, and which are refused. */
import { describe, expect, it } from "vitest";
import { readRequestTarget } from "../../../src/wire/request-target.js";

const taken = (path: string, authority: string | null = null) => ({ path, authority });

describe("a path", () => {
  it.each([
    "/",
    "/a/b?c=d&e",
    "/a/../b",
    "/a/b/../../c",
    "/a/./b/.",
    "/a/%2e%2e/b",
    "/..a/a../...",
    "/a..b",
    "/%2e",
    "/.;x/a",
    "//double",
    "//evil.example/x",
    "/a?b=/../..",
    "/?..",
    "/a;p=1/b",
    "/%E2%82%AC",
    "/a|b{c}^`",
    `/"quoted"`,
    "/a\\b",
    "/%252e%252e/x",
    "/a%00b",
  ])("is taken as it is: %j", (path) => {
    expect(readRequestTarget(path)).toEqual(taken(path));
  });

  it.each([
    "/..",
    "/../",
    "/../etc",
    "/a/../..",
    "/a/../../b",
    "/./..",
    "//..",
    "/a//../..",
    "/%2e%2e",
    "/%2E%2e/x",
    "/.%2e/x",
    "/%2e./x",
    "/..%2fx",
    "/..%2Fx",
    "/a%2f..%2f..%2fx",
    "/..\\x",
    "/\\..\\x",
    "/..%5cx",
    "/..%5C..",
    "/..;/x",
    "/..;a=b/x",
    "/%2e%2e;x/",
    "/a/..;/..;/x",
    "/../a/b",
    "/..?q",
  ])("that climbs above its root for anybody who reads it is refused: %j", (path) => {
    expect(readRequestTarget(path)).toEqual({ refused: "a path that climbs above its root" });
  });

  it.each([
    "/a b",
    "/a\tb",
    "/a\r\nx: y",
    "/a\0",
    "/a\x7f",
    "/a#b",
    "/#",
    "/\xe9",
    "/\u0100",
    "/€",
    " /",
  ])("that a request line cannot hold is refused: %j", (path) => {
    const refused = "a character that a request target cannot hold";
    expect(readRequestTarget(path)).toEqual({ refused });
  });
});

describe("an absolute target", () => {
  it.each<[string, string, string]>([
    ["http://shop.example/a?b", "/a?b", "shop.example"],
    ["HTTPS://shop.example:8443/", "/", "shop.example:8443"],
    ["http://shop.example", "/", "shop.example"],
    ["http://shop.example?q=1", "/?q=1", "shop.example"],
    ["http://[2001:db8::1]:80/x", "/x", "[2001:db8::1]:80"],
    ["http://10.0.0.1/x", "/x", "10.0.0.1"],
  ])("%j names a host besides its path", (target, path, authority) => {
    expect(readRequestTarget(target)).toEqual(taken(path, authority));
  });

  it.each([
    "http://user@shop.example/",
    "http://user:secret@shop.example/",
    "http:///a",
    "http://",
    "http://shop.example\\@evil.example/",
    "http://shop.example\\x/",
    `http://shop.example"/`,
  ])("whose host is in doubt is refused: %j", (target) => {
    expect(readRequestTarget(target)).toHaveProperty("refused");
  });

  it("does not climb either", () => {
    expect(readRequestTarget("http://shop.example/../x")).toHaveProperty("refused");
    expect(readRequestTarget("http://shop.example/%2e%2e/x")).toHaveProperty("refused");
  });

  it.each(["", "*", "a", "shop.example:443", "ftp://a/b", "javascript:x", "http:/a", "?a"])(
    "of another kind is none that can be sent on: %j",
    (target) => expect(readRequestTarget(target)).toHaveProperty("refused"),
  );
});
