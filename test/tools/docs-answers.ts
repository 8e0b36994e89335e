/**
 * The answers that the documentation shows, asked of a running gateway.
 *
 * The request id is sent along and chance is taken out, so that only durations differ from run to
 * run; `steady` makes those equal.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { nodeProxy } from "../../src/adapters/node.js";
import { type CallRecord, createGateway } from "../../src/index.js";
import { accept, ok, refusingPort, respond, scriptedUpstream } from "../../src/testing/index.js";

const REQUEST_ID = "4f1c9d0a";

/** The generated parts that show an answer. */
export async function answers(): Promise<ReadonlyMap<string, string>> {
  const flapping = accept().readHead().close();
  const recovered = accept().readHead().send(ok("All is well.\n")).again();
  const busy = accept()
    .readHead()
    .send(respond(503, "Not now.\n", { "retry-after": "7" }))
    .again();
  const upstreams = {
    flapping: await scriptedUpstream([flapping, recovered]),
    busy: await scriptedUpstream([busy], { loop: true }),
  };
  const refused = `http://127.0.0.1:${await refusingPort()}`;
  const gateway = createGateway(
    {
      name: "edge",
      upstreams: {
        orders: { targets: refused, breaker: { consecutiveFailures: 4 } },
        flapping: { targets: upstreams.flapping.origin },
        busy: { targets: upstreams.busy.origin, retry: false },
      },
    },
    { random: { next: () => 0 } },
  );
  const proxies = {
    orders: nodeProxy(gateway.upstream("orders")),
    full: nodeProxy(gateway.upstream("orders"), { diagnostics: "full" }),
    flapping: nodeProxy(gateway.upstream("flapping")),
    busy: nodeProxy(gateway.upstream("busy")),
  };
  const record = new Promise<CallRecord>((resolve) => {
    gateway.on("call:end", (one) => void (one.upstream === "flapping" && resolve(one)));
  });
  const server = createServer((req, res) => proxies[proxyOf(req)](req, res));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const get = (proxy: Proxy, accepted = "*/*"): Promise<string> => ask(port, proxy, accepted);
  try {
    const parts: [string, string][] = [];
    const show = (name: string, answer: string): void => void parts.push([name, block(answer)]);
    show("answer-refused", await get("orders"));
    // The breaker opens with the fourth failure: the first of this call.
    show("answer-breaker-opens", await get("orders", "text/plain"));
    show("answer-breaker-open", await get("full", "text/plain"));
    show("answer-recovered", await get("flapping"));
    show("answer-received", await get("busy"));
    parts.push(["record-recovered", recordBlock(await record)]);
    return new Map(parts);
  } finally {
    server.close();
    server.closeAllConnections();
    gateway.close();
    await Promise.all(Object.values(upstreams).map((upstream) => upstream.close()));
  }
}

type Proxy = "orders" | "full" | "flapping" | "busy";

function proxyOf(req: IncomingMessage): Proxy {
  return req.headers["x-proxy"] as Proxy;
}

async function ask(port: number, proxy: Proxy, accepted: string): Promise<string> {
  const headers = { "x-proxy": proxy, "x-request-id": REQUEST_ID, accept: accepted };
  const req = request({ host: "127.0.0.1", port, path: "/7", headers, agent: false });
  req.end();
  const [res] = (await once(req, "response")) as [IncomingMessage];
  let body = "";
  for await (const chunk of res) body += String(chunk);
  return [`HTTP/1.1 ${res.statusCode} ${res.statusMessage}`, ...fieldsOf(res), "", bodyOf(body)]
    .join("\n")
    .trimEnd();
}

/** Node's own fields say nothing about the gateway. */
const UNTOLD: ReadonlySet<string> = new Set(["date", "connection", "keep-alive", "content-length"]);

function fieldsOf({ rawHeaders }: IncomingMessage): readonly string[] {
  const lines: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = "", value = ""] = rawHeaders.slice(index, index + 2);
    if (!UNTOLD.has(name.toLowerCase())) lines.push(`${name}: ${withoutPort(value)}`);
  }
  return lines;
}

/** The same for every run: durations and moments are taken out. */
export function steady(text: string): string {
  return text.replace(/dur=[\d.]+/g, "dur=0").replace(/("(?:\w+Ms|startedAt)": )[\d.]+/g, "$10");
}

/** As a log would show it, but for the digits that nobody needs. */
function recordBlock(record: CallRecord): string {
  const short = (_name: string, value: unknown): unknown =>
    typeof value === "number" ? Math.round(value * 10) / 10 : value;
  return `\`\`\`json\n${withoutPort(JSON.stringify(record, short, 2))}\n\`\`\``;
}

/** The system chooses another port every time. */
function withoutPort(text: string): string {
  return text.replace(/127\.0\.0\.1:\d+/g, "10.0.0.5:8080");
}

function bodyOf(body: string): string {
  if (!body.startsWith("{")) return body;
  return JSON.stringify(JSON.parse(body), null, 2);
}

function block(answer: string): string {
  return `\`\`\`http\n${answer}\n\`\`\``;
}
