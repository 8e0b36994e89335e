/**
 * The other baseline: node:http on both sides with a keep-alive agent, bodies piped.
 *
 * What most people write by hand. It does the same work as the baseline over undici.
 */
import { Agent, request } from "node:http";
import { endToEnd, hasBody } from "./hop-by-hop.mjs";
import { ORIGIN, serve } from "./serve.mjs";

const agent = new Agent({ keepAlive: true });
const { hostname, port } = new URL(ORIGIN);

serve((req, res) => {
  const up = request({
    agent,
    hostname,
    port,
    method: req.method,
    path: req.url,
    headers: endToEnd(req.rawHeaders, req.headers.connection),
  });
  up.once("response", (answer) => {
    const { statusCode, statusMessage, rawHeaders, headers } = answer;
    res.writeHead(statusCode, statusMessage, endToEnd(rawHeaders, headers.connection));
    answer.once("error", () => res.destroy());
    answer.pipe(res);
  });
  up.once("error", () => {
    if (res.headersSent) res.destroy();
    else res.writeHead(502).end();
  });
  res.once("close", () => {
    if (!res.writableFinished) up.destroy();
  });
  if (hasBody(req)) req.pipe(up);
  else up.end();
});
