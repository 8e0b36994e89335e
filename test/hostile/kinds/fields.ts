/**
 * Fields by which a client says what only a front may say, takes away what a front has said, or
 * makes an answer for itself the answer for others.
 */
import { accessLog } from "good-gateway";
import { expect } from "vitest";
import type { Door } from "../../doors/door.js";
import { atProxies, type HostileKind, overHttp2, overWire } from "../kind.js";
import { type GroundOptions, on } from "../tools/ground.js";
import { answer, type SentRequest, says } from "../tools/hostile-upstream.js";
import { sendParts } from "../tools/raw-bytes.js";

const EVIL = "203.0.113.66";
const NAMES = [
  ...["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-User", "Forwarded"],
  ...["X-Forwarded-Prefix", "X-Forwarded-Anything", "X-Real-IP", "Client-IP", "True-Client-IP"],
  ...["X-Client-IP", "X-Cluster-Client-IP", "CF-Connecting-IP", "Fastly-Client-IP", "X-Host"],
  ...["X-Original-URL", "X-Rewrite-URL", "X-Envoy-Original-Path", "X-Envoy-Internal"],
  ...["X-SSL-Client-Verify", "SSL-Client-S-DN", "Client-Cert", "X-Remote-User", "Remote-User"],
  ...["X-Auth-Request-User", "X-Amzn-Oidc-Data", "X-Goog-Authenticated-User-Email", "Proxy"],
  ...["X-Ms-Client-Principal", "X-Appengine-User-Ip", "Front-End-Https", "X-Scheme"],
  ...["CloudFront-Forwarded-Proto", "X-Apigateway-Api-Userinfo", "X-Amzn-Request-Context"],
  ...["X-Consumer-Username", "Tailscale-User-Login", "X-Webauth-User", "OIDC_CLAIM_email"],
  ...["X-Middleware-Subrequest", "EO-Connecting-IP", "X-Forward-For"],
  ...["Forwarded-Proto", "X-Vercel-Oidc-Token", "X-Client-Port", "X-Real-Proto", "SM_USER"],
];

/** Ways to write a name that CGI, WSGI, Rack and PHP take for the same one. */
const SPELLINGS: readonly ((name: string) => string)[] = [
  (name) => name.toUpperCase(),
  (name) => name.replaceAll("-", "_"),
  (name) => name.replaceAll("-", "."),
  (name) => name.replace("-", "_"),
  (name) => `HTTP_${name.replaceAll("-", "_").toUpperCase()}`,
  (name) => name.toLowerCase(),
];

/** So that its answer is the end, and nobody waits for more. */
const CLOSE = "Connection: close\r\n";

interface Sent extends Partial<HostileKind> {
  readonly options?: GroundOptions;
  readonly judge: (sent: readonly SentRequest[]) => void;
}

/** Fields of one request each. */
function fields(name: string, lists: readonly (readonly string[])[], more: Sent): HostileKind {
  const { options = {}, judge, ...rest } = more;
  return {
    name,
    from: "client",
    at: overWire,
    ...rest,
    attempt: (door) =>
      on(door, {}, options, async ({ port, upstream }) => {
        const upgrade =
          door.kind === "upgrade" ? "Upgrade: websocket\r\nConnection: upgrade\r\n" : CLOSE;
        await Promise.all(
          lists.map((lines) => {
            const all = lines.map((line) => `${line}\r\n`).join("");
            return sendParts(port, [`GET /x HTTP/1.1\r\nHost: a\r\n${upgrade}${all}\r\n`], 2_500);
          }),
        );
        judge(upstream.requests().filter(({ line }) => line.includes("/x")));
      }),
  };
}

const noEvil = (sent: readonly SentRequest[]): void => {
  expect(sent.length).toBeGreaterThan(0);
  for (const { head } of sent) expect(head).not.toContain(EVIL);
};

const TRUSTED: GroundOptions = { proxy: { forwarded: { trust: true } } as never };

/** Of webProxy a server that is not ours has joined what came twice, and knows the peer. */
const believes = (door: Door): boolean => atProxies(door) && door.requests !== true;

