/**
 * Nobody can make up who they are: fields in which a proxy speaks of its client reach the upstream
 * only from those who are believed, in whatever spelling. Looked at in the bytes that arrive.
 */
import type { ProxyOptions } from "good-gateway";
import { accept, ok } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { ask2 } from "./http2-client.js";
import { HTTP2_SERVERS } from "./http2-servers.js";
import { exchange, get } from "./raw-client.js";
import { PROXY_SERVERS, type ProxyServer } from "./servers.js";
import { inWorld } from "./world.js";

type Lines = readonly (readonly [name: string, value: string])[];

/** The fields that arrive of those that a client has sent. */
async function arriving(serve: ProxyServer, options: ProxyOptions, lines: Lines) {
  let got: Lines = [];
  const scripts = [accept().readHead().send(ok("done"))];
  await inWorld(serve, { scripts, options }, async ({ port, upstream }) => {
    const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const answer = await exchange(port, get("/").replace("\r\n\r\n", `\r\n${text}\r\n`));
    expect(answer.status).toBe(200);
    got = upstream.requests()[0]?.headers ?? [];
  });
  return got;
}

const MADE_UP = "6.6.6.6";

const SPELLINGS = [
  "X-Forwarded-For",
  "X_Forwarded_For",
  "X-Forwarded_For",
  "x_forwarded-for",
  "X.Forwarded.For",
  "X_Real_IP",
  "Client_IP",
  "HTTP_X_FORWARDED_FOR",
  "HTTP_CLIENT_IP",
  "http-x-real-ip",
  "Forwarded",
  "Proxy",
  "HTTP_PROXY",
];

const OTHERS = [
  ...["X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Server"],
  ...["X-Forwarded-Prefix", "X-Forwarded-Ssl", "X-Forwarded-Scheme", "X-Forwarded-By"],
  ...["X-Forwarded-Client-Cert", "X-Forwarded-Tls-Client-Cert", "X-Forwarded-Whatever"],
  ...["X-Forwarded", "Forwarded-For", "X-Real-IP", "Client-IP", "X-Client-IP", "True-Client-IP"],
  ...["CF-Connecting-IP", "CF-Connecting-IPv6", "CF-IPCountry", "CF-Visitor"],
  ...["Fastly-Client-IP", "X-Cluster-Client-IP", "Fly-Client-IP", "X-Azure-ClientIP"],
  ...["X-Azure-SocketIP", "X-Appengine-User-IP", "X-Appengine-User-Email", "X-Original-URL"],
  ...["X-Original-Host", "X-Original-Forwarded-For", "X-Rewrite-URL", "X-Envoy-External-Address"],
  ...["X-Envoy-Original-Path", "X-SSL-Client-S-DN", "X-SSL-Client-Cert", "X-Client-Cert"],
  ...["X-Client-Cert-Hash", "SSL-Client-Verify", "SSL_CLIENT_CERT", "Client-Cert", "Proxy"],
  ...["X-Amzn-Oidc-Identity", "X-Goog-Authenticated-User-Email", "X-MS-Client-Principal-Name"],
  ...["CloudFront-Viewer-Address", "X-Remote-User", "Remote-User", "Front-End-Https"],
  ...["CloudFront-Forwarded-Proto", "Forwarded-Proto", "X-Forward-For", "X-Real-Proto", "$WSRU"],
  ...["X-Consumer-Username", "OIDC_CLAIM_sub", "X-Middleware-Subrequest", "EO-Client-IP"],
];

const PASSING = [
  ...["X-Client-Id", "X-Client-Version", "X-Request-Start", "X-Amz-Date", "X-Amzn-Trace-Id"],
  ...["X-Goog-Api-Key", "CF-Ray", "X-User_Name", "Idempotency_Key", "X-Original", "Origin"],
  ...["X-Http-Method-Override", "constructor", "__proto__", "hasOwnProperty", "toString"],
];

