import { describe, expect, it } from "vitest";
import { ok, respond } from "../../../src/testing/index.js";

describe("scripted answers", () => {
  it("count their body in bytes", () => {
    expect(ok("grün")).toBe("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ngrün");
  });

  it("send fields in order, and a list as several lines", () => {
    const fields = { "retry-after": "1", "set-cookie": ["a=1", "b=2"] };
    expect(respond(503, "busy", fields)).toBe(
      "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nset-cookie: a=1\r\n" +
        "set-cookie: b=2\r\ncontent-length: 4\r\n\r\nbusy",
    );
  });

  it("have no body and no length where the status allows none", () => {
    expect(respond(204, "ignored")).toBe("HTTP/1.1 204 No Content\r\n\r\n");
    expect(respond(100)).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    expect(respond(304, "", { etag: '"1"' })).toBe(
      'HTTP/1.1 304 Not Modified\r\netag: "1"\r\n\r\n',
    );
  });
});
