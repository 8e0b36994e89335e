// One probe against real servers: what passes, what is wrong, and that nothing stays behind.

import { createServer, type RequestListener } from "node:http";
import {
  constants,
  createServer as createHttp2,
  createSecureServer as createSecureHttp2,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer as createTcp, type Server as TcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { parseTarget, type TargetInput } from "../../../src/targets/target.js";
import { testAuthority } from "../../../src/testing/index.js";
import { type ProbeQuestion, probeTarget } from "../../../src/transports/probe.js";

const open: TcpServer[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => new Promise((done) => server.close(done))));
});

function listen<Listening extends TcpServer>(server: Listening, path?: string): Promise<number> {
  open.push(server);
  return new Promise((resolve) => {
    const ready = (): void => resolve((server.address() as AddressInfo).port);
    if (path === undefined) server.listen(0, "127.0.0.1", ready);
    else server.listen(path, ready);
  });
}

const QUESTION: ProbeQuestion = {
  path: "/healthz",
  timeoutMs: 5_000,
  statuses: [[200, 299]],
  body: null,
  userAgent: "good-gateway-probe (test)",
  allowH2: false,
};

function ask(target: string | TargetInput, question: Partial<ProbeQuestion> = {}) {
  return new Promise<string | null>((resolve) => {
    probeTarget(systemClock, parseTarget(target), { ...QUESTION, ...question }, resolve);
  });
}

async function answering(listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(listener))}`;
}

describe("a probe with its own words", () => {
  const OWN = {
    method: "POST",
    host: "orders.internal",
    headers: { authorization: "Bearer x", "user-agent": "own" },
    requestBody: "größe",
  };
  const RIGHT = ["POST", "orders.internal", "Bearer x", "own", "7", "größe"];

  it("sends method, host, fields and body, over HTTP/1.1 and HTTP/2", async () => {
    const seen: unknown[] = [];
    const listener: RequestListener = async (req, res) => {
      let body = "";
      for await (const part of req.setEncoding("utf8")) body += part;
      const { host = req.headers[":authority"], authorization, ...rest } = req.headers;
      const fields = [authorization, rest["user-agent"], rest["content-length"]];
      seen.push([req.method, host, ...fields, body]);
      res.end();
    };
    const { ca, issue } = testAuthority();
    const pair = issue();
    const h2c = createHttp2(listener as never);
    const h2 = createSecureHttp2(pair, listener as never);
    const urls = [
      await answering(listener),
      `http://127.0.0.1:${await listen(h2c as unknown as TcpServer)}`,
      `https://127.0.0.1:${await listen(h2 as unknown as TcpServer)}`,
    ];
    for (const [index, url] of urls.entries()) {
      const allowH2 = index === 0 ? false : "h2c";
      expect(await ask(index < 2 ? url : { url, tls: { ca } }, { ...OWN, allowH2 })).toBeNull();
    }
    expect(seen).toEqual([RIGHT, RIGHT, RIGHT]);
  });

  it("goes to its own port, and names it; the target itself is not asked", async () => {
    const hosts: unknown[] = [];
    const url = await answering((_req, res) => res.writeHead(500).end());
    const own = await answering((req, res) => {
      hosts.push([req.headers.host, req.url]);
      res.end();
    });
    const port = Number(new URL(own).port);
    expect(await ask(`${url}/api`, { port })).toBeNull();
    expect(hosts).toEqual([[`127.0.0.1:${port}`, "/api/healthz"]]);
    expect(await ask(url)).toBe("status 500");
    expect(await ask(url, { port, path: null })).toBeNull();
  });
});

