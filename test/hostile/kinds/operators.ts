/**
 * What is for operators: pages that a web site reads through their browsers, ports that are kept
 * busy, and text that steers a terminal. No door is asked; they are the same behind all of them.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGateway, healthHandler, metricsHandler, startAdmin } from "good-gateway";
import { dashboard } from "good-gateway/dashboard";
import { expect } from "vitest";
import { runCommand } from "../../../src/cli/commands.js";
import type { Door } from "../../doors/door.js";
import type { HostileKind } from "../kind.js";
import { pause, sendParts } from "../tools/raw-bytes.js";

const once = ({ name }: Door): boolean => name === "nodeProxy";
/** Each answer ends its connection. */
const ANSWER_MS = 8_000;
const INSIDE = /serviceId|secret-orders|good_gateway_/;

function made() {
  return createGateway({
    name: "edge",
    upstreams: { "secret-orders": { targets: "http://127.0.0.1:9" } },
    onWarning: () => {},
  });
}

async function serving(listener: RequestListener, run: (port: number) => Promise<void>) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  try {
    await run((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const asks = (path: string, host: string, more = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${more}\r\n`;

export const OPERATOR_KINDS: readonly HostileKind[] = [
  {
    name: "a web site reads metrics, details and the dashboard under a name of its own",
    from: "web site",
    seen: "DNS rebinding",
    where: "admin port",
    at: once,
    async attempt() {
      const gateway = made();
      const handlers = [
        healthHandler(gateway, { verbose: "always" }),
        metricsHandler(gateway, { path: "/metrics" }),
        dashboard(gateway, { access: "any" }),
      ];
      const { port } = await startAdmin(gateway, { port: 0, handlers });
      for (const path of ["/readyz?verbose", "/metrics", "/state.json", "/snapshot.json"]) {
        for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example"]) {
          const { text } = await sendParts(port, [asks(path, host)], ANSWER_MS);
          expect(text, `${path} ${host}`).not.toMatch(INSIDE);
        }
        expect((await sendParts(port, [asks(path, "localhost")], ANSWER_MS)).text).toMatch(INSIDE);
      }
      gateway.close();
    },
  },
  {
    name: "a client of a proxy on the same machine that says nothing of itself",
    from: "client",
    where: "dashboard, health",
    at: once,
    async attempt() {
      const gateway = made();
      const page = dashboard(gateway);
      const health = healthHandler(gateway, { verbose: "local" });
      await serving(
        (req, res) => health(req, res, () => page(req, res, () => res.end())),
        async (port) => {
          for (const path of ["/readyz?verbose", "/state.json"]) {
            const { text } = await sendParts(port, [asks(path, "localhost")], ANSWER_MS);
            expect(text).not.toMatch(INSIDE);
          }
        },
      );
      gateway.close();
    },
  },
  {
    name: "silent connections, and heads that never end, keep probes from the admin port",
    from: "client",
    where: "admin port",
    at: once,
    async attempt() {
      const gateway = made();
      const { port } = await startAdmin(gateway, { port: 0 });
      const crowd = Array.from({ length: 250 }, (_, at) => {
        const socket = connect({ port, host: "127.0.0.1" }).on("error", () => {});
        socket.write(at % 2 === 0 ? "" : "GET /livez HTTP/1.1\r\nHost: ");
        return socket;
      });
      await pause(200);
      expect((await sendParts(port, [asks("/livez", "a")], ANSWER_MS)).statuses).toEqual([200]);
      for (const socket of crowd) socket.destroy();
      gateway.close();
    },
  },
  {
    name: "bytes that steer a terminal, in what the command line prints",
    from: "upstream",
    where: "explain, doctor, watch",
    at: once,
    async attempt() {
      const evil = "\x1b]0;evil\x07\x1b[2J\x9b31m\u202e\u200b";
      const out: string[] = [];
      const write = (text: string): number => out.push(text);
      const stdin = Object.assign((async function* () {})(), { isTTY: true });
      const world = { stdin, stdout: { write, columns: 80 }, stderr: { write }, env: {} };
      await serving(
        (_req, res) => {
          res.writeHead(502, { "x-evil": "\x9b31m", server: "\x9b2J" });
          res.end(evil);
        },
        async (port) => {
          await runCommand(["explain", `502 ${evil} connect ECONNREFUSED`], world as never);
          await runCommand(
            ["watch", `http://127.0.0.1:${port}/${encodeURI(evil)}`, "--once"],
            world as never,
          );
          await runCommand(["doctor", `http://127.0.0.1:${port}/`], world as never);
        },
      );
      expect(out.length).toBeGreaterThan(2);
      expect(out.join("")).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u200b]/);
    },
  },
  {
    name: "configurations that include themselves, double values, or name files by many stars",
    from: "upstream",
    where: "doctor",
    at: once,
    async attempt() {
      const folder = await mkdtemp(join(tmpdir(), "hostile-"));
      const doubled = (one: (at: number) => string): string =>
        Array.from({ length: 60 }, (_, at) => one(at)).join("\n");
      const nginx = (text: string): string =>
        `http {\n${text}\nserver {\nlisten 80;\nlocation / {\n` +
        "proxy_pass http://127.0.0.1:9;\n}\n}\n}\n";
      const texts: Readonly<Record<string, string>> = {
        "loop.conf": nginx(`include ${folder}/loop.conf;`),
        "sets.conf": nginx(doubled((at) => `map $uri $a${at + 1} {\ndefault $a${at}$a${at};\n}`)),
        "stars.conf": nginx(`include ${folder}/${"*e".repeat(25)}x;`),
        "endless.conf": nginx("include /dev/zero;"),
        "httpd.conf": `Include ${folder}/httpd.conf\nProxyPass / http://127.0.0.1:9/\n`,
        "defines.conf": `Define A0 x\n${doubled(
          (at) => `Define A${at + 1} \${A${at}}\${A${at}}`,
        )}\nProxyPass / http://\${A60}/\n`,
        "double.caddy": `${doubled(
          (at) => `(s${at + 1}) {\n import s${at}\n import s${at}\n}`,
        )}\n:80 {\n import s60\n reverse_proxy 127.0.0.1:9\n}\n`,
        ["e".repeat(200)]: "",
      };
      for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
      for (const name of Object.keys(texts).filter((one) => one.includes("."))) {
        const out: string[] = [];
        const write = (text: string): number => out.push(text);
        const stdin = Object.assign((async function* () {})(), { isTTY: true });
        const world = { stdin, stdout: { write, columns: 80 }, stderr: { write }, env: {} };
        const asked = ["doctor", join(folder, name), "--within", "5"];
        const code = await runCommand(asked, world as never);
        // A finding, and not the end of the command.
        expect([name, code, out.join("")]).toEqual([name, 1, expect.stringContaining("at fault")]);
      }
      await rm(folder, { recursive: true });
    },
  },
  {
    name: "methods, paths and hosts that make a metric grow without an end",
    from: "client",
    where: "metrics",
    at: once,
    async attempt() {
      const { NODE } = await import("../../doors/doors/node.js");
      const gateway = createGateway({
        name: "edge",
        upstreams: { app: { targets: "http://127.0.0.1:9", retry: false } },
        onWarning: () => {},
      });
      const metrics = metricsHandler(gateway);
      const opened = await NODE.open({ gateway, proxy: {}, fetch: {}, hpm: {} });
      await serving(metrics, async (port) => {
        for (let call = 0; call < 60; call += 1) {
          await opened.ask({ path: `/evil-${call}`, fields: { host: `evil-${call}.example` } });
        }
        const { text } = await sendParts(port, [asks("/", "localhost")], ANSWER_MS);
        expect(text).toMatch(/good_gateway_calls_total/);
        expect(text).not.toMatch(/evil/);
      });
      gateway.close();
      await opened.close();
    },
  },
];
