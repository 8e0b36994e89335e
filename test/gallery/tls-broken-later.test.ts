/**
 * TLS that breaks after its handshake: the call under way is named by it, and the connection takes
 * no other. Node leaves such a socket open.
 */
import { createSecureServer, type Http2SecureServer } from "node:http2";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createGateway, type Outcome } from "good-gateway";
import { testCertificates } from "good-gateway/testing";
import { afterEach, expect, it } from "vitest";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const { ca, valid } = testCertificates();
const BROKEN: Readonly<Record<string, Buffer>> = {
  "a record that cannot be read": Buffer.from([23, 3, 3, 0, 30, ...Buffer.alloc(30, 1)]),
  "an alert without encryption": Buffer.from([21, 3, 3, 0, 2, 2, 80]),
  "bytes that are no record": Buffer.alloc(60, 9),
};

async function portOf(server: Server | Http2SecureServer): Promise<number> {
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  cleanUps.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Passes bytes on; what is written to the last of its connections comes from no server. */
async function relay(to: number): Promise<{ port: number; connections: Socket[] }> {
  const connections: Socket[] = [];
  const port = await portOf(
    createServer((client) => {
      connections.push(client);
      const server = connect(to, "127.0.0.1");
      for (const socket of [client, server]) socket.on("error", () => {});
      client.pipe(server).pipe(client);
      cleanUps.push(() => client.destroy());
    }),
  );
  return { port, connections };
}

const cameTo = (outcome: Outcome<unknown>): string | number =>
  outcome.kind === "success" ? outcome.response.status : outcome.failure.code;

it.each(
  Object.keys(BROKEN).flatMap((what) =>
    (["HTTP/1.1", "HTTP/2"] as const).flatMap((protocol) =>
      (["GET", "POST"] as const).map((method) => ({ what, protocol, method })),
    ),
  ),
)("$what, $protocol, $method", async ({ what, protocol, method }) => {
  const asked: string[] = [];
  const serve = (_request: unknown, response: { end(): unknown }): void => {
    asked.push(method);
    if (asked.length > 1) response.end();
    else relayed.connections.at(-1)?.write(BROKEN[what] as Buffer);
  };
  const server =
    protocol === "HTTP/2" ? createSecureServer(valid, serve) : createHttps(valid, serve);
  server.on("secureConnection", (socket: Socket) => socket.on("error", () => {}));
  const relayed = await relay(await portOf(server as Server));
  const app = {
    targets: { url: `https://localhost:${relayed.port}`, tls: { ca } },
    allowH2: protocol === "HTTP/2",
    retry: false,
    timeouts: { responseMs: 6_000, totalMs: 6_000 },
  } as const;
  const gateway = createGateway({ name: "edge", upstreams: { app }, onWarning: () => {} });
  cleanUps.push(() => gateway.close());
  const ask = () => gateway.upstream("app").send({ method, path: "/", headers: {} });
  expect(cameTo(await ask())).toBe("tls_protocol_error");
  expect(cameTo(await ask())).toBe(200);
  expect([asked.length, relayed.connections.length]).toEqual([2, 2]);
});
