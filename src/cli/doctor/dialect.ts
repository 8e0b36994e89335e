/**
 * What to write, in the language of the front whose configuration is read. A cause that is found by
 * an address alone knows no front, and says it as nginx does.
 */
import type { Finding } from "../../diagnosis/diagnosis-report.js";
import type { ConfiguredUpstream, FrontKind } from "./config/front-config.js";

const CLIENT_CERTIFICATE: Partial<Record<FrontKind, string>> = {
  nginx: "proxy_ssl_certificate client.pem;\nproxy_ssl_certificate_key client.key;",
  apache: "SSLProxyMachineCertificateFile client-with-key.pem",
  haproxy: "crt client-with-key.pem  # on the server line, behind ssl",
  caddy: "transport http {\n  tls_client_auth client.pem client.key\n}",
  traefik:
    "serversTransports:\n  own:\n    certificates:\n" +
    "      - { certFile: client.pem, keyFile: client.key }",
  envoy:
    "tls_certificates:\n  - certificate_chain: { filename: client.pem }\n" +
    "    private_key: { filename: client.key }",
  "good-gateway": "tls: { cert, key }  // of the target",
};

/** What asks in HTTP, in place of what asks in FastCGI. */
const HTTP_FOR_FASTCGI: Partial<Record<FrontKind, string>> = {
  caddy: "reverse_proxy in place of php_fastcgi.",
  apache: "http:// in place of fcgi://.",
  lighttpd: "proxy.server in place of fastcgi.server.",
};

/** The same finding, as it is mended in this front. */
export function inDialect(
  finding: Finding,
  front: FrontKind,
  upstream: ConfiguredUpstream,
): Finding {
  if (finding.cause === "client_certificate_required") {
    const { write: _, ...rest } = finding;
    const write = CLIENT_CERTIFICATE[front];
    // cloudflared sends none at all.
    if (write === undefined)
      return { ...rest, fix: `${front} sends none: let the server ask none.` };
    return { ...rest, fix: "Give the front one:", write };
  }
  if (finding.cause === "fastcgi_to_http_port") {
    return { ...finding, fix: HTTP_FOR_FASTCGI[front] ?? finding.fix };
  }
  const service = front === "compose" ? serviceOf(upstream) : null;
  if (service === null || finding.cause !== "nothing_listens") return finding;
  return {
    ...finding,
    title: `Nothing listens at ${upstream.address}: service ${service} is not up on this machine.`,
    fix: "Start it, and read the end of its log:",
    write: `docker compose up -d ${service}; docker compose logs --tail 50 ${service}`,
  };
}

function serviceOf({ context }: ConfiguredUpstream): string | null {
  return /^service ([^,]+),/.exec(context)?.[1] ?? null;
}
