import { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import {
  accept,
  type CertificatePair,
  ok,
  type ScriptedUpstream,
  scriptedUpstream,
  testAuthority,
  testCertificates,
} from "../../../src/testing/index.js";

const opened: ScriptedUpstream[] = [];
afterEach(async () => {
  for (const upstream of opened.splice(0)) await upstream.close();
});

const certificates = testCertificates();

/** What a careful client makes of a server with this certificate: null, or an error code. */
async function verdictOn(pair: CertificatePair, ca: string | undefined): Promise<string | null> {
  const upstream = await scriptedUpstream([accept().hang()], { tls: pair });
  opened.push(upstream);
  const { host, port } = upstream;
  return new Promise((resolve) => {
    const trust = ca === undefined ? {} : { ca };
    const socket = connect({ host, port, servername: "localhost", ...trust }, () => {
      resolve(null);
      socket.end();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "no code"));
  });
}

describe("test certificates", () => {
  it("are accepted when valid and issued by an authority that the client trusts", async () => {
    expect(await verdictOn(certificates.valid, certificates.ca)).toBeNull();
  });

  it.each([
    ["expired", "CERT_HAS_EXPIRED"],
    ["notYetValid", "CERT_NOT_YET_VALID"],
    ["wrongName", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["selfSigned", "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ] as const)("are refused when %s, for that reason alone", async (kind, code) => {
    expect(await verdictOn(certificates[kind], certificates.ca)).toBe(code);
  });

  it("are refused by a client that does not know the authority", async () => {
    expect(await verdictOn(certificates.valid, undefined)).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    expect(await verdictOn(certificates.valid, testAuthority().ca)).toBe(
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    );
  });

  it("say what was asked for", () => {
    const authority = testAuthority();
    const names = ["orders.example", "*.orders.example", "10.0.0.5"];
    const pair = authority.issue({ names, from: "2031-02-03", until: "2051-04-05" });
    const read = new X509Certificate(pair.cert);
    expect(read.subjectAltName).toBe(
      "DNS:orders.example, DNS:*.orders.example, IP Address:10.0.0.5",
    );
    expect(read.validFrom).toBe("Feb  3 00:00:00 2031 GMT");
    expect(read.validTo).toBe("Apr  5 00:00:00 2051 GMT");
    expect(read.ca).toBe(false);
    expect(new X509Certificate(authority.ca).ca).toBe(true);
    expect(read.verify(new X509Certificate(authority.ca).publicKey)).toBe(true);
  });

  it("are written rightly whatever the length of the names", () => {
    const authority = testAuthority();
    for (const length of [0, 1, 2, 5, 12, 60, 1000]) {
      const names = Array.from({ length }, (_, index) => `host-${index}.example`);
      const { subjectAltName = "" } = new X509Certificate(authority.issue({ names }).cert);
      expect(subjectAltName.split(", ").filter((name) => name !== "")).toHaveLength(length);
    }
  });

  it("serve a scripted upstream over TLS", async () => {
    const upstream = await scriptedUpstream([accept().readHead().send(ok("secret")).close()], {
      tls: certificates.valid,
    });
    opened.push(upstream);
    expect(upstream.origin).toBe(`https://127.0.0.1:${upstream.port}`);
    const received = await new Promise<string>((resolve, reject) => {
      const { host, port } = upstream;
      const socket = connect({ host, port, ca: certificates.ca, servername: "localhost" });
      let text = "";
      socket.on("data", (bytes) => {
        text += bytes;
      });
      socket.on("end", () => resolve(text));
      socket.on("error", reject);
      socket.write("GET / HTTP/1.1\r\n\r\n");
    });
    expect(received).toBe(ok("secret"));
    await upstream.verify();
  });
});
