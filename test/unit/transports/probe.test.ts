// One probe against real servers: what passes, what is wrong, and that nothing stays behind.

import { createServer, type RequestListener } from "node:http";
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
};

function ask(target: string | TargetInput, question: Partial<ProbeQuestion> = {}) {
  return new Promise<string | null>((resolve) => {
    probeTarget(systemClock, parseTarget(target), { ...QUESTION, ...question }, resolve);
  });
}

async function answering(listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(listener))}`;
}

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
