/**
 * Rows of the gallery for failures on the way to a connection: name, address, socket, TLS.
 * Nothing was written in any of them, so the upstream has read nothing, and POST is tried as often
 * as GET.
 */
import { chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  accept,
  fullBacklog,
  refusingPort,
  type Script,
  type ScriptedUpstream,
  testCertificates,
} from "good-gateway/testing";
import { EXHAUSTED, PROHIBITED, RESOLVER_REFUSES, RESOLVER_SILENT } from "../tools/below-node.js";
import { fullUnixBacklog } from "../tools/full-unix-backlog.js";
import type { Row } from "../tools/provoke.js";
import type { WorldOptions } from "../tools/world.js";

const certificates = testCertificates();
const NOTHING_SENT = { sends: [0, 0], attempts: [3, 3] } as const;
/** Our own settings are at fault, and asking again with them would change nothing. */
const OUR_SETTINGS = { sends: [0, 0], attempts: [1, 1], breaker: "neutral" } as const;
/** Nobody but root may pass by the permissions of a file; this user is `nobody` in most systems. */
const NOBODY = 65_534;
const UNUSABLE_PEM = "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n";

function overTls(played: ScriptedUpstream | null): { url: string; tls: { ca: string } } {
  return { url: `https://127.0.0.1:${played?.port}`, tls: { ca: certificates.ca } };
}

/** A server that should speak TLS and does this instead. */
function insteadOfTls(script: Script): WorldOptions {
  return { script, targets: overTls };
}

function withCertificate(pair: { readonly cert: string; readonly key: string }): WorldOptions {
  return { script: accept().readHead().hang(), serve: { tls: pair }, targets: overTls };
}

// A user without rights for a moment, in a process of root; anyone else has no rights already.
function asNobody(): () => void {
  if (process.getuid?.() !== 0) return () => {};
  process.seteuid?.(NOBODY);
  return () => process.seteuid?.(0);
}

export const CONNECT: readonly Row[] = [
  {
    code: "dns_name_not_found",
    answer: 502,
    error: "dns_error",
    ...OUR_SETTINGS,
    // RFC 1035 §2.3.4: a label has 63 octets at the most, so no name server has to be asked.
    world: { targets: () => `http://${"x".repeat(64)}.test:80` },
  },
  {
    code: "dns_error",
    answer: 502,
    error: "dns_error",
    ...NOTHING_SENT,
    breaker: "failure",
    world: { targets: () => RESOLVER_REFUSES },
    seam: "where name servers are asked is a setting of the machine",
  },
  {
    code: "dns_timeout",
    answer: 504,
    error: "dns_timeout",
    ...NOTHING_SENT,
    breaker: "failure",
    world: { targets: () => RESOLVER_SILENT },
    seam: "where name servers are asked is a setting of the machine",
  },
  {
    code: "destination_ip_prohibited",
    answer: 502,
    error: "destination_ip_prohibited",
    ...OUR_SETTINGS,
    world: { targets: () => PROHIBITED },
    seam: "a firewall rule takes root and changes the machine",
  },
  {
    code: "destination_ip_unroutable",
    answer: 502,
    error: "destination_ip_unroutable",
    ...NOTHING_SENT,
    breaker: "failure",
    // RFC 919: the limited broadcast address; TCP has no route to it, with or without a network.
    world: { targets: () => "http://255.255.255.255:80" },
  },
  {
    code: "connection_refused",
    answer: 502,
    error: "connection_refused",
    ...NOTHING_SENT,
    breaker: "failure",
    world: async () => {
      const port = await refusingPort();
      return { targets: () => `http://127.0.0.1:${port}` };
    },
  },
  {
    code: "unix_socket_missing",
    answer: 502,
    error: "connection_refused",
    ...NOTHING_SENT,
    breaker: "failure",
    world: { targets: () => `unix:${join(tmpdir(), "good-gateway-nobody-here.sock")}` },
  },
  {
    code: "unix_socket_forbidden",
    answer: 502,
    error: "connection_refused",
    ...OUR_SETTINGS,
    world: { scripts: [], serve: { unix: true } },
    before: async ({ played }) => {
      await chmod(String(played?.socketPath), 0);
      return asNobody();
    },
    alone: true,
  },
  {
    code: "unix_backlog_full",
    answer: 503,
    error: "destination_unavailable",
    ...NOTHING_SENT,
    breaker: "failure",
    world: async () => {
      const { origin, close } = await fullUnixBacklog();
      return { targets: () => origin, cleanUp: close };
    },
  },
  {
    code: "connection_timeout",
    answer: 504,
    error: "connection_timeout",
    ...NOTHING_SENT,
    breaker: "failure",
    world: async () => {
      const { origin, close } = await fullBacklog();
      return { targets: () => origin, cleanUp: close };
    },
  },
  {
    code: "local_resources_exhausted",
    answer: 500,
    error: "proxy_internal_error",
    ...NOTHING_SENT,
    breaker: "neutral",
    world: { targets: () => EXHAUSTED },
    seam: "a process without descriptors can run no test",
  },
  {
    code: "proxy_configuration_error",
    answer: 500,
    error: "proxy_configuration_error",
    ...OUR_SETTINGS,
    world: {
      targets: () => ({
        url: "https://127.0.0.1:2",
        tls: { cert: UNUSABLE_PEM, key: UNUSABLE_PEM },
      }),
    },
  },
  {
    code: "connection_reset_while_connecting",
    answer: 502,
    error: "connection_terminated",
    ...NOTHING_SENT,
    breaker: "failure",
    world: insteadOfTls(accept().readBytes(1).reset()),
  },
  {
    code: "tls_handshake_timeout",
    answer: 504,
    error: "connection_timeout",
    ...NOTHING_SENT,
    breaker: "failure",
    world: insteadOfTls(accept().hang()),
  },
  {
    code: "tls_protocol_error",
    answer: 502,
    error: "tls_protocol_error",
    ...OUR_SETTINGS,
    world: insteadOfTls(accept().readBytes(1).send("HTTP/1.1 400 Bad Request\r\n\r\n").close()),
  },
  {
    code: "tls_certificate_error",
    answer: 502,
    error: "tls_certificate_error",
    ...OUR_SETTINGS,
    world: withCertificate(certificates.selfSigned),
  },
  {
    code: "tls_certificate_expired",
    answer: 502,
    error: "tls_certificate_error",
    ...NOTHING_SENT,
    breaker: "failure",
    world: withCertificate(certificates.expired),
  },
  {
    code: "tls_alert_received",
    answer: 502,
    error: "tls_alert_received",
    ...OUR_SETTINGS,
    // RFC 8446 §6: a fatal alert, handshake_failure.
    world: insteadOfTls(
      accept()
        .readBytes(1)
        .send(Uint8Array.of(0x15, 3, 3, 0, 2, 2, 0x28))
        .close(),
    ),
  },
];
