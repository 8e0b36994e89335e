/**
 * A target that cannot be used from here, by our own configuration, beside others that are well: it
 * costs no call, and is left alone soon. Where it is the only one its name stays what it is.
 */
import { createServer, type Server as HttpServer } from "node:http";
import { createServer as createSecure, type Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createGateway, type FailureCode, type UpstreamOptions } from "good-gateway";
import { testCertificates } from "good-gateway/testing";
import { afterEach, describe, expect, it } from "vitest";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function listening(server: HttpServer | HttpsServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function well(): Promise<string> {
  const server = createServer((req, res) => req.resume().on("end", () => res.end("ok")));
  return `http://127.0.0.1:${await listening(server)}`;
}

async function untrusted(): Promise<string> {
  return `https://127.0.0.1:${await listening(createSecure(testCertificates().selfSigned))}`;
}

type Wrong = readonly [
  what: string,
  code: FailureCode,
  wrong: () => Promise<string>,
  options: Partial<UpstreamOptions>,
];

const WRONG: readonly Wrong[] = [
  [
    "a forbidden address",
    "destination_ip_prohibited",
    async () => "http://127.0.0.2:8080",
    { addresses: { forbid: ["127.0.0.2/32"] } },
  ],
  [
    "a name that does not exist",
    "dns_name_not_found",
    async () => `http://${"x".repeat(64)}.test:80`,
    {},
  ],
  ["a certificate that is not trusted", "tls_certificate_error", untrusted, {}],
  [
    "no route",
    "destination_ip_unroutable",
    // RFC 919: the limited broadcast address; TCP has no route to it, with or without a network.
    async () => "http://255.255.255.255:80",
    {},
  ],
];

const CALLS = 200;
/** Until it is ejected, and the trials of a few seconds. */
const TRIES_MAX = 12;

describe.each(WRONG)("%s", (_, code, wrong, options) => {
  it.each(["GET", "POST"])("costs no %s while others are well", async (method) => {
    const others = [await well(), await well()];
    const targets = [await wrong(), ...others];
    const upstreams = { app: { targets, balance: "round_robin", ...options } as UpstreamOptions };
    const gateway = createGateway({ name: "edge", upstreams, onWarning: () => {} });
    closing.push(() => gateway.close());
    const tries: (FailureCode | null)[] = [];
    gateway.on("attempt:end", ({ attempt }) => {
      if (!others.includes(attempt.target ?? "")) tries.push(attempt.code);
    });
    const failed: unknown[] = [];
    for (let count = 0; count < CALLS; count += 1) {
      const outcome = await gateway.upstream("app").send({ method, path: "/", body: "text" });
      if (outcome.kind === "success") await outcome.response.body.text();
      else failed.push(outcome.failure.code);
    }
    expect(failed).toEqual([]);
    expect(new Set(tries)).toEqual(new Set([code]));
    expect(tries.length).toBeLessThanOrEqual(TRIES_MAX);
  });
});

it("alone keeps its name, however often it is called", async () => {
  const targets = `http://${"x".repeat(64)}.test:80`;
  const gateway = createGateway({ name: "edge", upstreams: { app: { targets } } });
  closing.push(() => gateway.close());
  for (let count = 0; count < 20; count += 1) {
    const outcome = await gateway.upstream("app").send({ path: "/" });
    expect(outcome).toMatchObject({ failure: { code: "dns_name_not_found" } });
  }
});
