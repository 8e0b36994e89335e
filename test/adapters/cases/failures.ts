/**
 * What the client gets when something fails, on either side or in between.
 */
import { accept, ok } from "good-gateway/testing";
import { expect } from "vitest";
import { answerOf, exchange, get, rawClient, request } from "../raw-client.js";
import { gate, inWorld, type WorldOptions } from "../world.js";
import type { Cases } from "./case.js";

const SOON: WorldOptions["settings"] = { timeouts: { responseMs: 60, totalMs: 5_000 } };

export const FAILURES: Cases = {
  "a refused connection is 502, with all that may be told": (serve) =>
    inWorld(serve, { scripts: null }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer.status).toBe(502);
      expect(answer.field("proxy-status")).toBe(
        'edge; error=connection_refused; details="code=connection_refused blame=upstream ' +
          'attempts=1 stopped=retry_off"',
      );
      expect(answer.field("content-type")).toBe("application/problem+json");
      expect(answer.field("content-length")).toBe(String(answer.body.byteLength));
      expect(answer.field("cache-control")).toBe("no-store");
      expect(answer.field("server-timing")).toMatch(/^attempt-1;dur=/);
      expect(JSON.parse(answer.text)).toEqual({
        type: "about:blank",
        title: "Bad Gateway",
        status: 502,
        detail: expect.stringMatching(/./),
        code: "connection_refused",
        blame: "upstream",
        attempts: 1,
        requestId: answer.field("x-request-id"),
      });
    }),

  "HEAD of a failure has its fields and no body": (serve) =>
    inWorld(serve, { scripts: null }, async ({ port }) => {
      const answer = await exchange(port, request("HEAD", "/"));
      expect(answer).toMatchObject({ status: 502, text: "" });
      expect(Number(answer.field("content-length"))).toBeGreaterThan(0);
      expect(answer.field("proxy-status")).toContain("error=connection_refused");
    }),

  "a person gets a page": (serve) =>
    inWorld(serve, { scripts: null }, async ({ port }) => {
      const answer = await exchange(port, get("/", { accept: "text/html,*/*;q=0.8" }));
      expect(answer.status).toBe(502);
      expect(answer.field("content-type")).toBe("text/html; charset=utf-8");
      expect(answer.text).toMatch(/^<!doctype html>.*502 Bad Gateway.*connection_refused/s);
    }),

  "a terminal gets text": (serve) =>
    inWorld(serve, { scripts: null }, async ({ port }) => {
      const answer = await exchange(port, get("/", { accept: "text/plain" }));
      expect(answer.status).toBe(502);
      expect(answer.field("content-type")).toBe("text/plain; charset=utf-8");
      expect(answer.text).toMatch(/^502 Bad Gateway\n/);
    }),

  "a silent upstream is 504": (serve) =>
    inWorld(serve, { scripts: [accept().readHead().hang()], settings: SOON }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer.status).toBe(504);
      expect(answer.field("proxy-status")).toContain("error=http_response_timeout");
    }),

  "an answer that is not HTTP is 502": (serve) =>
    inWorld(
      serve,
      { scripts: [accept().readHead().send("220 mail.example ESMTP\r\n").close()] },
      async ({ port }) => {
        const answer = await exchange(port, get("/"));
        expect(answer.status).toBe(502);
        expect(answer.field("proxy-status")).toContain("error=http_protocol_error");
        expect(answer.text).not.toContain("ESMTP");
      },
    ),

  "a connection that is closed without an answer is 502": (serve) =>
    inWorld(serve, { scripts: [accept().readHead().close()] }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer.status).toBe(502);
      expect(JSON.parse(answer.text)).toMatchObject({ code: "connection_terminated" });
    }),

  "a GET that was cut off is sent again, and the answer says so": (serve) =>
    inWorld(
      serve,
      {
        scripts: [accept().readHead().reset(), accept().readHead().send(ok("second"))],
        settings: { retry: { attemptsMax: 2 } },
      },
      async ({ port }) => {
        const answer = await exchange(port, get("/"));
        expect(answer).toMatchObject({ status: 200, text: "second" });
        expect(answer.field("proxy-status")).toContain("attempts=2");
      },
    ),

  "a POST that was cut off is not sent again": (serve) =>
    inWorld(
      serve,
      {
        scripts: [accept().readHead().readBody().reset()],
        settings: { retry: { attemptsMax: 3 } },
      },
      async ({ port }) => {
        const answer = await exchange(port, request("POST", "/", { "content-length": "2" }, "hi"));
        expect(answer.status).toBe(502);
        expect(answer.field("proxy-status")).toContain("stopped=method_not_idempotent");
      },
    ),

  "a body that ends too soon cuts the client's connection": (serve) =>
    brokenBody(serve, "content-length: 100", "half", "close"),

  "a body that is reset cuts the client's connection": (serve) =>
    brokenBody(serve, "content-length: 100", "half", "reset"),

  "a chunked body without its last chunk is never ended": (serve) =>
    brokenBody(serve, "transfer-encoding: chunked", "4\r\nhalf\r\n", "close"),

  "a client that leaves while it waits ends the call to the upstream": (serve) => {
    const asked = gate();
    const script = accept()
      .readHead()
      .waitFor(() => asked.open())
      .hang();
    return inWorld(serve, { scripts: [script] }, async ({ port, gateway, upstream }) => {
      const client = await rawClient(port);
      client.write(get("/"));
      await asked.opened;
      client.socket.destroy();
      // Neither a timeout nor the end of the gateway may be what closes the connection.
      await upstream.verify();
      expect(gateway.upstream("app").targets[0]?.pending).toBe(0);
    });
  },

  "a client that leaves within the body ends the call to the upstream": (serve) => {
    const script = accept()
      .readHead()
      .send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
      .hang();
    return inWorld(serve, { scripts: [script] }, async ({ port, gateway, upstream }) => {
      const client = await rawClient(port);
      client.write(get("/"));
      await client.until("half");
      client.socket.destroy();
      await upstream.verify();
      expect(gateway.upstream("app").targets[0]?.pending).toBe(0);
    });
  },

  "a client that leaves within its upload ends the call to the upstream": (serve) => {
    const asked = gate();
    const script = accept()
      .readHead()
      .waitFor(() => asked.open())
      .hang();
    return inWorld(serve, { scripts: [script] }, async ({ port, gateway, upstream }) => {
      const client = await rawClient(port);
      client.write(request("POST", "/", { "content-length": "100" }, "half"));
      await asked.opened;
      client.socket.destroy();
      await upstream.verify();
      expect(gateway.upstream("app").targets[0]?.pending).toBe(0);
    });
  },

  "a hook that throws is our own fault and reaches nobody": (serve) =>
    inWorld(
      serve,
      {
        scripts: [],
        options: {
          rewritePath: () => {
            throw new Error("secret of the hook");
          },
        },
      },
      async ({ port, upstream }) => {
        const answer = await exchange(port, get("/"));
        expect(answer.status).toBe(500);
        expect(answer.field("proxy-status")).toContain("error=proxy_internal_error");
        expect(answer.text).not.toContain("secret");
        expect(upstream.connections()).toBe(0);
      },
    ),

  "a request that has been here before is 502": (serve) =>
    inWorld(serve, { scripts: [] }, async ({ port, upstream }) => {
      const answer = await exchange(port, get("/", { via: "1.1 front, 1.1 edge" }));
      expect(answer.status).toBe(502);
      expect(answer.field("proxy-status")).toContain("error=proxy_loop_detected");
      expect(upstream.connections()).toBe(0);
    }),

  "onFailure is told, and may answer in our place": (serve) => {
    const told: unknown[] = [];
    const options: WorldOptions["options"] = {
      onFailure({ code }, { req, res, attempts, requestId }) {
        told.push([code, req.url, attempts, requestId]);
        if (req.url !== "/own") return;
        res.writeHead(200, { "content-length": "4" });
        res.end("mine");
      },
    };
    return inWorld(serve, { scripts: null, options }, async ({ port }) => {
      const ours = await exchange(port, get("/", { "x-request-id": "r1" }));
      const theirs = await exchange(port, get("/own", { "x-request-id": "r2" }));
      expect(ours.status).toBe(502);
      expect(theirs).toMatchObject({ status: 200, text: "mine" });
      expect(told).toEqual([
        ["connection_refused", "/", 1, "r1"],
        ["connection_refused", "/own", 1, "r2"],
      ]);
    });
  },

  "diagnostics can be off": (serve) =>
    inWorld(serve, { scripts: null, options: { diagnostics: "none" } }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer.status).toBe(502);
      expect(answer.all("proxy-status")).toEqual([]);
      expect(answer.all("server-timing")).toEqual([]);
      expect(Object.keys(JSON.parse(answer.text))).toEqual([
        "type",
        "title",
        "status",
        "requestId",
      ]);
    }),

  "full diagnostics are for those who are trusted": (serve) =>
    inWorld(
      serve,
      {
        scripts: null,
        options: { diagnostics: ({ headers }) => (headers["x-admin"] === "1" ? "full" : "code") },
      },
      async ({ port }) => {
        const trusted = await exchange(port, get("/", { "x-admin": "1" }));
        expect(trusted.field("proxy-status")).toMatch(/next-hop=app\/1.*target=http:\/\/127\.0/);
        const other = await exchange(port, get("/"));
        expect(other.field("proxy-status")).not.toContain("127.0.0.1");
        expect(other.text).not.toContain("127.0.0.1");
      },
    ),

  "the status policy decides the status, the field still names the failure": (serve) =>
    inWorld(serve, { scripts: null, statusPolicy: "haproxy" }, async ({ port }) => {
      const answer = await exchange(port, get("/"));
      expect(answer.status).toBe(503);
      expect(Number(answer.field("retry-after"))).toBeGreaterThan(0);
      expect(answer.field("proxy-status")).toContain("error=connection_refused");
    }),

  "maintenance is 503 and says when to come back": (serve) =>
    inWorld(serve, { scripts: [] }, async ({ port, gateway, upstream }) => {
      gateway.startMaintenance({ retryAfterMs: 90_000 });
      const answer = await exchange(port, get("/"));
      expect(answer.status).toBe(503);
      expect(answer.field("retry-after")).toBe("90");
      expect(JSON.parse(answer.text)).toMatchObject({ code: "maintenance", retryAfter: 90 });
      expect(upstream.connections()).toBe(0);
    }),
};

function brokenBody(
  serve: Parameters<Cases[string]>[0],
  framing: string,
  part: string,
  end: "close" | "reset",
): Promise<void> {
  const seen = gate();
  const begun = accept().readHead().send(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n${part}`);
  const script = begun.waitFor(seen.opened)[end]();
  return inWorld(serve, { scripts: [script] }, async ({ port }) => {
    const client = await rawClient(port);
    client.write(get("/"));
    await client.until("half");
    seen.open();
    await client.over;
    expect(answerOf(client.received())).toMatchObject({
      status: 200,
      text: "half",
      complete: false,
    });
  });
}
