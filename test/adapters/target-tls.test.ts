/** All of TLS that a target takes, against servers that look at what they are shown. */
import { execFileSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { createGateway, type Gateway, type UpstreamOptions } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { testAuthority } from "good-gateway/testing";
import { afterEach, expect, it, vi } from "vitest";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const authority = testAuthority();
const SERVER = authority.issue();

/** Answers with what it saw of the client: the names in its certificate, and the version. */
async function server(options: ServerOptions = {}): Promise<string> {
  const made = createServer(
    { ...SERVER, ca: authority.ca, requestCert: true, rejectUnauthorized: false, ...options },
    ({ socket }, res) => {
      const secure = socket as TLSSocket;
      const { subjectaltname = "nobody" } = secure.getPeerCertificate();
      res.setHeader("connection", "close");
      res.end(`${subjectaltname} ${secure.getProtocol()} ${secure.authorized}`);
    },
  );
  made.listen(0, "127.0.0.1");
  await once(made, "listening");
  cleanUps.push(() => made.close());
  return `https://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

type Tls = Exclude<Extract<UpstreamOptions["targets"], { readonly url: string }>["tls"], undefined>;

function asking(url: string, tls: Tls) {
  const gateway: Gateway<"app"> = createGateway({
    upstreams: { app: { targets: { url, tls }, retry: false } },
  });
  cleanUps.push(() => gateway.close());
  const ask = gatewayFetch(gateway.upstream("app"));
  return async (): Promise<string> => {
    try {
      return await (await ask("/")).text();
    } catch (error) {
      return (error as { readonly code: string }).code;
    }
  };
}

function folder() {
  const path = mkdtempSync(join(tmpdir(), "good-gateway-tls-"));
  cleanUps.push(() => rmSync(path, { recursive: true }));
  return (name: string, text: string): { readonly file: string } => {
    const file = join(path, name);
    // As tools that renew certificates do it: the new file takes the place of the old one at once.
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
    return { file };
  };
}

it("a certificate that is replaced on disk is shown by the next connection", async () => {
  const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  cleanUps.push(() => warnings.mockRestore());
  const write = folder();
  const [first, second] = ["one.example", "two.example"].map((name) =>
    authority.issue({ names: [name] }),
  );
  const tls = {
    ca: write("ca.pem", authority.ca),
    cert: write("tls.crt", first?.cert ?? ""),
    key: write("tls.key", first?.key ?? ""),
  };
  const ask = asking(await server(), tls);
  expect(await ask()).toBe("DNS:one.example TLSv1.3 true");
  // Half of a pair is not used, and said once.
  write("tls.crt", second?.cert ?? "");
  expect(await ask()).toBe("DNS:one.example TLSv1.3 true");
  expect(await ask()).toBe("DNS:one.example TLSv1.3 true");
  expect(warnings).toHaveBeenCalledTimes(1);
  write("tls.key", second?.key ?? "");
  expect(await ask()).toBe("DNS:two.example TLSv1.3 true");
});

it("an authority that is replaced on disk is believed from the next connection on", async () => {
  const write = folder();
  const ask = asking(await server(), { ca: write("ca.pem", testAuthority().ca) });
  expect(await ask()).toBe("tls_certificate_error");
  write("ca.pem", authority.ca);
  expect(await ask()).toBe("nobody TLSv1.3 false");
});

it("a key with a passphrase, an archive, versions and a check of one's own", async () => {
  const { ca } = authority;
  const { cert, key } = authority.issue({ names: ["me.example"] });
  const secretKey = createPrivateKey(key)
    .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "open" })
    .toString();
  const url = await server();
  const me = "DNS:me.example TLSv1.3 true";
  expect(await asking(url, { ca, cert, key: secretKey, passphrase: "open" })()).toBe(me);
  expect(await asking(url, { ca, maxVersion: "TLSv1.2" })()).toBe("nobody TLSv1.2 false");
  const old = await server({ maxVersion: "TLSv1.2" });
  expect(await asking(old, { ca, minVersion: "TLSv1.3" })()).toMatch(/^tls_/);
  const asked: string[] = [];
  const checkServerIdentity = (host: string): Error | undefined => {
    asked.push(host);
    if (asked.length > 2) throw new Error("a hook of the user");
    return asked.length > 1 ? new Error("not this one") : undefined;
  };
  const servername = "elsewhere.example";
  for (const expected of [
    "nobody TLSv1.3 false",
    "tls_certificate_error",
    "proxy_internal_error",
  ]) {
    // A session that is resumed was judged before.
    expect(await asking(url, { ca, servername, checkServerIdentity })()).toBe(expected);
  }
  expect(asked).toEqual([servername, servername, servername]);

  const write = folder();
  const { file } = write("both.pem", cert + key);
  const out = `${file}.p12`;
  execFileSync("openssl", ["pkcs12", "-export", "-in", file, "-out", out, "-passout", "pass:open"]);
  expect(await asking(url, { ca, pfx: { file: out }, passphrase: "open" })()).toBe(me);
});

it.each([
  [{ ca: { file: "/nowhere/ca.pem" } }, "/nowhere/ca.pem cannot be used: ENOENT"],
  [{ pfx: "text" }, 'tls.pfx: "text" is not a Buffer; write { file }'],
  [{ minVersion: "1.3" }, 'tls.minVersion: "1.3" is no version; write "TLSv1.2" or "TLSv1.3"'],
  [{ passphrase: 7 }, "tls.passphrase: this is not a text"],
  [{ checkServerIdentity: true }, "tls.checkServerIdentity: true is no function"],
  [
    { checkServerIdentity: () => undefined, rejectUnauthorized: false },
    "tls.checkServerIdentity: has no effect",
  ],
])("%j is refused", (tls, said) => {
  const options = { upstreams: { app: { targets: { url: "https://a", tls } } } };
  expect(() => createGateway(options as never)).toThrow(said);
});
