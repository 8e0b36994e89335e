/**
 * What a gateway makes of names and routes that do not work, played in namespaces of its own: to be
 * started under `unshare --net --mount`. Prints its rows as JSON; network.test.ts reads them.
 */
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeProxy } from "../../src/adapters/node.js";
import { FAILURES, type FailureCode } from "../../src/catalog/failures.js";
import { createGateway } from "../../src/gateway/gateway.js";
import type { Row } from "./row.js";

/** The address of one target, and what is done to this machine before. */
const SCENARIOS: Readonly<Record<string, readonly [target: string, route: string | null]>> = {
  "nothing listens on the port": ["http://127.0.0.1:9", null],
  "a blackhole route": ["http://10.66.0.1", "blackhole 10.66.0.1/32"],
  "a route that prohibits": ["http://10.66.0.2", "prohibit 10.66.0.2/32"],
  "a route that is unreachable": ["http://10.66.0.3", "unreachable 10.66.0.3/32"],
  "no route": ["http://10.66.0.4", null],
  "a name that does not exist": ["http://none.test", null],
  "a name that nobody answers": ["http://dead.test", null],
  "a name server that fails": ["http://failing.test", null],
};
const CALLS = 12;

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Has no records, fails for some names, and never answers others. */
async function nameServer(): Promise<void> {
  const file = join(tmpdir(), `servers-${process.pid}`);
  writeFileSync(file, "nameserver 127.0.0.66\n");
  execFileSync("mount", ["--bind", file, "/etc/resolv.conf"]);
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => {
    if (query.includes("dead")) return;
    const answer = Buffer.from(query.subarray(0, query.indexOf(0, 12) + 5));
    answer.writeUInt16BE(query.includes("failing") ? 0x81_82 : 0x81_83, 2);
    answer.fill(0, 6, 12);
    socket.send(answer, port, address);
  });
  socket.bind(53, "127.0.0.66");
  await once(socket, "listening");
}

interface Answer {
  readonly status: number;
  readonly code: string | null;
}

function ask(url: string, method: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, agent: false }, (answer) => {
      const told = /(?<![\w-])code=(\w+)/.exec(String(answer.headers["proxy-status"] ?? ""));
      answer.resume().once("end", () => {
        resolve({ status: answer.statusCode ?? 0, code: told?.[1] ?? null });
      });
    });
    asked.once("error", reject).end(method === "POST" ? "hello" : undefined);
  });
}

async function play(name: string, targets: 1 | 3, method: "GET" | "POST"): Promise<Row> {
  const [bad] = SCENARIOS[name] as readonly [string, string | null];
  let executed = 0;
  const apps = Array.from({ length: targets - 1 }, () =>
    createServer((_req, res) => {
      executed += 1;
      res.end("ok");
    }),
  );
  const well = await Promise.all(apps.map(listening));
  const gateway = createGateway({
    name: "edge",
    onWarning: () => {},
    upstreams: { app: { targets: [bad, ...well], timeouts: { connectMs: 500 } } },
  });
  const door = createServer(nodeProxy(gateway.upstream("app")));
  const url = await listening(door);
  const codes = new Set<FailureCode>();
  let attempts = 0;
  gateway.on("attempt:end", ({ attempt: { code } }) => {
    attempts += 1;
    if (code !== null) codes.add(code);
  });
  const calls = targets === 1 ? 1 : CALLS;
  const answers: Answer[] = [];
  for (let call = 0; call < calls; call += 1) answers.push(await ask(url, method));
  await gateway.close();
  for (const server of [door, ...apps]) server.close().closeAllConnections();
  const [code = null] = codes;
  return {
    ...{ scenario: name, targets, method, calls, attempts, executed, code },
    statuses: [...new Set(answers.map(({ status }) => status))],
    blame: code === null ? null : FAILURES[code].blame,
  };
}

execFileSync("ip", ["link", "set", "lo", "up"]);
for (const [, route] of Object.values(SCENARIOS)) {
  if (route !== null) execFileSync("ip", ["route", "add", ...route.split(" ")]);
}
await nameServer();
const rows: Row[] = [];
for (const name of Object.keys(SCENARIOS)) {
  for (const targets of [1, 3] as const) {
    for (const method of ["GET", "POST"] as const) rows.push(await play(name, targets, method));
  }
}
process.stdout.write(JSON.stringify(rows));
process.exit(0);