export const FIELD_KINDS: readonly HostileKind[] = [
  fields(
    "what a client says of itself, by all names that applications read",
    NAMES.map((name) => [`${name}: ${EVIL}`]),
    {
      seen: "CVE-2024-45410 (Traefik), CVE-2016-5385 (httpoxy)",
      judge: noEvil,
    },
  ),
  fields(
    "the same names in all spellings that become one variable",
    SPELLINGS.map((spelled) => NAMES.map((name) => `${spelled(name)}: ${EVIL}`)),
    {
      seen: "CVE-2025-64484 (OAuth2 Proxy)",
      judge: noEvil,
    },
  ),
  fields(
    "other spellings of a field that the application writes with requestHeaders",
    ["X_User", "x.user", "X-User", "HTTP_X_USER", "X!User", "http-x-user"].flatMap((name) => [
      [`${name}: ${EVIL}`],
      [`${name}: ${EVIL}`, "Connection: close, x-user"],
    ]),
    {
      seen: "GHSA-x677-9fxg-v5c5 (Traefik), CVE-2026-33805 (fastify-reply-from)",
      at: (door) => atProxies(door) || (door.kind === "upgrade" && overWire(door)),
      options: { proxy: { requestHeaders: { "x-user": "nobody" } } as never },
      judge: (sent) => {
        noEvil(sent);
        for (const { field } of sent) expect(field("x-user")).toBe("nobody");
      },
    },
  ),
  fields(
    "Connection takes away what a front has written",
    [
      [
        "X-Real-IP: 198.51.100.7",
        "X-Forwarded-For: 198.51.100.7",
        "Connection: close, X-Real-IP, X-Forwarded-For",
      ],
    ],
    {
      seen: "CVE-2025-48865 (Fabio), CVE-2024-45410 (Traefik)",
      at: believes,
      options: TRUSTED,
      judge: ([sent]) => {
        expect(sent?.field("x-real-ip")).toBe("198.51.100.7");
        expect(sent?.field("x-forwarded-for")).toContain("198.51.100.7");
      },
    },
  ),
  fields(
    "Connection names fields of framing, Host, or fields of the gateway",
    [["Connection: close, host, content-length, transfer-encoding, via, x-request-id"]],
    {
      at: atProxies,
      judge: ([sent]) => {
        expect(sent?.field("host")).toBe("a");
        expect(sent?.field("via")).toContain("edge");
      },
    },
  ),
  fields(
    "fields of one hop, in all spellings",
    [
      [
        "Keep-Alive: timeout=1",
        "Proxy-Connection: keep-alive",
        "TE: trailers, x",
        "Trailer: x",
        "Proxy-Authorization: Basic eDp4",
        "Transfer_Encoding: chunked",
        "Content_Length: 5",
      ],
    ],
    {
      at: atProxies,
      judge: (sent) => {
        for (const { field } of sent) {
          for (const name of [
            "keep-alive",
            "proxy-connection",
            "transfer_encoding",
            "content_length",
          ]) {
            expect(field(name), name).toBeUndefined();
          }
        }
      },
    },
  ),
  fields(
    "two values where readers take the first or the last",
    [
      ["Authorization: a", "Authorization: b"],
      ["Content-Type: a", "Content-Type: b"],
      ["Origin: a", "Origin: b"],
      ["Idempotency-Key: a", "Idempotency-Key: b"],
      ["Content-Range: a", "Content-Range: b"],
    ],
    { at: believes, judge: (sent) => expect(sent.map(({ head }) => head)).toEqual([]) },
  ),
  fields(
    "a deadline, an attempt or a priority that the client invents",
    [
      [
        "Grpc-Timeout: 1n",
        "X-Envoy-Expected-Rq-Timeout-Ms: 1",
        "X-Envoy-Attempt-Count: 9",
        "Request-Timeout: 0",
        "X-Request-Deadline: 1",
        "Request-Deadline: 1",
      ],
    ],
    { at: atProxies, judge: (sent) => expect(sent.length).toBe(1) },
  ),
  fields(
    "a request that has passed here before, and a Via without an end",
    [[`Via: ${"1.1 other, ".repeat(900)}1.1 x`], ["Via: 1.1 edge", "Max-Forwards: 0"]],
    { at: atProxies, judge: (sent) => expect(sent.length).toBeLessThanOrEqual(2) },
  ),
  fields(
    "names of fields that are names of objects, from a client",
    [["__proto__: a", "constructor: b", "toString: c", "hasOwnProperty: d"]],
    {
      at: atProxies,
      judge: ([sent]) => {
        expect(sent?.field("constructor")).toBe("b");
        expect(({} as { readonly a?: unknown }).a).toBeUndefined();
      },
    },
  ),
  fields(
    "cookies that become others when they are joined",
    [
      ["Cookie: a=1", "Cookie: b=2; session=evil", 'Cookie: "c=3'],
      ["Cookie: a=1\0; b", "X: y"],
    ],
    {
      at: atProxies,
      inherent: 'fields of cookies are joined by "; " as RFC 9113 asks, each byte as it came',
      judge: ([sent]) => {
        expect(sent?.field("cookie")?.replaceAll(" & ", "; ")).toBe('a=1; b=2; session=evil; "c=3');
      },
    },
  ),
  {
    name: "an error of the gateway that a cache would keep for others",
    from: "client",
    seen: "CPDoS (2019)",
    at: overWire,
    attempt: (door) =>
      on(door, {}, {}, async ({ port }) => {
        const heads = [
          "GET /../x HTTP/1.1\r\nHost: a\r\n\r\n",
          "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
          "GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",
        ];
        for (const bytes of heads) {
          const { text } = await sendParts(port, [bytes], 300);
          // What Node's parser or another server refuses has no field at all.
          if (/proxy-status/i.test(text)) expect(text).toMatch(/cache-control: no-store/i);
        }
      }),
  },
  {
    name: "lines of a log that a client writes",
    from: "client",
    at: (door) => atProxies(door) || overHttp2(door),
    attempt: (door) =>
      on(door, {}, {}, async ({ ask, gateway }) => {
        const lines: string[] = [];
        const stream = { write: (text: string) => lines.push(text) > 0 };
        const stop = accessLog(gateway, { format: "combined", stream } as never) as unknown;
        await ask({ path: "/a%0a127.0.0.1%20-%20-", fields: { "user-agent": '" \x1b[2J\x9b31m' } });
        await ask({ path: '/"x"', fields: { referer: '"\\' } });
        await new Promise((resolve) => setTimeout(resolve, 150));
        if (typeof stop === "function") stop();
        const text = lines.join("");
        expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
        expect(text.split("\n").filter((line) => line !== "").length).toBeLessThanOrEqual(2);
      }),
  },
  {
    name: "an answer in two parts of which a cache could keep one as whole",
    from: "upstream",
    at: atProxies,
    attempt: (door) =>
      on(
        door,
        {
          "/part": (socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"),
          "/error": says(answer("no", "cache-control: max-age=600\r\n", "502 x")),
        },
        {},
        async ({ ask }) => {
          expect((await ask({ path: "/part" })).ending).not.toBe("whole");
          expect((await ask({ path: "/error" })).status).toBe(502);
        },
      ),
  },
];
