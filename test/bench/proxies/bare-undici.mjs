/**
 * The baseline: node:http in front, `Pool.dispatch` of undici behind, and nothing else.
 *
 * It does what a correct proxy cannot leave out: method, path and fields but those of one hop, the
 * body in both directions at the pace of the slower side, an answer when the upstream has none, a
 * cut when a body breaks, an end upstream when the client leaves. It is written to be fast: one
 * object per request, undici's raw handler, flat arrays of fields, no streams in between.
 *
 * As the baseline it does the same work on the wire: it writes the fields that good-gateway writes
 * (`Via`, which RFC 9110 §7.6.3 demands, a request id, and who the client is). With `no-fields` it
 * leaves them out, as the proxies in its neighbourhood do; both rows are shown. With `express` or
 * `fastify` it is a handler of that framework, which tells what the framework adds by itself.
 */
import { endToEnd, hasBody } from "./hop-by-hop.mjs";
import { Pool } from "./package-undici.mjs";
import { ORIGIN, serve, serveFastify } from "./serve.mjs";

const VARIANT = process.argv[3];
const ADDS_FIELDS = VARIANT !== "no-fields";
let requests = 0;

/** Who asks, and through whom. */
function addFields(fields, req) {
  const address = req.socket.remoteAddress;
  const { host } = req.headers;
  requests += 1;
  fields.push("x-request-id", `bare-${requests.toString(36)}`, "via", "1.1 bare");
  fields.push("x-forwarded-for", address, "x-forwarded-host", host, "x-forwarded-proto", "http");
  fields.push("forwarded", `for=${address};proto=http;host="${host}"`);
  return fields;
}

const pool = new Pool(ORIGIN);

class Exchange {
  constructor(res) {
    this.res = res;
    this.abort = null;
    this.resume = null;
    this.gone = false;
  }

  left() {
    if (this.res.writableFinished) return;
    this.gone = true;
    this.abort?.();
  }

  onConnect(abort) {
    this.abort = abort;
    if (this.gone) abort();
  }

  onHeaders(status, raw, resume, statusText) {
    if (status < 200) return true;
    this.resume = resume;
    const fields = new Array(raw.length);
    let connection;
    for (let index = 0; index < raw.length; index += 2) {
      const name = raw[index].latin1Slice();
      fields[index] = name;
      fields[index + 1] = raw[index + 1].latin1Slice();
      if (name.length === 10 && name.toLowerCase() === "connection") connection = fields[index + 1];
    }
    this.res.writeHead(status, statusText, endToEnd(fields, connection));
    return true;
  }

  onData(chunk) {
    if (this.res.write(chunk)) return true;
    this.res.once("drain", this.resume);
    return false;
  }

  onComplete() {
    this.res.end();
  }

  onError() {
    if (this.res.headersSent) this.res.destroy();
    else this.res.writeHead(502).end();
  }
}

function proxy(req, res) {
  const exchange = new Exchange(res);
  res.once("close", () => exchange.left());
  const fields = endToEnd(req.rawHeaders, req.headers.connection);
  pool.dispatch(
    {
      method: req.method,
      path: req.url,
      headers: ADDS_FIELDS ? addFields(fields, req) : fields,
      body: hasBody(req) ? req : null,
    },
    exchange,
  );
}

if (VARIANT === "express") {
  const { default: express } = await import("express");
  serve(express().use(proxy));
} else if (VARIANT === "fastify") {
  await serveFastify((app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", (_request, _body, done) => done(null));
    app.all("/*", (request, reply) => {
      reply.hijack();
      proxy(request.raw, reply.raw);
    });
  });
} else {
  serve(proxy);
}
