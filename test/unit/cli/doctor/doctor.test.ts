/**
 * The doctor against real sockets, each broken in one known way: the verdict names the layer, who
 * is
 * at fault and the cause.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer, type ListenOptions, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { runCommand } from "../../../../src/cli/commands.js";
import type { Report, Verdict } from "../../../../src/diagnosis/diagnosis-report.js";
import { type CertificatePair, testCertificates } from "../../../../src/testing/certificates.js";

const certificates = testCertificates();
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Runs the command line; what it prints as JSON is the report. */
async function doctor(...args: readonly string[]): Promise<{ report: Report; code: number }> {
  const out: string[] = [];
  const stream = { write: (text: string) => out.push(text) };
  const code = await runCommand(
    ["doctor", "--json", "--timeout", "600", "--idle", "300", ...args],
    {
      stdin: Object.assign((async function* () {})(), { isTTY: true }),
      stdout: stream,
      stderr: stream,
      env: {},
    },
  );
  const [report] = JSON.parse(out.join("")) as readonly [Report];
  return { report, code };
}

async function verdict(...args: readonly string[]): Promise<Verdict> {
  const { report, code } = await doctor(...args);
  expect(code).toBe(report.verdict.well ? 0 : 1);
  return report.verdict;
}

/** A raw server: what happens with each connection, and with what it sends. */
async function raw(
  onConnection: (socket: Socket) => void,
  listen: ListenOptions = { host: "127.0.0.1", port: 0 },
): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(listen, resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const answering = (bytes: string) => (socket: Socket) => {
  socket.once("data", () => socket.end(bytes));
};

async function http(listener: RequestListener, host = "127.0.0.1"): Promise<number> {
  const server = createHttp({ keepAliveTimeout: 70_000 }, listener);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function https({ cert, key }: CertificatePair): Promise<number> {
  const server = createHttps({ cert, key, keepAliveTimeout: 70_000 }, (_, res) => res.end("ok"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A Node program in a process of its own; resolves with its port. */
async function program(body: string): Promise<{ port: number; child: ChildProcess }> {
  const child = spawn(process.execPath, ["--eval", body], { stdio: ["ignore", "pipe", "ignore"] });
  closers.push(() => child.kill("SIGKILL"));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.once("data", (text: Buffer) => resolve(Number(text.toString())));
    child.once("exit", () => reject(new Error("it ended before it listened")));
  });
  return { port, child };
}

const server = (handler: string): string =>
  `const s = require("node:http").createServer({ keepAliveTimeout: 70_000 }, ${handler});
   s.listen(0, "127.0.0.1", () => console.log(s.address().port));`;

/** A port on which nothing listens. */
async function freePort(): Promise<number> {
  const port = await raw(() => {});
  await closers.pop()?.();
  return port;
}

/** A program behind a port on which nothing listens. Others take ports meanwhile: it may miss. */
async function programOnNextPort(): Promise<{ port: number; child: ChildProcess }> {
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    const body = server("(q, r) => r.end()").replace("listen(0", `listen(${port + 1}`);
    try {
      return { port, child: (await program(body)).child };
    } catch (error) {
      if (tries === PORT_TRIES) throw error;
    }
  }
}

const PORT_TRIES = 10;

function socketPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "doctor-"));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "app.sock");
}

describe("all is well", () => {
  it("says so, and ends with 0", async () => {
    const port = await http((_, res) => res.end("hello"));
    const { report, code } = await doctor(`http://127.0.0.1:${port}/`);
    expect(report.verdict).toMatchObject({ well: true, cause: null });
    expect(report.steps.map(({ result }) => result)).not.toContain("failed");
    expect(code).toBe(0);
  });

  it("warns of a keep-alive time below the pools in front, and ends with 1", async () => {
    const port = await raw((socket) => {
      socket.on("data", () =>
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nkeep-alive: timeout=5\r\n\r\nok"),
      );
    });
    const { report, code } = await doctor(`http://127.0.0.1:${port}/`);
    expect(report.verdict.well).toBe(true);
    expect(report.findings).toMatchObject([{ cause: "keep_alive_too_short", severity: "warning" }]);
    expect(code).toBe(1);
  });

  it("watches an idle connection when the server does not tell its time", async () => {
    const port = await raw((socket) => {
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
      let requests = 0;
      socket.on("data", () => {
        requests += 1;
        if (requests === 2) setTimeout(() => socket.destroy(), 300);
      });
    });
    // Longer than the connection lives, so the watch ends with it.
    const { report } = await doctor("--idle", "10000", `http://127.0.0.1:${port}/`);
    expect(report.findings).toMatchObject([{ cause: "keep_alive_too_short" }]);
  });

  it("warns of a head that is too large for nginx, and names the field", async () => {
    const port = await http((_, res) => res.setHeader("x-token", "t".repeat(5_000)).end());
    const { report } = await doctor(`http://127.0.0.1:${port}/`);
    expect(report.findings[0]).toMatchObject({
      cause: "head_large_for_fronts",
      evidence: [expect.stringContaining("x-token")],
    });
  });
});

