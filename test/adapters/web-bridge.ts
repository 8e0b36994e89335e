/**
 * The smallest server that serves a handler of the fetch standard on `node:http`: Request in,
 * Response out. What it does is what Hono, SvelteKit and others do in theirs.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStream as WebStream } from "node:stream/web";
import { type WebProxyOptions, webProxy } from "good-gateway/web";
import { listening, type ProxyServer } from "./servers.js";

export type FetchHandler = (request: Request, from: IncomingMessage) => Promise<Response>;

export function bridged(handler: FetchHandler) {
  return (req: IncomingMessage, res: ServerResponse): void => {
    void serve(handler, req, res).catch(() => res.destroy());
  };
}

async function serve(handler: FetchHandler, req: IncomingMessage, res: ServerResponse) {
  const left = new AbortController();
  res.once("close", () => {
    if (!res.writableFinished) left.abort();
  });
  const response = await handler(requestOf(req, left.signal), req);
  const headers: [string, string][] = [...response.headers];
  const fields = headers.filter(([name]) => name !== "set-cookie").flat();
  for (const cookie of response.headers.getSetCookie()) fields.push("set-cookie", cookie);
  if (res.destroyed) {
    await response.body?.cancel();
    return;
  }
  if (!req.complete) closeBehind(req, res);
  res.writeHead(response.status, response.statusText, fields);
  if (response.body === null) {
    res.end();
    return;
  }
  // As `flushHeaders`, which writes fields as UTF-8.
  res.write("", "latin1");
  const reader = response.body.getReader();
  let goOn = (): void => {};
  res.on("drain", () => goOn());
  res.once("close", () => {
    goOn();
    void reader.cancel().catch(() => {});
  });
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (res.write(value) || res.destroyed) continue;
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
  }
  res.end();
}

/** RFC 9112 §9.6: our side is closed behind an early answer, and the rest of the upload is read. */
function closeBehind({ socket }: IncomingMessage, res: ServerResponse): void {
  res.shouldKeepAlive = false;
  socket.destroySoon = () => void socket.end();
}

function requestOf(req: IncomingMessage, signal: AbortSignal): Request {
  const headers = new Headers();
  for (let at = 0; at < req.rawHeaders.length; at += 2) {
    const name = req.rawHeaders[at] as string;
    if (!name.startsWith(":")) headers.append(name, req.rawHeaders[at + 1] as string);
  }
  const method = req.method as string;
  const bodiless = method === "GET" || method === "HEAD";
  return new Request(new URL(`http://${req.headers.host ?? "none"}${req.url}`), {
    method,
    headers,
    signal,
    ...(bodiless
      ? {}
      : { body: Readable.toWeb(req) as WebStream as ReadableStream, duplex: "half" }),
  });
}

/** The client's side of such a server. */
export const clientOf = (_request: Request, req: IncomingMessage) => ({
  address: req.socket.remoteAddress,
  protocol: "http" as const,
});

/** The options of a server adapter, for `webProxy`. */
export const webServer: ProxyServer = (upstream, options) => {
  const given = { client: clientOf, ...options } as unknown as WebProxyOptions<[IncomingMessage]>;
  return listening(bridged(webProxy(upstream, given)));
};