describe("a probe over HTTP", () => {
  it("is a GET with Host and our name, below the prefix, on a new connection", async () => {
    const seen: unknown[] = [];
    const ports = new Set<number | undefined>();
    const url = await answering((req, res) => {
      const { host, "user-agent": agent, connection } = req.headers;
      ports.add(req.socket.remotePort);
      seen.push([req.method, req.url, host, agent, connection]);
      res.end("fine");
    });
    expect(await ask(`${url}/api`)).toBeNull();
    expect(await ask(`${url}/api`)).toBeNull();
    const { host } = new URL(url);
    const wanted = ["GET", "/api/healthz", host, "good-gateway-probe (test)", "close"];
    expect(seen).toEqual([wanted, wanted]);
    expect(ports.size).toBe(2);
  });

  it("takes heads with line feeds alone where calls do", async () => {
    const server = createTcp((socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\nx-device: lamp\n\nfine"));
    });
    const url = `http://127.0.0.1:${await listen(server)}`;
    expect(await ask(url, { allowBareLineFeeds: true, body: "fine" })).toBeNull();
    expect(await ask(url, { body: "fine" })).not.toBeNull();
  });

  it("passes with the statuses that are expected, and tells another one", async () => {
    const url = await answering((req, res) => {
      res.writeHead(Number(req.url?.slice(1))).end();
    });
    expect(await ask(url, { path: "/204" })).toBeNull();
    expect(await ask(url, { path: "/503" })).toBe("status 503");
    expect(await ask(url, { path: "/302" })).toBe("status 302");
    const statuses = [
      [200, 200],
      [401, 401],
    ] as const;
    expect(await ask(url, { path: "/401", statuses })).toBeNull();
    expect(await ask(url, { path: "/204", statuses })).toBe("status 204");
  });

  it("looks into the beginning of the body, and no further", async () => {
    const url = await answering((req, res) => {
      if (req.url === "/late") res.write("x".repeat(70_000));
      res.end('{"status":"ok"}');
    });
    expect(await ask(url, { body: '"ok"' })).toBeNull();
    expect(await ask(url, { body: /"status":\s*"ok"/ })).toBeNull();
    expect(await ask(url, { body: "degraded" })).toBe("another body than expected");
    expect(await ask(url, { path: "/late", body: "ok" })).toBe("another body than expected");
  });

  it("fails where nothing listens or is answered, and where the answer breaks off", async () => {
    const gone = createServer();
    const port = await listen(gone);
    await new Promise((done) => gone.close(done));
    expect(await ask(`http://127.0.0.1:${port}`)).toBe("ECONNREFUSED");
    const silent = await answering(() => {});
    expect(await ask(silent, { timeoutMs: 50 })).toBe("no answer within 50 ms");
    const broken = await answering((_req, res) => {
      res.writeHead(200, { "content-length": "50" });
      res.write("half", () => res.destroy());
    });
    expect(await ask(broken, { body: "whole" })).not.toBeNull();
  });

  it("goes over unix sockets", async () => {
    const path = join(tmpdir(), `good-gateway-probe-${process.pid}.sock`);
    await listen(
      createServer((_req, res) => res.end()),
      path,
    );
    expect(await ask(`unix:${path}`)).toBeNull();
    expect(await ask(`unix:${path}`, { path: null })).toBeNull();
  });
});

describe("a probe of a connection", () => {
  it("passes when it is accepted, and says why it is not", async () => {
    const server = createTcp((socket) => socket.end());
    const port = await listen(server);
    expect(await ask(`http://127.0.0.1:${port}`, { path: null })).toBeNull();
    await new Promise((done) => server.close(done));
    expect(await ask(`http://127.0.0.1:${port}`, { path: null })).toBe("ECONNREFUSED");
  });

  it("goes through TLS with the settings of the target", async () => {
    const { ca, issue } = testAuthority();
    const server = createHttps(issue(), (_req, res) => res.end("fine"));
    const url = `https://127.0.0.1:${await listen(server)}`;
    expect(await ask({ url, tls: { ca } }, { path: null })).toBeNull();
    expect(await ask({ url, tls: { ca } })).toBeNull();
    expect(await ask(url)).not.toBeNull();
    expect(await ask(url, { path: null })).not.toBeNull();
  });
});

