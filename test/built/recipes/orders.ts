/**
 * The service behind the recipes. It counts and keeps what came, so that a test sees what a
 * recipe sent, and fails in the ways that the paths name.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface Came {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: number;
  readonly digest: string;
}

export interface Orders {
  readonly origin: string;
  readonly came: Came[];
  stop(): void;
}

export async function startOrders(): Promise<Orders> {
  const came: Came[] = [];
  const server = createServer(async (req, res) => {
    const { method = "", url = "", headers } = req;
    const body = Buffer.concat(await req.toArray());
    came.push({ method, url, headers, bytes: body.length, digest: digestOf(body) });
    if (url.startsWith("/broken")) return void req.socket.destroy();
    if (url.startsWith("/cut")) {
      res.writeHead(200, { "content-length": "1000" }).write("a part of it");
      return void setImmediate(() => req.socket.destroy());
    }
    // Long enough for the sender to begin its end meanwhile.
    if (url === "/orders/slow") await sleep(1_000);
    if (url === "/v1/chat/completions") return void stream(body.toString(), res);
    if (url === "/graphql") return void graph(body.toString(), came.length, res);
    res.setHeader("content-type", "text/plain").setHeader("set-cookie", ["a=1", "b=2"]);
    res.end(method === "GET" ? `the upstream got GET ${url}` : digestOf(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    came,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

export function digestOf(body: Uint8Array | string): string {
  return createHash("sha256").update(body).digest("hex");
}

type Answer = import("node:http").ServerResponse;

/** Two parts and the end of a stream; or one part and no end. */
function stream(asked: string, res: Answer): void {
  res.writeHead(200, { "content-type": "text/event-stream" });
  res.write(part("hello"));
  if (asked.includes("break")) return void setImmediate(() => res.socket?.destroy());
  res.write(part("world"));
  res.end("data: [DONE]\n\n");
}

function part(content: string): string {
  const chunk = { id: "1", object: "chat.completion.chunk", choices: [{ delta: { content } }] };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

/** The first request of all fails, so a query comes twice; a mutation always fails. */
function graph(asked: string, count: number, res: Answer): void {
  if (asked.includes("mutation") || count === 1) return void res.socket?.destroy();
  res.writeHead(200, { "content-type": "application/json" }).end('{"data":{"name":"seven"}}');
}
