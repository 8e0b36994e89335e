/**
 * Causes in TLS: the port that does not speak it, and certificates that nobody may trust.
 * Each says what to change, and on which side.
 */
import { isoDate } from "../../../base/clock.js";
import { fault, said, warning } from "../../../gateway/diagnosis-finding.js";
import type { Finding } from "../../../gateway/diagnosis-report.js";
import type { Facts } from "../facts.js";
import type { Certificate } from "../probes/secure.js";

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Time to renew without hurry. */
const EXPIRY_WARNING_DAYS = 14;

export function certificateCauses(facts: Facts, now: number): readonly Finding[] {
  const { secured, endpoint } = facts;
  if (secured === null) return [];
  const { certificate, mistrust, step } = secured;
  const evidence = [`${step.name}: ${step.detail}`];
  if (certificate === null && mistrust === null) return noHandshake(facts, evidence);
  if (mistrust !== null) {
    return [mistrusted(mistrust, certificate, endpoint.hostname, evidence)];
  }
  return certificate === null ? [] : expiresSoon(certificate, now);
}

function noHandshake(
  { otherProtocol, endpoint, secured }: Facts,
  evidence: readonly string[],
): readonly Finding[] {
  if (secured?.step.result === "ok") return [];
  if (otherProtocol === "http") {
    return [
      fault({
        cause: "https_to_plain_port",
        layer: "secure",
        code: "tls_protocol_error",
        title: `Port ${endpoint.port} speaks plain HTTP, and https:// is asked of it.`,
        evidence: [...evidence, "a plain HTTP request to the same port was answered"],
        fix: `Write http://${endpoint.authority}, or the port of its TLS listener.`,
      }),
    ];
  }
  const errno = secured?.errno ?? "";
  if (/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|UNRECOGNIZED_NAME/i.test(errno)) {
    return [alerted(errno, evidence)];
  }
  return [
    fault({
      cause: "no_tls_there",
      layer: "secure",
      code: "tls_protocol_error",
      confidence: "likely",
      title: `Port ${endpoint.port} does not answer the TLS handshake.`,
      evidence,
      fix: "Look at what listens there; it is not an HTTPS server, or not one of this century.",
    }),
  ];
}

function alerted(errno: string, evidence: readonly string[]): Finding {
  const wantsOurs = /CERTIFICATE_REQUIRED/i.test(errno);
  return fault({
    cause: wantsOurs ? "client_certificate_required" : "handshake_refused",
    layer: "secure",
    code: "tls_alert_received",
    confidence: wantsOurs ? "certain" : "likely",
    title: wantsOurs
      ? "The server asks for a client certificate, and none was sent."
      : "The server ends the handshake: it does not know this name, or no common version.",
    evidence,
    fix: wantsOurs
      ? "Give the proxy a certificate (proxy_ssl_certificate; tls: { cert, key } in targets)."
      : "Send the right server name: proxy_ssl_server_name on; proxy_ssl_name NAME;",
  });
}

function mistrusted(
  mistrust: string,
  certificate: Certificate | null,
  hostname: string,
  evidence: readonly string[],
): Finding {
  const about = said(
    ...evidence,
    certificate !== null && `subject ${certificate.subject}, issuer ${certificate.issuer}`,
    certificate !== null && `valid until ${dateOf(certificate.validTo)}`,
    certificate !== null && `for ${certificate.names.join(", ")}`,
  );
  const common = { layer: "secure", evidence: about } as const;
  switch (mistrust) {
    case "CERT_HAS_EXPIRED":
      return fault({
        ...common,
        cause: "certificate_expired",
        code: "tls_certificate_expired",
        title: `The certificate expired on ${dateOf(certificate?.validTo ?? 0)}.`,
        fix: "Renew it, and let the server load it again.",
      });
    case "CERT_NOT_YET_VALID":
      return fault({
        ...common,
        cause: "certificate_not_yet_valid",
        code: "tls_certificate_error",
        title: "The certificate is not valid yet.",
        fix: "Compare the clocks of both machines.",
      });
    case "ERR_TLS_CERT_ALTNAME_INVALID":
    case "HOSTNAME_MISMATCH":
      return fault({
        ...common,
        cause: "certificate_for_other_name",
        code: "tls_certificate_error",
        title: `The certificate is not for ${hostname}.`,
        fix: "Ask by a name of the certificate (servername in tls), or issue one for this name.",
      });
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
      return fault({
        ...common,
        cause: "certificate_self_signed",
        code: "tls_certificate_error",
        title: "The certificate is signed by itself or by an authority that is not known here.",
        fix: "Give the authority's certificate to the proxy (tls: { ca } in targets).",
      });
    default:
      return fault({
        ...common,
        cause: "certificate_chain_incomplete",
        code: "tls_certificate_error",
        confidence: "likely",
        title: `The certificate cannot be traced to a known authority (${mistrust}).`,
        fix: "Let the server send the whole chain, or give the authority's certificate (tls.ca).",
      });
  }
}

function expiresSoon({ validTo, subject }: Certificate, now: number): readonly Finding[] {
  const days = Math.floor((validTo - now) / DAY_MS);
  if (days > EXPIRY_WARNING_DAYS) return [];
  return [
    warning({
      cause: "certificate_expires_soon",
      layer: "secure",
      code: "tls_certificate_expired",
      title: `The certificate of ${subject} expires in ${days} days.`,
      evidence: [`valid until ${dateOf(validTo)}`],
      fix: "Renew it, and find out why that did not happen by itself.",
    }),
  ];
}

function dateOf(time: number): string {
  return isoDate(time).slice(0, "2026-01-01".length);
}
