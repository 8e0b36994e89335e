/**
 * The snippets of the README run as printed, in a process of their own against the built package;
 * only the ports are others. What counts is that a request reaches the upstream and comes back.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildQuick } from "./tools/build-quick.mjs";
import { type Snippet, snippetsOf } from "./tools/docs-snippets.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const README_BYTES_MAX = 10_240;
/** A build and a few processes of Node take their time on a busy machine. */
const PROCESSES_MS = 60_000;
const LOOK_AGAIN_MS = 50;

const text = readFileSync(`${ROOT}README.md`, "utf8");
const snippets = snippetsOf({ path: "README.md", text }).filter(
  ({ language }) => language === "ts",
);
const asked: string[] = [];
let upstream: Server;

beforeAll(async () => {
  await buildQuick();
  upstream = createServer((req, res) => {
    asked.push(req.url ?? "");
    res.end("seven");
  }).listen(0, "127.0.0.1");
  await once(upstream, "listening");
}, PROCESSES_MS);
afterAll(() => upstream.close());

describe("the README", { timeout: PROCESSES_MS }, () => {
  it("is short enough to be read", () => {
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(README_BYTES_MAX);
  });

  it("has snippets that serve, and one that fetches", () => {
    expect(snippets.filter(serves).length).toBeGreaterThan(2);
    expect(snippets.filter((one) => !serves(one)).length).toBeGreaterThan(0);
  });

  it.each(snippets.filter(serves))("$place serves what the upstream answers", async ({ code }) => {
    const port = await freePort();
    const child = run(withPorts(code, port));
    try {
      const [, prefix = ""] = /"(\/api)"/.exec(code) ?? [];
      const answer = await answered(child, `http://127.0.0.1:${port}${prefix}/orders/7`);
      expect(answer).toBe("seven");
      expect(asked.at(-1)).toBe("/orders/7");
    } finally {
      child.kill("SIGKILL");
    }
  });

  it.each(snippets.filter((one) => !serves(one)))("$place fetches", async ({ code }) => {
    const child = run(withPorts(code, 0));
    const printed: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => printed.push(chunk));
    await once(child.stdout as NodeJS.ReadableStream, "end");
    child.kill("SIGKILL");
    expect(Buffer.concat(printed).toString()).toBe("200 seven\n");
    expect(asked.at(-1)).toBe("/orders/7");
  });
});

function serves({ code }: Snippet): boolean {
  return code.includes("listen(");
}

function withPorts(code: string, port: number): string {
  const { port: upstreamPort } = upstream.address() as AddressInfo;
  return code
    .replaceAll("127.0.0.1:3000", `127.0.0.1:${upstreamPort}`)
    .replaceAll("8080", `${port}`);
}

function run(code: string): ChildProcess {
  const args = ["--input-type=module", "--eval", code];
  return spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
}

/** The answer, once it listens. */
async function answered(child: ChildProcess, url: string): Promise<string> {
  for (;;) {
    try {
      return await (await fetch(url)).text();
    } catch (error) {
      if (child.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
