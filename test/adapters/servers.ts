/**
 * The server adapters, each in the smallest server that its users would write.
 */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import express4 from "express4";
import Fastify from "fastify";
import type { ProxyOptions, Upstream } from "good-gateway";
import { expressProxy } from "good-gateway/express";
import { fastifyProxy } from "good-gateway/fastify";
import { nodeProxy } from "good-gateway/node";

export interface RunningServer {
  readonly server: Server;
  readonly port: number;
  close(): Promise<void>;
}

/** A server that proxies everything to one upstream. */
export type ProxyServer = (upstream: Upstream, options: ProxyOptions) => Promise<RunningServer>;

export const PROXY_SERVERS: Readonly<Record<string, ProxyServer>> = {
  "node:http": (upstream, options) => listening(nodeProxy(upstream, options)),
  "Express 5": (upstream, options) => listening(express().use(expressProxy(upstream, options))),
  "Express 4": (upstream, options) => listening(express4().use(expressProxy(upstream, options))),
  "Fastify 5": async (upstream, options) => {
    const app = Fastify({ forceCloseConnections: true });
    await app.register(fastifyProxy, { upstream, ...options });
    await app.listen({ host: "127.0.0.1", port: 0 });
    return { server: app.server, port: portOf(app.server), close: () => app.close() };
  },
};

/** A server of `node:http` that is closed with its connections. */
export function listening(listener: RequestListener): Promise<RunningServer> {
  return listeningServer(createServer(listener));
}

export async function listeningServer(server: Server): Promise<RunningServer> {
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const close = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { server, port: portOf(server), close };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
