/**
 * What a user's program does with the package: a proxy, a repeat, bodies of several kinds by fetch,
 * an end. Each tool of the tests beside it loads this file in its own way.
 */
import { createServer } from "node:http";
import { createGateway } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { nodeProxy } from "good-gateway/node";

/** The first connection is closed unanswered; each answer says what came. */
function counting() {
  let requests = 0;
  return createServer((request, response) => {
    requests += 1;
    if (requests === 1) return void request.socket.destroy();
    let bytes = 0;
    request.on("data", (chunk) => {
      bytes += chunk.length;
    });
    request.on("end", () => response.end(`${request.method} ${bytes}, request ${requests}`));
  });
}

export async function run() {
  const server = counting();
  const origin = await listening(server);
  const gateway = createGateway({ name: "edge", upstreams: { api: { targets: origin } } });
  const api = gateway.upstream("api");
  const door = createServer(nodeProxy(api));
  try {
    return await walk(gatewayFetch(api), origin, await listening(door));
  } finally {
    gateway.close();
    for (const open of [server, door]) {
      open.close();
      open.closeAllConnections();
    }
  }
}

async function walk(fetched, origin, url) {
  return [
    await told(fetch(url)),
    await told(fetch(url, { method: "POST", body: "text" })),
    await told(fetched("/", { method: "POST", body: new Uint8Array(70_000) })),
    await told(fetched("/", { method: "PUT", body: new Blob(["blob"]) })),
    await told(fetched(new Request(origin, { method: "POST", body: "a request" }))),
  ];
}

async function told(asked) {
  const answer = await asked;
  return `${answer.status} ${await answer.text()}`;
}

function listening(server) {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

/** What `run` gives in every tool. */
export const WANTED = [
  "200 GET 0, request 2",
  "200 POST 4, request 3",
  "200 POST 70000, request 4",
  "200 PUT 4, request 5",
  "200 POST 9, request 6",
];
