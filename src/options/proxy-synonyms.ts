/**
 * Names of other proxies for the options of ours: http-proxy-middleware, @fastify/http-proxy and
 * @fastify/reply-from, express-http-proxy. Each says what to write.
 */

const TARGETS = "the targets of the upstream say where requests go";
const TIMEOUTS = "write timeouts on the upstream, or overrides here";
const UPGRADES = 'upgrades are for server.on("upgrade", nodeProxy(upstream).upgrade)';
const BODY_LIMIT = "write limits.requestBodyBytesMax on the upstream";
const CONDITION = "mount the proxy where it is meant, or put a condition before it";

export const PROXY_SYNONYMS: Readonly<Record<string, string>> = {
  target: TARGETS,
  base: TARGETS,
  url: TARGETS,
  router: "mount one proxy for each upstream",
  getUpstream: "mount one proxy for each upstream",
  changeOrigin: 'write host: "target"',
  preserveHostHdr: 'write host: "preserve", the default',
  hostRewrite: 'write redirects: "rewrite"',
  autoRewrite: 'write redirects: "rewrite"',
  protocolRewrite: 'write redirects: "rewrite"',
  followRedirects: "let the client follow, or use gatewayFetch in a route",
  cookieDomainRewrite: "write cookies: { domain }",
  cookiePathRewrite: "write cookies: { path }",
  pathRewrite: "write rewritePath",
  rewritePrefix: "write rewritePath",
  proxyReqPathResolver: "write rewritePath",
  headers: "write requestHeaders",
  auth: "write requestHeaders: { authorization }",
  rewriteRequestHeaders: "write requestHeaders",
  proxyReqOptDecorator: "write requestHeaders, host or overrides",
  rewriteHeaders: "write responseHeaders",
  userResHeaderDecorator: "write responseHeaders",
  selfHandleResponse: "write onResponse or transformBody",
  responseInterceptor: "write transformBody",
  userResDecorator: "write transformBody",
  skipToNextHandlerFilter: 'write onStatus: { 404: "next" }',
  filter: CONDITION,
  pathFilter: CONDITION,
  xfwd: "write forwarded",
  proxyErrorHandler: "write onFailure",
  onError: "write onFailure",
  secure: "write tls: { rejectUnauthorized: false } on the target",
  https: "write an https address as target of the upstream",
  timeout: TIMEOUTS,
  proxyTimeout: TIMEOUTS,
  retryMethods: "write retry on the upstream",
  maxRetriesOn503: "write retry on the upstream",
  limit: BODY_LIMIT,
  bodyLimit: BODY_LIMIT,
  fixRequestBody: "leave it out: a parsed body is sent as it came",
  parseReqBody: "leave it out: bodies are streamed",
  ws: UPGRADES,
  websocket: UPGRADES,
  agent: "leave it out: connections are kept by target; see limits.connectionsMax",
  logger: 'use gateway.on("call:end") or the access log',
};