describe("a probe of a target that speaks HTTP/2", () => {
  type Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;
  const well: Answer = (stream) => {
    stream.respond({ ":status": 200 });
    stream.end("fine");
  };

  async function plain(answer: Answer): Promise<string> {
    const server = createHttp2();
    server.on("stream", answer).on("sessionError", () => {});
    return `http://127.0.0.1:${await listen(server)}`;
  }

  async function secure(answer: Answer, allowHTTP1 = false) {
    const { ca, issue } = testAuthority();
    const server = createSecureHttp2({ ...issue(), allowHTTP1 });
    server.on("stream", answer);
    if (allowHTTP1) {
      server.on("request", (req, res) => {
        if (req.httpVersionMajor === 1) res.writeHead(204).end();
      });
    }
    return { url: `https://127.0.0.1:${await listen(server)}`, tls: { ca } };
  }

  it("is a GET with authority and our name, below the prefix", async () => {
    const seen: unknown[] = [];
    const url = await plain((stream, headers) => {
      seen.push([
        headers[":method"],
        headers[":path"],
        headers[":authority"],
        headers["user-agent"],
      ]);
      well(stream, headers);
    });
    expect(await ask(`${url}/api`, { allowH2: "h2c" })).toBeNull();
    expect(seen).toEqual([["GET", "/api/healthz", new URL(url).host, "good-gateway-probe (test)"]]);
  });

  it("is agreed on with TLS, where the target knows nothing else", async () => {
    const target = await secure(well);
    expect(await ask(target, { allowH2: true })).toBeNull();
    expect(await ask(target, { allowH2: "h2c" })).toBeNull();
    expect(await ask(target, { allowH2: false })).not.toBeNull();
  });

  it("is HTTP/1.1 where the target agrees to nothing more", async () => {
    const { tls, url } = await secureHttp1();
    expect(await ask({ url, tls }, { allowH2: true, statuses: [[204, 204]] })).toBeNull();
  });

  it("is HTTP/2 where the target would take both", async () => {
    const target = await secure(well, true);
    expect(await ask(target, { allowH2: true, statuses: [[200, 200]] })).toBeNull();
    expect(await ask(target, { allowH2: false, statuses: [[204, 204]] })).toBeNull();
  });

  it("looks at status and body", async () => {
    const url = await plain((stream, headers) => {
      stream.respond({ ":status": headers[":path"] === "/503" ? 503 : 200 });
      stream.end("all is well");
    });
    const asked = { allowH2: "h2c" } as const;
    expect(await ask(url, { ...asked, path: "/503" })).toBe("status 503");
    expect(await ask(url, { ...asked, body: /well/ })).toBeNull();
    expect(await ask(url, { ...asked, body: "ready" })).toBe("another body than expected");
  });

  it("tells of a stream that is reset, and of a server that speaks HTTP/1.1 only", async () => {
    const url = await plain((stream) => {
      stream.on("error", () => {});
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    });
    expect(await ask(url, { allowH2: "h2c" })).not.toBeNull();
    const old = await answering((_req, res) => res.end());
    expect(await ask(old, { allowH2: "h2c" })).not.toBeNull();
  });

  it("leaves nothing behind", async () => {
    let sessions = 0;
    const server = createHttp2();
    server.on("stream", well);
    const closed = new Promise<void>((resolve) => {
      server.on("session", (session) => {
        sessions += 1;
        session.once("close", resolve);
      });
    });
    const url = `http://127.0.0.1:${await listen(server)}`;
    expect(await ask(url, { allowH2: "h2c" })).toBeNull();
    await closed;
    expect(sessions).toBe(1);
  });

  async function secureHttp1() {
    const { ca, issue } = testAuthority();
    const server = createHttps(issue(), (_req, res) => res.writeHead(204).end());
    return { url: `https://127.0.0.1:${await listen(server)}`, tls: { ca } };
  }
});

describe("a probe that is given up", () => {
  it("tells nothing, and its connection is gone", async () => {
    let closed = (): void => {};
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    let asked = (): void => {};
    const arrived = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const url = await answering((req) => {
      req.socket.once("close", closed);
      asked();
    });
    const told: unknown[] = [];
    const probe = probeTarget(systemClock, parseTarget(url), QUESTION, (wrong) => told.push(wrong));
    await arrived;
    probe.cancel();
    await gone;
    expect(told).toEqual([]);
  });
});
