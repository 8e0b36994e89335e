/**
 * What a probe can ask besides a path: gRPC of a real server, an agent, a program, and several at
 * once; and that nothing of it stays behind.
 */
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttp2, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer as createTcp, type Server as TcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { PROBE } from "../../../src/catalog/defaults.js";
import { parseTarget, type TargetInput } from "../../../src/targets/target.js";
import { refusingPort, testAuthority } from "../../../src/testing/index.js";
import { checkRequest, wrongIn } from "../../../src/transports/grpc-health.js";
import { type ProbeQuestion, probeTarget } from "../../../src/transports/probe.js";

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const QUESTION: ProbeQuestion = {
  path: null,
  timeoutMs: 10_000,
  statuses: [[200, 299]],
  body: null,
  userAgent: "good-gateway-probe (test)",
  allowH2: false,
};

function begin(target: string | TargetInput, question: Partial<ProbeQuestion>) {
  const results: unknown[][] = [];
  let done = (): void => {};
  const whenDone = new Promise<void>((resolve) => {
    done = resolve;
  });
  const asked = { ...QUESTION, ...question };
  const running = probeTarget(systemClock, parseTarget(target), asked, (...result) => {
    results.push(result.filter((one) => one !== undefined));
    done();
  });
  return { results, whenDone, cancel: () => running.cancel() };
}

/** What was wrong, and what an agent said where one did. */
async function ask(target: string | TargetInput, question: Partial<ProbeQuestion>) {
  const { results, whenDone } = begin(target, question);
  await whenDone;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(results).toHaveLength(1);
  return results[0];
}

async function listening(server: TcpServer): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

