/**
 * The head of an answer beside fields that were set on the response before.
 */
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { expect, it } from "vitest";
import { writeHead } from "../../../src/wire/write-response.js";

function response(): ServerResponse {
  const req = new IncomingMessage(new Socket());
  req.httpVersionMajor = 1;
  req.httpVersionMinor = 1;
  return new ServerResponse(req);
}

it("fields that were set before stay, and none of several with one name is lost", () => {
  const res = response();
  res.setHeader("X-Powered-By", "Express");
  writeHead(res, 200, "OK", ["set-cookie", "a=1", "x-a", "1", "set-cookie", "b=2"]);
  expect(res.getHeaders()).toEqual({
    "x-powered-by": "Express",
    "set-cookie": ["a=1", "b=2"],
    "x-a": "1",
  });
  expect(res.headersSent).toBe(true);
});

it("cookies of both sides reach the client", () => {
  const res = response();
  res.setHeader("Set-Cookie", ["session=1"]);
  writeHead(res, 200, "OK", ["Set-Cookie", "cart=2"]);
  expect(res.getHeader("set-cookie")).toEqual(["session=1", "cart=2"]);
});

it("Vary names what either side depended on, once", () => {
  const res = response();
  res.setHeader("Vary", "Origin, Accept");
  writeHead(res, 200, "OK", ["vary", "accept", "Vary", "Cookie"]);
  expect(res.getHeader("vary")).toBe("Origin, accept, Cookie");
});

it("Vary: * says it all", () => {
  const res = response();
  res.setHeader("Vary", "Origin");
  writeHead(res, 200, "OK", ["vary", "*"]);
  expect(res.getHeader("vary")).toBe("*");
});

it("the answer's own value replaces one that was set before", () => {
  const res = response();
  res.setHeader("Cache-Control", "no-store");
  writeHead(res, 200, "OK", ["cache-control", "max-age=60"]);
  expect(res.getHeader("cache-control")).toBe("max-age=60");
});

it("what describes another body is dropped", () => {
  const res = response();
  res.setHeader("Content-Length", "5");
  res.setHeader("Content-Type", "text/plain");
  res.setHeader("ETag", '"other"');
  writeHead(res, 200, "OK", ["content-type", "text/html"]);
  expect(res.getHeaders()).toEqual({ "content-type": "text/html" });
});

it("a head that cannot be sent leaves the response as it was", () => {
  const res = response();
  res.setHeader("X-Powered-By", "Express");
  res.setHeader("Content-Type", "text/plain");
  const fields = ["x-good", "1", "x-bad", "a\nb"];
  expect(() => writeHead(res, 200, "OK", fields)).toThrow();
  expect(res.getHeaders()).toEqual({ "x-powered-by": "Express", "content-type": "text/plain" });
  expect(res.headersSent).toBe(false);
});

it("who wraps writeHead finds the fields on the response", () => {
  const res = response();
  const seen: unknown[] = [];
  const original = res.writeHead;
  res.writeHead = function wrapped(this: ServerResponse, ...given: readonly unknown[]) {
    seen.push(given, this.getHeader("content-type"));
    return Reflect.apply(original, this, given);
  } as ServerResponse["writeHead"];
  writeHead(res, 201, "Made", ["content-type", "text/html"]);
  expect(seen).toEqual([[201, "Made"], "text/html"]);
});
