/**
 * The peers from npm, each as its documentation says and with the best that it offers for this
 * work: connections to the upstream are kept wherever a package can do that, and bodies are
 * streamed. The first argument behind the origin is the peer.
 */
import { Agent } from "node:http";
import { ORIGIN, serve, serveFastify } from "./serve.mjs";

const peer = process.argv[3];
const agent = new Agent({ keepAlive: true });

/** http-proxy and its successors answer by an event when they cannot reach the upstream. */
function webProxy(proxy) {
  proxy.on("error", (_error, _req, res) => {
    if (res.headersSent) res.destroy();
    else res.writeHead(502).end();
  });
  return (req, res) => proxy.web(req, res);
}

const PEERS = {
  async "hpm3-keep-alive"() {
    const { createProxyMiddleware } = await import("http-proxy-middleware-3");
    const middleware = createProxyMiddleware({ target: ORIGIN, agent });
    serve((req, res) => middleware(req, res, () => res.writeHead(404).end()));
  },
  /** Without an agent it opens a connection for every request, as most of its users have it. */
  async hpm3() {
    const { createProxyMiddleware } = await import("http-proxy-middleware-3");
    const middleware = createProxyMiddleware({ target: ORIGIN });
    serve((req, res) => middleware(req, res, () => res.writeHead(404).end()));
  },
  async hpm4() {
    const { createProxyMiddleware } = await import("http-proxy-middleware-4");
    const middleware = createProxyMiddleware({ target: ORIGIN, agent });
    serve((req, res) => middleware(req, res, () => res.writeHead(404).end()));
  },
  /** It speaks through undici, which keeps connections by itself. */
  async "fastify-http-proxy"() {
    const { default: httpProxy } = await import("@fastify/http-proxy");
    await serveFastify((app) => app.register(httpProxy, { upstream: ORIGIN }));
  },
  /** With its undici client, the faster of the two that it has. */
  async "fast-proxy"() {
    const { default: fastProxy } = await import("fast-proxy");
    const { proxy } = fastProxy({ base: ORIGIN, undici: {} });
    serve((req, res) => proxy(req, res, req.url, {}));
  },
  async httpxy() {
    const { createProxyServer } = await import("httpxy");
    const proxy = createProxyServer({ target: ORIGIN, agent });
    serve((req, res) => void proxy.web(req, res).catch(() => res.destroy()));
  },
  async "http-proxy-3"() {
    const { createProxyServer } = await import("http-proxy-3");
    serve(webProxy(createProxyServer({ target: ORIGIN, agent })));
  },
  async "express-http-proxy"() {
    const [{ default: express }, { default: proxy }] = await Promise.all([
      import("express"),
      import("express-http-proxy"),
    ]);
    const options = {
      parseReqBody: false,
      proxyReqOptDecorator: (asked) => Object.assign(asked, { agent }),
    };
    serve(express().use(proxy(ORIGIN, options)));
  },
};

await PEERS[peer]();