describe("the name", () => {
  it("does not exist", async () => {
    expect(await verdict("http://nowhere.invalid/")).toMatchObject({
      layer: "resolve",
      blame: "proxy",
      cause: "name_does_not_exist",
    });
  });
});

describe("the connection", () => {
  it("is refused: nothing listens", async () => {
    expect(await verdict(`http://127.0.0.1:${await freePort()}/`)).toMatchObject({
      layer: "connect",
      code: "connection_refused",
    });
  });

  it("is refused: the application listens on the next port", async () => {
    const { port, child } = await programOnNextPort();
    expect(await verdict(`http://127.0.0.1:${port}/`)).toMatchObject({
      cause: "listens_on_other_port",
      blame: "upstream",
      title: expect.stringContaining(`pid ${child.pid}`),
    });
  });

  it("is refused: the application listens on the other family", async () => {
    const port = await raw(() => {}, { host: "127.0.0.1", port: 0 });
    expect(await verdict(`http://[::1]:${port}/`)).toMatchObject({
      cause: "listens_on_other_address",
      blame: "proxy",
    });
  });

  it("is refused: the socket file does not exist, and others do", async () => {
    const path = socketPath();
    await raw(() => {}, { path: `${path}.other` });
    expect(await verdict(`unix:${path}`)).toMatchObject({
      cause: "socket_path_wrong",
      title: expect.stringContaining(`${path}.other`),
    });
  });

  it("is refused: there is no socket at all", async () => {
    expect((await verdict(`unix:${socketPath()}`)).layer).toBe("connect");
  });

  it("is refused: the path is a plain file", async () => {
    const path = socketPath();
    writeFileSync(path, "");
    expect(await verdict(`unix:${path}`)).toMatchObject({ cause: "not_a_socket", blame: "proxy" });
  });

  it("is refused: the socket was left by a process that ended", async () => {
    const path = socketPath();
    const body =
      `const s = require("node:net").createServer().listen(${JSON.stringify(path)}, ` +
      "() => console.log(1))";
    const { child } = await program(body);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    expect(await verdict(`unix:${path}`)).toMatchObject({ cause: "socket_stale" });
  });
});

describe("TLS", () => {
  it("is asked of a plain port", async () => {
    const port = await http((_, res) => res.end());
    expect(await verdict(`https://127.0.0.1:${port}/`)).toMatchObject({
      layer: "secure",
      blame: "proxy",
      cause: "https_to_plain_port",
    });
  });

  it("is not answered on a connection that is accepted, for a reason unknown", async () => {
    const port = await raw(() => {});
    expect(await verdict(`https://127.0.0.1:${port}/`)).toMatchObject({
      layer: "secure",
      blame: "upstream",
      cause: "tls_unanswered",
      confidence: "possible",
    });
  });

  it("is not answered by a process that is stopped", async () => {
    const { port, child } = await program(server("(q, r) => r.end()"));
    child.kill("SIGSTOP");
    expect(await verdict(`https://127.0.0.1:${port}/`)).toMatchObject({
      layer: "process",
      blame: "upstream",
      cause: "process_stopped",
    });
  });

  it("is spoken by a port that plain HTTP is asked of", async () => {
    const port = await https(certificates.valid);
    expect(await verdict(`http://127.0.0.1:${port}/`)).toMatchObject({
      layer: "secure",
      blame: "proxy",
      cause: "http_to_tls_port",
    });
  });

  it.each([
    ["expired", "certificate_expired", "upstream"],
    ["notYetValid", "certificate_not_yet_valid", "proxy"],
    ["wrongName", "certificate_for_other_name", "proxy"],
    ["selfSigned", "certificate_self_signed", "proxy"],
    ["valid", "certificate_chain_incomplete", "proxy"],
  ] as const)(
    "has a certificate that is %s, of an authority that is not known",
    async (kind, cause, blame) => {
      const port = await https(certificates[kind]);
      expect(await verdict(`https://localhost:${port}/`)).toMatchObject({
        layer: "secure",
        cause,
        blame,
      });
    },
  );
});

