/**
 * The ways in which a server passes an upgrade on: with a listener of `nodeProxy`, which is also
 * what Express and Fastify need, and with http-proxy-middleware through a gateway.
 */
import { createServer, type Server } from "node:http";
import express from "express";
import fastify from "fastify";
import type { Gateway } from "good-gateway";
import { expressProxy } from "good-gateway/express";
import { fastifyProxy } from "good-gateway/fastify";
import { throughGateway } from "good-gateway/http-proxy-middleware";
import { nodeProxy } from "good-gateway/node";
import { HPM_VERSIONS, type Hpm } from "./hpm-versions.js";

/** Makes a server that may listen already. */
export type Serve = (gateway: Gateway<"app">) => Promise<Server>;

function throughHpm({ createProxyMiddleware }: Hpm): Serve {
  return async (gateway) => {
    const proxy = createProxyMiddleware(throughGateway(gateway.upstream("app"), {}));
    return createServer((req, res) => void proxy(req, res)).on("upgrade", proxy.upgrade);
  };
}

const versions = HPM_VERSIONS.map(([name, hpm]) => [name, throughHpm(hpm)] as const);

export const TUNNEL_SERVERS: Readonly<Record<string, Serve>> = {
  node: async (gateway) => {
    const proxy = nodeProxy(gateway.upstream("app"));
    return createServer(proxy).on("upgrade", proxy.upgrade);
  },
  express: async (gateway) => {
    const upstream = gateway.upstream("app");
    const app = express().use(expressProxy(upstream));
    return createServer(app).on("upgrade", nodeProxy(upstream).upgrade);
  },
  fastify: async (gateway) => {
    const upstream = gateway.upstream("app");
    const app = fastify();
    app.register(fastifyProxy, { upstream });
    app.server.on("upgrade", nodeProxy(upstream).upgrade);
    await app.listen({ port: 0, host: "127.0.0.1" });
    return app.server as Server;
  },
  ...Object.fromEntries(versions),
};