/** Services by name, with their status; others are not found. Written by another hand than ours. */
async function grpcServer(
  services: Readonly<Record<string, number>>,
  credentials = ServerCredentials.createInsecure(),
) {
  const server = new Server();
  const asked: string[] = [];
  const requestDeserialize = (bytes: Buffer) => ({ service: bytes.subarray(2).toString() });
  const responseSerialize = (is: number): Buffer => Buffer.from(is === 0 ? [] : [8, is]);
  const check = {
    path: "/grpc.health.v1.Health/Check",
    ...{ requestStream: false, responseStream: false, requestDeserialize, responseSerialize },
    ...{ requestSerialize: Buffer.from, responseDeserialize: (bytes: Buffer) => bytes[1] },
  };
  server.addService({ check } as never, {
    check: (
      { request: { service } }: { request: { service: string } },
      answer: (error: object | null, status?: number) => void,
    ): void => {
      asked.push(service);
      const is = services[service];
      if (is === undefined) answer({ code: status.NOT_FOUND, details: "unknown" });
      else answer(null, is);
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  closing.push(() => server.forceShutdown());
  return { port, asked };
}

describe("a probe by the gRPC health protocol", () => {
  it("asks a real server, for itself or for a service", async () => {
    const { port, asked } = await grpcServer({ "": 1, "a.Ill": 2, "a.New": 0, "a.Odd": 9 });
    const url = `http://127.0.0.1:${port}`;
    expect(await ask(url, { grpc: "" })).toEqual([null]);
    expect(await ask(url, { grpc: "a.Ill" })).toEqual(["gRPC: NOT_SERVING"]);
    expect(await ask(url, { grpc: "a.New" })).toEqual(["gRPC: UNKNOWN"]);
    expect(await ask(url, { grpc: "a.Odd" })).toEqual(["gRPC: status 9"]);
    const unknown = ["grpc-status 5 (NOT_FOUND: it knows no such service)"];
    expect(await ask(url, { grpc: "a.Other" })).toEqual(unknown);
    expect(asked).toEqual(["", "a.Ill", "a.New", "a.Odd", "a.Other"]);
  });

  it("asks over TLS, and names a target that has no HTTP/2", async () => {
    const { ca, issue } = testAuthority();
    const { key, cert } = issue();
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) };
    const { port } = await grpcServer({ "": 1 }, ServerCredentials.createSsl(null, [pair]));
    const url = `https://127.0.0.1:${port}`;
    expect(await ask({ url, tls: { ca } }, { grpc: "" })).toEqual([null]);
    const plain = await listening(createHttp((_req, res) => res.end()));
    const [wrong] = (await ask(`http://127.0.0.1:${plain}`, { grpc: "" })) ?? [];
    expect(wrong).toMatch(/^(?:ERR_HTTP2|ECONNRESET|the )/);
  });

  it.each([
    ["no such service", { ":status": 200, "grpc-status": "12" }, null, "grpc-status 12"],
    ["an answer of HTTP", { ":status": 404 }, null, "status 404"],
    ["a page", { ":status": 200, "content-type": "text/html" }, "<p>", "not gRPC"],
    ["no trailers", { ":status": 200, "content-type": "application/grpc" }, "", "no grpc-status"],
  ])("%s is told", async (_name, head, body, wrong) => {
    const server = createHttp2().on("stream", (stream: ServerHttp2Stream) => {
      stream.on("error", () => {});
      stream.respond(head, { endStream: body === null });
      if (body !== null) stream.end(body);
    });
    const port = await listening(server as unknown as TcpServer);
    const [said] = (await ask(`http://127.0.0.1:${port}`, { grpc: "" })) ?? [];
    expect(said).toContain(wrong);
  });

  it("writes and reads both messages, whatever else is in them", () => {
    expect(checkRequest("").toString("hex")).toBe("0000000000");
    expect(checkRequest("ab").toString("hex")).toBe("00000000040a026162");
    const long = checkRequest("x".repeat(200));
    expect(long.subarray(0, 8).toString("hex")).toBe("00000000cb0ac801");
    const answer = (hex: string) => {
      const message = Buffer.from(hex, "hex");
      return wrongIn(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
    };
    expect(answer("0801")).toBeNull();
    // A text, eight bytes, four bytes and a large number that came with a later version.
    expect(answer("12026869190102030405060708250102030428ffffffff0f0801")).toBeNull();
    expect(answer("")).toBe("gRPC: UNKNOWN");
    for (const cut of ["08", "0880", "12ff01", "0b", "19010203"]) {
      expect(answer(cut), cut).toBe("gRPC: not a HealthCheckResponse");
    }
    expect(wrongIn(Buffer.from([0, 0, 0, 0, 9, 8, 1]))).toBe("gRPC: a short message");
    expect(wrongIn(Buffer.from([1, 0, 0, 0, 0]))).toBe("gRPC: a compressed message");
  });
});

describe("a probe that asks an agent", () => {
  async function agent(says: string, ends = true): Promise<number> {
    return listening(
      createTcp((socket) => {
        socket.on("error", () => {});
        if (ends) socket.end(says);
        else socket.write(says);
      }),
    );
  }

  it.each([
    ["up\n", [null, "ready"]],
    ["75%\r\n", [null, 0.75]],
    ["ready 30%\n", [null, 0.3]],
    ["drain\n", ['the agent said "drain"', "draining"]],
    ["down #disk full\n", ['the agent said "down #disk full"', "unhealthy"]],
    ["hm\n", ['the agent said "hm"', "nothing"]],
    ["", ['the agent said ""', "nothing"]],
  ])("takes its word %j", async (says, result) => {
    const port = await agent(says);
    // The target itself is not asked: nothing listens there.
    const url = `http://127.0.0.1:${await refusingPort()}`;
    expect(await ask(url, { agent: true, port })).toEqual(result);
  });

  it("does not wait for the end of a line that is over, nor for one that never is", async () => {
    const url = "http://127.0.0.1:1";
    expect(await ask(url, { agent: true, port: await agent("up\n", false) })).toEqual([
      null,
      "ready",
    ]);
    const endless = await agent("x".repeat(2 * PROBE.agentBytesMax), false);
    expect((await ask(url, { agent: true, port: endless }))?.[1]).toBe("nothing");
    const silent = await agent("", false);
    expect(await ask(url, { agent: true, port: silent, timeoutMs: 30 })).toEqual([
      "no answer within 30 ms",
      "nothing",
    ]);
    expect(await ask(url, { agent: true, port: await refusingPort() })).toEqual([
      "ECONNREFUSED",
      "nothing",
    ]);
  });

  it("speaks for a target of a Unix socket from a port of this machine", async () => {
    const port = await agent("50%\n");
    expect(await ask("unix:/run/none.sock", { agent: true, port })).toEqual([null, 0.5]);
  });
});

describe("a probe that runs a program", () => {
  const URL_OF_IT = "http://10.1.2.3:8080/api";
  const node = (script: string): readonly string[] => [process.execPath, "-e", script];

  it("goes by its exit code, and tells the first line that it wrote", async () => {
    expect(await ask(URL_OF_IT, { command: node("") })).toEqual([null]);
    const ill = node("console.error('queue is full\\nmore'); process.exit(3)");
    expect(await ask(URL_OF_IT, { command: ill })).toEqual(["exit code 3: queue is full"]);
    const [missing] = (await ask(URL_OF_IT, { command: ["/nowhere/check"] })) ?? [];
    expect(missing).toBe("the command cannot be started: ENOENT");
    const killed = node("process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 60_000)");
    expect(await ask(URL_OF_IT, { command: killed })).toEqual(["ended by SIGTERM"]);
  });

  it("says which target it is about, and no shell reads it", async () => {
    const out = join(mkdtempSync(join(tmpdir(), "probe-")), "seen");
    const script = `const { TARGET_URL, TARGET_HOST, TARGET_PORT } = process.env;
      require("fs").writeFileSync(process.argv[1],
        JSON.stringify([TARGET_URL, TARGET_HOST, TARGET_PORT, process.argv[2]]))`;
    const command = [...node(script), out, "$(id); `id`"];
    expect(await ask(URL_OF_IT, { command })).toEqual([null]);
    const seen = JSON.parse(readFileSync(out, "utf8"));
    expect(seen).toEqual([URL_OF_IT, "10.1.2.3", "8080", "$(id); `id`"]);
  });

  it("ends with all that it has started, late or cancelled", async () => {
    const out = join(mkdtempSync(join(tmpdir(), "probe-")), "pids");
    const script = `const { pid } = require("child_process").spawn(process.execPath,
        ["-e", "setTimeout(() => {}, 60_000)"], { stdio: "inherit" });
      require("fs").writeFileSync(process.argv[1], process.pid + " " + pid);
      setTimeout(() => {}, 60_000)`;
    const gone = async (): Promise<void> => {
      const pids = readFileSync(out, "utf8").split(" ").map(Number);
      expect(pids).toHaveLength(2);
      for (const pid of pids) await expect.poll(() => isRunning(pid)).toBe(false);
    };
    const { cancel, results, whenDone } = begin(URL_OF_IT, { command: [...node(script), out] });
    await expect.poll(() => sizeOf(out), { timeout: 20_000 }).toBeGreaterThan(0);
    cancel();
    await gone();
    expect(results).toEqual([]);
    writeFileSync(out, "");
    const slow = begin(URL_OF_IT, { command: [...node(script), out], timeoutMs: 3_000 });
    await Promise.race([whenDone, slow.whenDone]);
    expect(slow.results).toEqual([["no answer within 3000 ms"]]);
    if (sizeOf(out) > 0) await gone();
  });

  it("runs a few at once; the others wait, and waiting is not counted as their time", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "probe-")), "log");
    writeFileSync(file, "");
    const script = `const { appendFileSync } = require("fs");
      appendFileSync(process.argv[1], "+"); setTimeout(() => {
        appendFileSync(process.argv[1], "-"); }, 100)`;
    const all = Array.from({ length: 3 * PROBE.commandsMax }, () =>
      ask(URL_OF_IT, { command: [...node(script), file] }),
    );
    const waiting = begin(URL_OF_IT, { command: node("process.exit(9)") });
    waiting.cancel();
    expect(await Promise.all(all)).toEqual(all.map(() => [null]));
    let running = 0;
    let most = 0;
    for (const sign of readFileSync(file, "utf8")) {
      running += sign === "+" ? 1 : -1;
      most = Math.max(most, running);
    }
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(PROBE.commandsMax);
    expect(waiting.results).toEqual([]);
    // Every place was given back.
    expect(await ask(URL_OF_IT, { command: node("") })).toEqual([null]);
  });

  it("writes as much as it likes", async () => {
    const loud = node("process.stdout.write('x'.repeat(3_000_000)); process.exitCode = 1");
    const [wrong] = (await ask(URL_OF_IT, { command: loud })) ?? [];
    expect(wrong).toBe(`exit code 1: ${"x".repeat(200)}`);
  });
});

