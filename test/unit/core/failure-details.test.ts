/** What is told of a failure beside its name, from the errors that Node itself makes. */
import { createSocket } from "node:dgram";
import { promises } from "node:dns";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { connect } from "node:tls";
import { describe, expect, it } from "vitest";
import { alertOf } from "../../../src/catalog/wire-codes.js";
import { detailsOf } from "../../../src/core/failure-details.js";
import { NamedError } from "../../../src/core/named-error.js";

/** What TLS makes of a fatal alert in place of a handshake. */
async function errorOfAlert(id: number): Promise<NodeJS.ErrnoException> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(Uint8Array.of(0x15, 3, 3, 0, 2, 2, id)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1" });
  const [error] = (await once(client, "error").catch((cause) => [cause])) as [Error];
  client.destroy();
  server.close();
  return error;
}

/** What the resolver makes of a name server that answers with this RCODE (RFC 1035 §4.1.1). */
async function errorOfRcode(rcode: number): Promise<unknown> {
  const server = createSocket("udp4");
  server.on("message", (query, { port, address }) => {
    const answer = Buffer.from(query);
    answer.writeUInt16BE(0x8180 | rcode, 2);
    server.send(answer, port, address);
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  const resolver = new promises.Resolver({ timeout: 5_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${server.address().port}`]);
  const error = await resolver.resolve4("orders.test").catch((cause: unknown) => cause);
  server.close();
  return error;
}

const ALERT_IDS = [
  ...[10, 20, 22, 40, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 70],
  ...[71, 80, 86, 109, 110, 112, 116, 120],
];

describe("an alert", () => {
  it.each(ALERT_IDS)(
    "%i is told by its number and its word, as OpenSSL spells it in this Node",
    async (id) => {
      const error = await errorOfAlert(id);
      expect(alertOf(String(error.code))?.id, String(error.code)).toBe(id);
      const details = detailsOf("tls_alert_received", new Error("wrapped", { cause: error }));
      expect(details).toMatch(new RegExp(`^alert-id=${id} alert-message=[a-z_]+$`));
    },
  );

  it.each(["ERR_SSL_ALERT", "ERR_SSL_TLSV1_ALERT_CONSTRUCTOR", "ECONNRESET"])(
    "is not made of %s",
    (code) => expect(alertOf(code)).toBeNull(),
  );
});

describe("the answer of a name server", () => {
  it.each([
    [1, "FORMERR"],
    [2, "SERVFAIL"],
    [3, "NXDOMAIN"],
    [4, "NOTIMP"],
    [5, "REFUSED"],
  ])("%i is told as %s", async (rcode, name) => {
    expect(detailsOf("dns_error", await errorOfRcode(rcode))).toBe(`rcode=${name}`);
  });

  it("is not made of what getaddrinfo says, which has asked somebody else", () => {
    const error = Object.assign(new Error(), { code: "ENOTFOUND", syscall: "getaddrinfo" });
    expect(detailsOf("dns_name_not_found", error)).toBeUndefined();
  });
});

describe("what our own code knows", () => {
  it("stands, and no other failure is given details", () => {
    const named = new NamedError("http_response_transfer_coding", "coding=gzip");
    expect(detailsOf("http_response_transfer_coding", named)).toBe("coding=gzip");
    expect(detailsOf("connection_refused", new Error("x"))).toBeUndefined();
    expect(detailsOf("dns_error", null)).toBeUndefined();
  });
});
