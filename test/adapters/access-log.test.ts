/** One line for each call: fields for a logger, and texts that tools for nginx and HAProxy read. */
import { type AccessLogOptions, accessLog, type CallRecord } from "good-gateway";
import { accept, ok } from "good-gateway/testing";
import pino from "pino";
import { describe, expect, it } from "vitest";
import { exchange, get } from "./raw-client.js";
import { PROXY_SERVERS } from "./servers.js";
import { inWorld, type WorldOptions } from "./world.js";

const serve = PROXY_SERVERS["node:http"] as (typeof PROXY_SERVERS)[string];
const LOST = accept().readHead().close();
const PLAIN = accept().readHead().send(ok("hello"));
const REPEATED: WorldOptions = { scripts: [LOST, PLAIN], settings: { retry: { attemptsMax: 2 } } };
const AGENT = { "user-agent": 'curl "8"\t', referer: "http://a.example/b?secret" };

/** The lines of one call, as these options write them. */
async function linesOf(
  options: AccessLogOptions,
  world: WorldOptions = REPEATED,
  path = "/a?secret=1",
  fields: Readonly<Record<string, string>> = AGENT,
): Promise<readonly string[]> {
  const lines: string[] = [];
  await inWorld(serve, world, async ({ port, gateway }) => {
    accessLog(gateway, { ...options, write: (line) => lines.push(line) });
    const over = new Promise<CallRecord>((resolve) => void gateway.once("call:end", resolve));
    await exchange(port, get(path, fields));
    await over;
  });
  return lines;
}

describe("texts", () => {
  it("json has the fields, flat, without what says nothing", async () => {
    const [line = ""] = await linesOf({});
    const fields = JSON.parse(line) as Record<string, unknown>;
    expect(fields).toMatchObject({
      ...{ upstream: "app", kind: "proxy", method: "GET", path: "/a", status: 200 },
      ...{ attempts: 2, results: "connection_terminated,ok", bytesOut: 5, clientEnd: "complete" },
      ...{ host: "shop.example", referer: "http://a.example/b", httpVersion: "1.1" },
    });
    expect(fields["time"]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(fields).not.toHaveProperty("code");
    expect(line).not.toContain("secret");
  });

  it("combined is that of nginx, and quotes cannot end a part of it", async () => {
    const [line = ""] = await linesOf({ format: "combined" });
    const time = String.raw`\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]`;
    expect(line).toMatch(
      new RegExp(
        String.raw`^127\.0\.0\.1 - - ${time} "GET /a HTTP/1\.1" 200 5 ` +
          String.raw`"http://a\.example/b" "curl \\x228\\x22"$`,
      ),
    );
  });

  it("nginx adds every attempt, as its upstream variables do", async () => {
    const [line = ""] = await linesOf({ format: "nginx" });
    expect(line).toMatch(/ rt=[\d.]+ uct="[\d.]+, [\d.]+" .* us="-, 200"$/);
    expect(line).toMatch(/ ua="127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+" /);
  });

  it("haproxy has its timers, its termination state and the repeats", async () => {
    const [good = ""] = await linesOf({ format: "haproxy" });
    const [client, , frontend, server, timers, ...rest] = good.split(" ");
    expect([client, frontend]).toEqual(["127.0.0.1:0", "good-gateway"]);
    expect(server).toMatch(/^app\/127\.0\.0\.1:\d+$/);
    expect(timers).toMatch(/^0\/\d+\/\d+\/\d+\/\d+$/);
    expect(rest.join(" ")).toBe('200 5 - - ---- 0/0/0/0/1 0/0 "GET /a HTTP/1.1"');
    const [refused = ""] = await linesOf({ format: "haproxy" }, { scripts: null });
    expect(refused).toContain(" 502 ");
    expect(refused).toContain(" SC-- ");
    const [hung = ""] = await linesOf({ format: "haproxy" }, { scripts: [LOST] });
    expect(hung).toContain(" SH-- ");
  });

  it("may be made by a function, and a token in a path is not written", async () => {
    const path = "/reset/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln";
    const world: WorldOptions = { scripts: [PLAIN] };
    const format = (record: CallRecord) => `${record.path} ${record.status}`;
    expect(await linesOf({ format }, world, path)).toEqual(["/reset/[token] 200"]);
  });
});

describe("what is logged", () => {
  it("of good calls is the share that was asked for; failures always are", async () => {
    expect(await linesOf({ sample: 0 })).toEqual([]);
    expect(await linesOf({ sample: 0 }, { scripts: null })).toHaveLength(1);
  });

  it("has passed redact, which may leave a call out", async () => {
    const redact = (record: CallRecord) => ({ ...record, path: "/…", client: null });
    const [line = ""] = await linesOf({ redact });
    expect(JSON.parse(line)).toMatchObject({ path: "/…" });
    expect(line).not.toContain("remoteAddress");
    expect(await linesOf({ redact: () => null })).toEqual([]);
  });

  it("goes to pino by level, with the fields and a message", async () => {
    const lines: string[] = [];
    const logger = pino({ base: null }, { write: (line) => void lines.push(line) });
    for (const world of [{ scripts: [PLAIN] }, { scripts: null }] satisfies WorldOptions[]) {
      await inWorld(serve, world, async ({ port, gateway }) => {
        const stop = accessLog(gateway, logger);
        const over = new Promise<CallRecord>((resolve) => void gateway.once("call:end", resolve));
        await exchange(port, get("/a"));
        await over;
        stop();
      });
    }
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { level: 30, msg: "GET /a 200 ok", status: 200 },
      { level: 50, msg: "GET /a 502 connection_refused", blame: "upstream" },
    ]);
  });

  it.each([
    [{ format: "apache" }, 'format: "apache" is not known; there are json, combined'],
    [{ sample: 2 }, "sample: 2 is not a share from 0 to 1"],
    [{ logger: {} }, "logger: expected one with info, warn and error"],
    [{ sampling: 1 }, "sampling: unknown option; there are logger"],
  ])("%j is told what is wrong", async (options, problem) => {
    await inWorld(serve, { scripts: [] }, async ({ gateway }) => {
      expect(() => accessLog(gateway, options as AccessLogOptions)).toThrow(problem);
    });
  });
});