describe("several checks of one target", () => {
  const check = (name: string, path: string) => ({
    ...{ name, path, statuses: QUESTION.statuses, body: null },
  });

  async function server(listener: RequestListener): Promise<string> {
    return `http://127.0.0.1:${await listening(createHttp(listener))}`;
  }

  it("all have to pass; the one that fails is named", async () => {
    const ill = new Set<string>();
    const seen: string[] = [];
    const url = await server((req, res) => {
      seen.push(String(req.url));
      res.writeHead(ill.has(String(req.url)) ? 503 : 200).end();
    });
    const checks = [check("database", "/db"), check("cache", "/cache")];
    expect(await ask(url, { path: "/up", checks })).toEqual([null]);
    expect([...seen].sort()).toEqual(["/cache", "/db", "/up"]);
    ill.add("/cache");
    expect(await ask(url, { path: "/up", checks })).toEqual(["cache: status 503"]);
    ill.add("/up").delete("/cache");
    expect(await ask(url, { path: "/up", checks })).toEqual(["status 503"]);
    expect(await ask(url, { checks, onlyChecks: true })).toEqual([null]);
  });

  it("those that wait are cut when one has failed, or all are cancelled", async () => {
    let open = 0;
    const url = await server((req, res) => {
      if (req.url === "/ill") return void res.writeHead(500).end();
      open += 1;
      res.on("close", () => {
        open -= 1;
      });
    });
    const slow = check("slow", "/slow");
    expect(await ask(url, { checks: [slow, check("ill", "/ill")], onlyChecks: true })).toEqual([
      "ill: status 500",
    ]);
    await expect.poll(() => open).toBe(0);
    const { cancel, results } = begin(url, { checks: [slow, slow], onlyChecks: true });
    await expect.poll(() => open).toBe(2);
    cancel();
    await expect.poll(() => open).toBe(0);
    expect(results).toEqual([]);
  });

  it.each([
    ["40%", 200, [null, 0.4]],
    ["up", 200, [null, "ready"]],
    ["maint", 200, ['agent: the agent said "maint"', "draining"]],
    ["what", 200, [null]],
    ["40%", 500, ["status 500"]],
    ["maint", 500, ["status 500"]],
  ])("an agent that says %j beside a status %i comes to %j", async (says, is, result) => {
    const url = await server((_req, res) => res.writeHead(is).end());
    const port = await listening(createTcp((socket) => socket.end(`${says}\n`)));
    const agent = { ...check("agent", ""), path: null, agent: true, port };
    expect(await ask(url, { path: "/", checks: [agent] })).toEqual(result);
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process that nobody has waited for yet is a name without a process.
    return !/^\S+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

function sizeOf(path: string): number {
  try {
    return readFileSync(path).length;
  } catch {
    return 0;
  }
}
