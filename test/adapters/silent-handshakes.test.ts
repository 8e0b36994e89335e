/**
 * Targets that accept a connection and then do nothing: no TLS, no HTTP/2. Host and port can be
 * reached, so that their names and their blame are not those of a connection that was never made.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttp, request } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from "node:net";
import { createServer as createTls } from "node:tls";
import { createGateway, type UpstreamOptions } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { nodeProxy } from "good-gateway/node";
import { silentListener, testCertificates } from "good-gateway/testing";
import { afterEach, expect, it } from "vitest";
import { playFairly } from "../gallery/tools/starving.js";
import { eventually } from "../gallery/tools/world.js";

const { valid, ca } = testCertificates();
const TIMEOUTS = { connectMs: 300, responseMs: 20_000, totalMs: 30_000 } as const;
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => void sockets.add(socket.on("error", () => {})));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const overTls = (port: number) => ({ url: `https://127.0.0.1:${port}`, tls: { ca } });

function asking(targets: UpstreamOptions["targets"], options: Partial<UpstreamOptions> = {}) {
  const app = { targets, timeouts: TIMEOUTS, retry: false, ...options } as UpstreamOptions;
  const gateway = createGateway({ name: "edge", upstreams: { app }, onWarning: () => {} });
  cleanUps.push(() => gateway.close());
  const fetching = gatewayFetch(gateway.upstream("app"));
  const failureOf = (path = "/") =>
    fetching(path).then(
      ({ status }) => status,
      ({ code, failure, status }) => ({ code, status, written: failure.written ?? false }),
    );
  return { gateway, fetching, failureOf };
}

/** Plays again what this process had no time for. */
function fairly<Shown>(play: (patience: number) => Promise<Shown>): Promise<Shown> {
  return playFairly(play, (shown) => JSON.stringify(shown).includes("event_loop_stalled"));
}

/** One for each way in which a target can accept and then be silent. */
const SILENCES = {
  "TLS, with HTTP/1.1": async () => {
    const { port, close } = await silentListener();
    cleanUps.push(close);
    return { targets: overTls(port), options: {}, code: "tls_handshake_timeout" };
  },
  "TLS, with HTTP/2": async () => {
    const { port, close } = await silentListener();
    cleanUps.push(close);
    return { targets: overTls(port), options: { allowH2: true }, code: "tls_handshake_timeout" };
  },
  "TLS that was answered in part": async () => {
    // A record of a ServerHello that does not end.
    const part = Buffer.from([0x16, 3, 3, 0, 0x7a, 2, 0, 0, 0x76, 3, 3]);
    const port = await listening(
      createTcp((socket) => socket.once("data", () => socket.write(part))),
    );
    return { targets: overTls(port), options: {}, code: "tls_handshake_timeout" };
  },
  "HTTP/2 behind TLS": async () => {
    const port = await listening(createTls({ ...valid, ALPNProtocols: ["h2"] }));
    return { targets: overTls(port), options: { allowH2: true }, code: "http2_preface_timeout" };
  },
  "HTTP/2 without TLS": async () => {
    const { origin, close } = await silentListener();
    cleanUps.push(close);
    return { targets: origin, options: { allowH2: "h2c" }, code: "http2_preface_timeout" };
  },
} as const;

it.each(Object.entries(SILENCES))("%s: all calls get its name", async (_name, silence) => {
  const { targets, options, code } = await silence();
  const wanted = { code, status: 504, written: false };
  const shown = await fairly(async (patience) => {
    const timeouts = { ...TIMEOUTS, connectMs: TIMEOUTS.connectMs * patience };
    const given = { ...options, timeouts } as Partial<UpstreamOptions>;
    const { failureOf, gateway } = asking(targets, given);
    // Those behind it wait for the connection that the first one opens.
    const together = [failureOf(), failureOf(), failureOf()];
    await eventually("all are there", () => gateway.upstream("app").targets[0]?.pending === 3);
    return Promise.all(together);
  });
  expect(shown).toEqual([wanted, wanted, wanted]);
});

it("calls that come when HTTP/2 is awaited already are not said to wait for a place", async () => {
  const { origin, close, connections } = await silentListener();
  cleanUps.push(close);
  const both = await fairly(async () => {
    const { failureOf } = asking(origin, { allowH2: "h2c" });
    const before = connections();
    const first = failureOf();
    await eventually("it is accepted", () => connections() > before);
    // The kernel has told this side, too.
    await new Promise((resolve) => setTimeout(resolve, 20));
    return Promise.all([first, failureOf()]);
  });
  expect(both).toMatchObject([
    { code: "http2_preface_timeout" },
    { code: "http2_preface_timeout" },
  ]);
});

it("calls that wait for a place on a connection are not said to wait for HTTP/2", async () => {
  const server = createHttp2({ settings: { maxConcurrentStreams: 1 } });
  server.on("stream", (stream) => void stream.on("error", () => {}));
  const origin = `http://127.0.0.1:${await listening(server as unknown as Server)}`;
  const { failureOf, fetching } = asking(origin, {
    allowH2: "h2c",
    limits: { connectionsMax: 1 },
  } as Partial<UpstreamOptions>);
  const left = new AbortController();
  const holder = fetching("/", { signal: left.signal }).catch(() => {});
  expect(await failureOf()).toMatchObject({ code: "connection_pool_timeout" });
  left.abort();
  await holder;
});

it("a POST goes to the next target, and is executed once", async () => {
  const { targets } = await SILENCES["TLS, with HTTP/1.1"]();
  let executed = 0;
  const well = createHttps(valid, (req, res) => {
    executed += 1;
    req.resume().once("end", () => res.end("done"));
  });
  const both = [targets, overTls(await listening(well))];
  const { fetching, gateway } = asking(both, {
    ...{ retry: { attemptsMax: 2 }, balance: "round_robin" },
  } as never);
  const names: (string | null)[] = [];
  gateway.on("attempt:end", ({ attempt }) => void names.push(attempt.code));
  for (let call = 0; call < 4; call += 1) {
    const answer = await fetching("/", { method: "POST", body: "x" });
    expect([answer.status, await answer.text()]).toEqual([200, "done"]);
  }
  expect(executed).toBe(4);
  expect(names.filter((name) => name !== null)).toContain("tls_handshake_timeout");
});

it("a process that is stopped is named in TLS, for requests and for upgrades", async () => {
  const program =
    `require("node:https").createServer(${JSON.stringify(valid)}, (q, r) => r.end())` +
    `.listen(0, "127.0.0.1", function () { console.log(this.address().port) })`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  cleanUps.push(() => child.kill("SIGKILL"));
  const [port] = await once(child.stdout.setEncoding("utf8"), "data");
  child.kill("SIGSTOP");
  const timeouts = { ...TIMEOUTS, connectMs: 2_000 };
  const { gateway } = asking(overTls(Number(port)), { timeouts });
  const listener = nodeProxy(gateway.upstream("app"));
  const server = createHttp(listener).on("upgrade", listener.upgrade);
  const to = { port: await listening(server), host: "127.0.0.1", agent: false } as const;
  for (const headers of [{}, { connection: "upgrade", upgrade: "websocket" }]) {
    const [answer] = await once(request({ ...to, headers }).end(), "response");
    answer.resume();
    expect(answer.statusCode).toBe(504);
    expect(answer.headers["proxy-status"]).toContain(
      "edge; error=connection_timeout; " +
        'details="code=tls_handshake_timeout blame=upstream attempts=1',
    );
  }
});
