/**
 * The cases of request smuggling side by side: what this gateway, nginx and HAProxy let through,
 * each as Debian ships it and with its usual settings for WebSockets.
 *
 * The bar is for ours: one well-formed request or none. Of the others it is written down what they
 * do, in docs/smuggling.md, by `npm run docs:smuggling`.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createGateway } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { SMUGGLING } from "../gallery/smuggling/cases.js";
import { complaints, type LetThrough, recorder, runCases } from "../gallery/smuggling/run-cases.js";
import { table } from "../tools/docs-pages.js";
import { ROOT } from "../tools/source-files.js";
import { startHaproxy } from "./tools/haproxy.js";
import { startNginx } from "./tools/nginx.js";
import { endProcesses } from "./tools/processes.js";
import { describeWith, programPath } from "./tools/programs.js";

const PAGE = `${ROOT}docs/smuggling.md`;

interface Running {
  readonly port: number;
  stop(): Promise<void> | void;
}

const PROXIES: Readonly<Record<string, (upstreamPort: number) => Promise<Running>>> = {
  "good-gateway": startOurs,
  nginx: (upstreamPort) => startNginx({ http: nginxConfiguration(upstreamPort) }),
  haproxy: startHaproxy,
};

async function startOurs(upstreamPort: number): Promise<Running> {
  const gateway = createGateway({
    name: "edge",
    upstreams: { app: { targets: `http://127.0.0.1:${upstreamPort}`, breaker: false } },
    onWarning: () => {},
  });
  const proxy = nodeProxy(gateway.upstream("app"));
  const server = createServer(proxy);
  server.on("upgrade", proxy.upgrade).on("clientError", proxy.clientError);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      gateway.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

function nginxConfiguration(upstreamPort: number): string {
  return [
    "map $http_upgrade $connection_upgrade { default upgrade; '' close; }",
    "server {",
    "  listen 127.0.0.1:$port;",
    "  location / {",
    `    proxy_pass http://127.0.0.1:${upstreamPort};`,
    "    proxy_http_version 1.1;",
    "    proxy_set_header Host $host;",
    "    proxy_set_header Upgrade $http_upgrade;",
    "    proxy_set_header Connection $connection_upgrade;",
    "  }",
    "}",
  ].join("\n");
}

const results = new Map<string, readonly LetThrough[]>();

async function runAgainst(name: string): Promise<void> {
  const upstream = await recorder();
  const running = await (PROXIES[name] as (typeof PROXIES)[string])(upstream.port);
  results.set(name, await runCases(running.port, upstream));
  await running.stop();
  await upstream.close();
}

describeWith(["nginx", "haproxy"], "what reaches the upstream of a smuggling case", () => {
  beforeAll(async () => {
    for (const name of Object.keys(PROXIES)) await runAgainst(name);
    if (process.env["UPDATE_DOCS"] === "1") writeFileSync(PAGE, page());
  });
  afterAll(() => endProcesses());

  it("is one well-formed request or none through this gateway, for every case", () => {
    const ours = results.get("good-gateway") ?? [];
    const wrong = SMUGGLING.map((one, index) => ({
      name: `${one.group}: ${one.name}`,
      found: complaints(one, ours[index] as LetThrough),
    }));
    expect(wrong.filter(({ found }) => found.length > 0)).toEqual([]);
  });

  it("was compared with proxies that serve", () => {
    for (const [name, through] of results) {
      expect(through.filter(({ requests }) => requests === 1).length, name).toBeGreaterThan(20);
    }
  });

  it("is written down for every case, and ours is as it is written", () => {
    const ours = (text: string): string[] => text.split("\n").map((row) => columns(row, 3));
    expect(ours(readFileSync(PAGE, "utf8")).filter(isRow), "npm run docs:smuggling").toEqual(
      ours(page()).filter(isRow),
    );
  });
});

/** Other versions of the other proxies may do otherwise; their columns are not compared. */
function columns(row: string, count: number): string {
  return row.split(/(?<!\\)\|/, count + 1).join("|");
}

function isRow(row: string): boolean {
  return row.startsWith("| ");
}

function cell(through: LetThrough | undefined, index: number): string {
  const one = SMUGGLING[index];
  if (through === undefined || one === undefined) return "";
  const { problems, requests, status } = through;
  if (problems.length > 0) return `**${problems.join(", ")}**`;
  if (requests > (one.requests ?? 1)) return `**${requests} requests**`;
  if (requests === 0 && through.partial) return "never whole";
  if (requests === 0) return status === null ? "none, closed" : `none, ${status}`;
  return requests === 1 ? "one" : `${requests}, as sent`;
}

function versionOf(program: string): string {
  const { stdout, stderr } = spawnSync(programPath(program) as string, ["-v"]);
  const text = `${stdout}${stderr}`;
  return /version:? (?:nginx\/)?([\d.]+)/.exec(text)?.[1] ?? "";
}

function page(): string {
  const names = [...results.keys()];
  const rows = SMUGGLING.map(({ group, name }, index) => [
    group,
    name,
    ...names.map((proxy) => cell(results.get(proxy)?.[index], index)),
  ]);
  return `${[
    "# Request smuggling, case by case",
    "",
    "What an upstream receives of requests that two readers could take for different ones. *One*",
    "is a request that a strict reader of RFC 9112 finds well-formed, *none* comes with the status",
    "that the client got, **bold** is what such a reader would not take, or more than was asked",
    `for. Made by \`npm run docs:smuggling\` with nginx ${versionOf("nginx")} and`,
    `HAProxy ${versionOf("haproxy")} from Debian; the bytes of each case stand in`,
    "`test/gallery/smuggling/cases.ts`. Why it matters, and what else is done, is in",
    "[security](security.md).",
    "",
    table(["about", "case", ...names], rows),
    "",
  ].join("\n")}`;
}
