/**
 * The server adapters that speak HTTP/2, each in the smallest server that its users would write.
 */
import { once } from "node:events";
import type { Server } from "node:http";
import { createSecureServer, createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import Fastify from "fastify";
import { fastifyProxy } from "good-gateway/fastify";
import { nodeProxy } from "good-gateway/node";
import { type TestCertificates, testCertificates } from "good-gateway/testing";
import type { ProxyServer, RunningServer } from "./servers.js";

export const HTTP2_SERVERS: Readonly<Record<string, ProxyServer>> = {
  "node:http2": (upstream, options) =>
    listening2(createServer(nodeProxy(upstream, options)).on("sessionError", () => {})),
  "Fastify 5 with http2": async (upstream, options) => {
    const app = Fastify({ http2: true, http2SessionTimeout: 0 });
    const close = closer(app.server);
    await app.register(fastifyProxy, { upstream, ...options });
    await app.listen({ host: "127.0.0.1", port: 0 });
    return running(app.server, async () => {
      close();
      await app.close();
    });
  },
};

/** Over TLS, with HTTP/1.1 for those who ask for it. */
export const secureHttp2: ProxyServer = (upstream, options) => {
  const { key, cert } = certificates().valid;
  const proxy = nodeProxy(upstream, options);
  const server = createSecureServer({ key, cert, allowHTTP1: true }, proxy);
  server.on("clientError", proxy.clientError);
  return listening2(server as unknown as Http2Server);
};

let made: TestCertificates | null = null;
function certificates(): TestCertificates {
  made ??= testCertificates();
  return made;
}

async function listening2(server: Http2Server): Promise<RunningServer> {
  const close = closer(server);
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  return running(server, async () => {
    const closed = once(server, "close");
    server.close();
    close();
    await closed;
  });
}

/** Ends the sessions of a server. */
function closer(server: Http2Server): () => void {
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  return () => {
    for (const session of sessions) session.destroy();
  };
}

function running(server: Http2Server, close: () => Promise<void>): RunningServer {
  const { port } = server.address() as AddressInfo;
  return { server: server as unknown as Server, port, close };
}