describe("the answer", () => {
  it.each([
    ["is the banner of SSH", "SSH-2.0-x\r\n", "another_protocol", "proxy"],
    ["is no HTTP", "hello\r\n\r\n", "head_is_invalid", "upstream"],
    ["has an invalid line", "HTTP/1.1 200 OK\r\nbad line\r\n\r\n", "head_is_invalid", "upstream"],
    ["ends inside its head", "HTTP/1.1 200 OK\r\ncontent-le", "head_is_cut", "upstream"],
  ])("%s", async (_, bytes, cause, blame) => {
    const port = await raw(answering(bytes));
    expect(await verdict(`http://127.0.0.1:${port}/`)).toMatchObject({
      layer: "head",
      cause,
      blame,
    });
  });

  it("is only a close", async () => {
    const port = await raw((socket) => socket.once("data", () => socket.destroy()));
    expect(await verdict(`http://127.0.0.1:${port}/`)).toMatchObject({
      layer: "head",
      cause: "closes_without_answer",
      blame: "upstream",
    });
  });

  it("does not come", async () => {
    const port = await http(() => {});
    expect(await verdict(`http://127.0.0.1:${port}/`)).toMatchObject({
      layer: "head",
      cause: "application_is_slow",
    });
  });

  it("does not come on this route, while the health path answers", async () => {
    const port = await http((req, res) => req.url === "/healthz" && res.end("ok"));
    expect(await verdict(`http://127.0.0.1:${port}/slow`, "--health", "/healthz")).toMatchObject({
      cause: "route_is_slow",
      blame: "upstream",
    });
  });

  it("does not come from a process whose event loop hangs", async () => {
    const { port } = await program(server("() => { for (;;); }"));
    expect(await verdict(`http://127.0.0.1:${port}/`)).toMatchObject({
      layer: "process",
      cause: "event_loop_hangs",
    });
  });

  it("does not come from a process that is stopped", async () => {
    const { port, child } = await program(server("(q, r) => r.end()"));
    child.kill("SIGSTOP");
    expect(await verdict(`http://127.0.0.1:${port}/`)).toMatchObject({ cause: "process_stopped" });
  });

  it("does not come from a process that ends with the request", async () => {
    const { port } = await program(server("() => process.exit(1)"));
    expect(await verdict(`http://127.0.0.1:${port}/`)).toMatchObject({
      layer: "process",
      cause: "crashes_on_request",
    });
  });

  it("is shorter than its length", async () => {
    const port = await raw(answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"));
    expect(await verdict(`http://127.0.0.1:${port}/`)).toMatchObject({
      layer: "body",
      cause: "body_is_cut",
      blame: "upstream",
    });
  });

  it("stops inside its body", async () => {
    const port = await raw((socket) => {
      socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"));
    });
    const { report } = await doctor(`http://127.0.0.1:${port}/`);
    expect(report.verdict).toMatchObject({ layer: "body", cause: "body_stops" });
  }, 30_000);

  it("is an error of the application", async () => {
    const port = await http((_, res) => res.writeHead(500).end("oops"));
    expect(await verdict(`http://127.0.0.1:${port}/`)).toMatchObject({
      cause: "application_answers_error",
      blame: "upstream",
    });
  });

  it("is an error of a proxy in between", async () => {
    const port = await http((_, res) => res.writeHead(502, { server: "nginx/1.22.1" }).end());
    expect(await verdict(`http://127.0.0.1:${port}/`)).toMatchObject({
      cause: "front_answers_error",
    });
  });

  it("of the health path is a redirect", async () => {
    const port = await http((req, res) =>
      req.url === "/ready" ? res.writeHead(302, { location: "/login" }).end() : res.end(),
    );
    expect(await verdict(`http://127.0.0.1:${port}/`, "--health", "/ready")).toMatchObject({
      layer: "health",
      cause: "health_path_redirects",
    });
  });
});

describe("the command line", () => {
  it.each([
    [[], /needs an address/],
    [["ftp://x"], /write it like/],
    [["fastcgi://x"], /fastcgi:\/\/127\.0\.0\.1:9000/],
    [["http://x", "--health", "healthz"], /--health \/healthz/],
    [["http://x", "--timeout", "soon"], /milliseconds/],
    [["http://x", "--colour"], /colour/],
  ])("refuses %j with 2, and says what to write", async (args, message) => {
    const err: string[] = [];
    const code = await runCommand(["doctor", ...args], {
      stdin: Object.assign((async function* () {})(), { isTTY: true }),
      stdout: { write: () => {} },
      stderr: { write: (text: string) => err.push(text) },
      env: {},
    });
    expect(code).toBe(2);
    expect(err.join("")).toMatch(message);
  });
});
