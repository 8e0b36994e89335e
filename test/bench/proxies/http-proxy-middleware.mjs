/**
 * http-proxy-middleware 3 as a plain handler of node:http, as it comes or with a keep-alive agent.
 *
 * Without an agent it opens a connection for every request, which is what most of its users have.
 */
import { Agent } from "node:http";
import { createProxyMiddleware } from "http-proxy-middleware";
import { ORIGIN, serve } from "./serve.mjs";

const keepAlive = process.argv[3] === "keep-alive";
const middleware = createProxyMiddleware({
  target: ORIGIN,
  ...(keepAlive ? { agent: new Agent({ keepAlive: true }) } : {}),
});

serve((req, res) => middleware(req, res, () => res.writeHead(404).end()));
