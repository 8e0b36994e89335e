/**
 * Requests in which two readers could see different ones: every group of the gallery of request
 * smuggling, at every door, and what needs time or an upload to be tried.
 */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createGateway } from "good-gateway";
import { expect } from "vitest";
import type { Door } from "../../doors/door.js";
import { SMUGGLING } from "../../gallery/smuggling/cases.js";
import {
  complaints,
  type LetThrough,
  recorder,
  runCases,
} from "../../gallery/smuggling/run-cases.js";
import { atProxies, type HostileKind, overWire } from "../kind.js";
import { on } from "../tools/ground.js";
import { answer, says } from "../tools/hostile-upstream.js";
import { type Part, sendParts } from "../tools/raw-bytes.js";

const GROUPS = [...new Set(SMUGGLING.map(({ group }) => group))];
const OF_LINES: ReadonlySet<string> = new Set(["request line", "edges of lines"]);
const HOST = "Host: edge.example\r\n";
const HIDDEN = `GET /hidden HTTP/1.1\r\n${HOST}\r\n`;
const UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

const SEEN: Readonly<Record<string, string>> = {
  "Content-Length": "CVE-2023-40225 (HAProxy), CVE-2024-27982 (Node)",
  "Content-Length and Transfer-Encoding": "CVE-2021-22960 (Node)",
  "Transfer-Encoding": "CVE-2022-32213 (Node)",
  chunks: "CVE-2022-32214, CVE-2024-22019 (Node)",
  "lines and fields": "CVE-2023-30589 (Node), CVE-2023-25725 (HAProxy)",
  "edges of lines": "CVE-2025-23167 (Node)",
  "request line": "CVE-2023-45539 (HAProxy)",
};

/** http-proxy-middleware leaves upgrades whose target it cannot read to other listeners. */
export function isSeen({ kind, engine }: Door, bytes: string): boolean {
  if (kind !== "upgrade" || engine === "own") return true;
  const [, target = "*"] = bytes.split(" ");
  return target !== "*" && URL.canParse(target, "http://0.0.0.0");
}

/** One request in, one well-formed request out, or none. */
async function tryGroup(door: Door, group: string): Promise<void> {
  const cases = SMUGGLING.filter((one) => one.group === group && isSeen(door, one.bytes)).map(
    (one) =>
      door.kind === "upgrade" && !one.bytes.includes("Upgrade:")
        ? { ...one, bytes: one.bytes.replace("\r\n", `\r\n${UPGRADE}`) }
        : one,
  );
  const upstream = await recorder();
  const gateway = createGateway({
    name: "edge",
    upstreams: { app: { targets: `http://127.0.0.1:${upstream.port}`, breaker: false } },
    onWarning: () => {},
  });
  const opened = await door.open({ gateway, proxy: {}, fetch: {}, hpm: {} });
  try {
    const { port } = (opened.server as Server).address() as AddressInfo;
    const through = await runCases(port, upstream, cases);
    const found = cases.flatMap((one, at) =>
      complaints(one, through[at] as LetThrough)
        // A door may refuse more than it must; that lets nothing through.
        .filter((complaint) => complaint !== "it was refused")
        .map((complaint) => `${one.name}: ${complaint}`),
    );
    expect(found).toEqual([]);
  } finally {
    gateway.close();
    await opened.close();
    await upstream.close();
  }
}

/** Parts of what a client writes; the hidden request in them must never be sent. */
function hiddenIn(
  name: string,
  parts: readonly (readonly Part[])[],
  more: Partial<HostileKind> & { readonly options?: object } = {},
): HostileKind {
  const { options = {}, ...rest } = more;
  return {
    name,
    from: "client",
    at: atProxies,
    ...rest,
    attempt: (door) =>
      on(
        door,
        { "/early": says(answer("no", "", "413 Content Too Large")) },
        { options },
        async ({ port, upstream }) => {
          await Promise.all(parts.map((one) => sendParts(port, one)));
          const lines = upstream.requests().map(({ line }) => line);
          expect(lines.filter((line) => line.includes("hidden"))).toEqual([]);
        },
      ),
  };
}

const post = (path: string, fields: string, body = ""): string =>
  `POST ${path} HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;

export const SMUGGLING_KINDS: readonly HostileKind[] = [
  ...GROUPS.map(
    (group): HostileKind => ({
      name: `smuggling of requests: ${group}`,
      from: "client",
      ...(SEEN[group] === undefined ? {} : { seen: SEEN[group] }),
      // Of webProxy a server that is not ours has read the request line, and made a URL of it.
      at: (door) => overWire(door) && (door.requests !== true || !OF_LINES.has(group)),
      attempt: (door) => tryGroup(door, group),
    }),
  ),
  hiddenIn(
    "a pause in the middle of a body, and a request as its rest",
    [
      [post("/x", `Content-Length: ${HIDDEN.length}\r\n`), 1_300, HIDDEN],
      [post("/x", "Transfer-Encoding: chunked\r\n", "1\r\nx\r\n"), 1_300, `0\r\n\r\n`, 1_300],
    ],
    { seen: "pause-based desync (Apache, Varnish)" },
  ),
  hiddenIn(
    "a request hidden in the body of an upload that was refused early",
    [
      [post("/x", `Content-Length: ${HIDDEN.length + 90}\r\n`), 200, HIDDEN.repeat(1)],
      [post("/x", `Content-Length: 999999\r\n`), 200, HIDDEN.repeat(20)],
      [post("/x", "Transfer-Encoding: chunked\r\n"), `fffff\r\n${HIDDEN.repeat(20)}`],
    ],
    { options: { limits: { requestBodyBytesMax: 10 } } },
  ),
  hiddenIn(
    "Expect: 100-continue whose body is a request, in all spellings",
    [
      "100-continue",
      "100-Continue",
      "y 100-continue",
      "100-continue, 100-continue",
      "",
      "x",
      "100-continue\r\nExpect: 100-continue",
    ].map((expects) => [
      post("/x", `Expect: ${expects}\r\nContent-Length: ${HIDDEN.length}\r\n`, HIDDEN),
    ]),
    { seen: "Expect-based desync, 0.CL (2025)" },
  ),
  hiddenIn("a request that begins with a line break, or an empty line in between", [
    [`\r\n\r\n${post("/x", `Content-Length: ${HIDDEN.length}\r\n`, HIDDEN)}`],
    [`GET /x HTTP/1.1\r\n${HOST}Content-Length: ${HIDDEN.length}\r\n\r\n`, 50, HIDDEN],
    [`GET /x HTTP/1.1\r\n${HOST}X: a\r\n \r\n${HIDDEN}`],
  ]),
];