describe.each(Object.entries(PROXY_SERVERS))("through %s", (_name, serve) => {
  it("from a client none of it passes, however it is spelt", async () => {
    const lines = [...SPELLINGS, ...OTHERS].map((name) => [name, MADE_UP] as const);
    const got = await arriving(serve, {}, lines);
    expect(got.filter(([, value]) => value.includes(MADE_UP))).toEqual([]);
  });

  it("framing, in another spelling, passes from nobody", async () => {
    const names = ["Content_Length", "Transfer_Encoding", "Transfer.Encoding", "HTTP_HOST"];
    const lines = names.map((name) => [name, MADE_UP] as const);
    for (const forwarded of [{ trust: true }, false] as const) {
      const got = await arriving(serve, { forwarded }, lines);
      expect(got.filter(([, value]) => value === MADE_UP)).toEqual([]);
    }
  });

  it("a field of one value with two of them is refused, and with one twice is not", async () => {
    for (const name of ["Authorization", "Content-Type", "Origin", "Idempotency-Key"]) {
      await inWorld(serve, { scripts: [] }, async ({ port }) => {
        const lines = `${name}: a\r\n${name.toLowerCase()}: b\r\n`;
        const answer = await exchange(port, get("/").replace("\r\n\r\n", `\r\n${lines}\r\n`));
        expect(answer.status, name).toBe(400);
      });
    }
    const twice = [
      ["User-Agent", "a"],
      ["user-agent", "b"],
      ["Origin", "c"],
      ["Origin", "c"],
    ] as const;
    const got = await arriving(serve, {}, twice);
    expect(got.filter(([name]) => /^(?:user-agent|origin)$/i.test(name))).toEqual(twice);
  });

  it("fields that only look like it pass as they came", async () => {
    const lines = PASSING.map((name) => [name, MADE_UP] as const);
    const got = await arriving(serve, {}, lines);
    expect(got.filter(([, value]) => value === MADE_UP)).toEqual(lines);
  });

  it("from who is believed it passes, but in no spelling that a front does not know", async () => {
    const lines: Lines = [
      ["X-Real-IP", "10.9.9.9"],
      ["X-SSL-Client-Cert", "MIIB"],
      ["X-Original-URL", "/asked"],
      ["X_Real_IP", MADE_UP],
      ["HTTP_CLIENT_IP", MADE_UP],
      ["Proxy", MADE_UP],
    ];
    for (const fields of ["both", "forwarded"] as const) {
      const got = await arriving(serve, { forwarded: { trust: true, fields } }, lines);
      const names = got.map(([name]) => name.toLowerCase());
      expect(names).toEqual(expect.arrayContaining(["x-real-ip", "x-ssl-client-cert"]));
      expect(names).toContain("x-original-url");
      expect(got.filter(([, value]) => value === MADE_UP)).toEqual([]);
    }
  });

  it("keep lets a field pass by its name, in its own spelling alone", async () => {
    const options = { forwarded: { keep: ["CF-IPCountry", "x_real_ip"] } };
    const lines: Lines = [
      ["CF-IPCountry", "AT"],
      ["X_Real_IP", "10.9.9.9"],
      ["X-Real-IP", MADE_UP],
      ["CF_IPCountry", MADE_UP],
    ];
    const got = await arriving(serve, options, lines);
    expect(got).toEqual(expect.arrayContaining(lines.slice(0, 2)));
    expect(got.filter(([, value]) => value === MADE_UP)).toEqual([]);
  });

  it("Connection deletes nothing that a front or the gateway has written", async () => {
    const named =
      "close, X-Real-IP, X-Forwarded-For, X-Forwarded-Proto, Via, X-Request-Id, X-Own, Host, " +
      "Authorization, Idempotency-Key";
    const lines: Lines = [
      ["Connection", named],
      ["X-Real-IP", "10.9.9.9"],
      ["X-Forwarded-Proto", "https"],
      ["X-Own", MADE_UP],
      ["Authorization", "Basic x"],
    ];
    const got = await arriving(serve, { forwarded: { trust: true } }, lines);
    const fields = Object.fromEntries(got.map(([name, value]) => [name.toLowerCase(), value]));
    expect(fields).toMatchObject({
      "x-real-ip": "10.9.9.9",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "https",
      authorization: "Basic x",
      host: "shop.example",
      via: expect.stringContaining("edge"),
      "x-request-id": expect.anything(),
    });
    expect(fields["x-own"]).toBeUndefined();
  });

  it("all of it passes as it came where forwarding is off", async () => {
    const lines = [...SPELLINGS, ...OTHERS].map((name) => [name, MADE_UP] as const);
    const got = await arriving(serve, { forwarded: false }, lines);
    expect(got.filter(([, value]) => value === MADE_UP)).toHaveLength(lines.length);
  });
});

it.each(Object.entries(HTTP2_SERVERS))("through %s none of it passes", async (_name, serve) => {
  const scripts = [accept().readHead().send(ok("done"))];
  await inWorld(serve, { scripts }, async ({ port, upstream }) => {
    const names = [...SPELLINGS, ...OTHERS].map((name) => name.toLowerCase());
    const fields = Object.fromEntries(names.map((name) => [name, MADE_UP]));
    const { status } = await ask2(`http://127.0.0.1:${port}`, { ":path": "/", ...fields });
    expect(status).toBe(200);
    expect(upstream.heads()[0]).not.toContain(MADE_UP);
  });
});

describe("https from a peer that is not believed", () => {
  const serve = PROXY_SERVERS["node:http"] as ProxyServer;
  const answers = accept().readHead().send(ok("1")).readHead().send(ok("2"));

  /** What the owner is told when these come one after the other. */
  async function told(options: ProxyOptions, protos: readonly [string, string]) {
    let warnings: readonly string[] = [];
    await inWorld(serve, { scripts: [answers], options }, async ({ port, gateway }) => {
      for (const proto of protos) await exchange(port, get("/", { "x-forwarded-proto": proto }));
      warnings = gateway.snapshot().warnings.map(({ message }) => message);
    });
    return warnings.filter((message) => message.includes("X-Forwarded-Proto"));
  }

  it("is told once, with what to do", async () => {
    const [warning, ...others] = await told({}, ["https", "https"]);
    expect(warning).toMatch(/127\.0\.0\.1.*behind: "nginx".*forwarded: \{ trust/s);
    expect(others).toEqual([]);
  });

  it("is nothing to tell where it is believed, or says http", async () => {
    expect(await told({ forwarded: { trust: ["loopback"] } }, ["https", "https"])).toEqual([]);
    expect(await told({ forwarded: false }, ["https", "https"])).toEqual([]);
    expect(await told({}, ["http", "http"])).toEqual([]);
  });
});
