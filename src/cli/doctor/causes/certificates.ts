/**
 * Causes in TLS: the port that does not speak it, and certificates that no client may trust.
 * Each says what to change, and on which side.
 */
import { isoDate, parseDate } from "../../../base/clock.js";
import { fault, said, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { Facts } from "../facts/facts.js";
import { type Certificate, isChecked } from "../probes/secure.js";
import { stuckProcess, waitingOf } from "./stuck.js";

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Time to renew without hurry. */
const EXPIRY_WARNING_DAYS = 14;

export function certificateCauses(facts: Facts, now: number): readonly Finding[] {
  const { secured, endpoint } = facts;
  if (secured === null) return [];
  const { certificate, mistrust, step } = secured;
  const evidence = [`${step.name}: ${step.detail}`];
  const demanded = wantsCertificate(facts);
  if (demanded !== null) return [clientCertificate([...evidence, demanded])];
  if (certificate === null && mistrust === null) return noHandshake(facts, evidence);
  if (mistrust !== null) {
    const name = endpoint.tls.servername || endpoint.hostname;
    const finding = mistrusted(mistrust, certificate, name, [...evidence, ...clocks(facts, now)]);
    return isChecked(mistrust, endpoint.tls.checks) ? [finding] : [unchecked(mistrust, finding)];
  }
  return certificate === null ? [] : expiresSoon(certificate, now);
}

function noHandshake(facts: Facts, evidence: readonly string[]): readonly Finding[] {
  const { otherProtocol, endpoint, secured } = facts;
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
  if (secured?.step.code === "tls_handshake_timeout") return [unanswered(facts, evidence)];
  const errno = secured?.errno ?? "";
  if (/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|WRONG_SSL_VERSION/i.test(errno)) {
    return [oldVersion(endpoint, evidence)];
  }
  if (/HANDSHAKE_FAILURE|UNRECOGNIZED_NAME|NO_APPLICATION_PROTOCOL|INTERNAL_ERROR/i.test(errno)) {
    return [refusedHandshake(endpoint, errno, evidence)];
  }
  return [
    fault({
      cause: "no_tls_there",
      layer: "secure",
      code: "tls_protocol_error",
      confidence: "likely",
      title: `Port ${endpoint.port} does not answer the TLS handshake.`,
      evidence,
      fix:
        "Look at what listens there; it is not an HTTPS server, or it closes on an " +
        "unknown name.",
    }),
  ];
}

/** The connection is accepted, and TLS on it is not answered to its end. */
function unanswered(facts: Facts, evidence: readonly string[]): Finding {
  const { endpoint, limits, secured, local } = facts;
  const code = "tls_handshake_timeout";
  const stuck = stuckProcess(facts, code, evidence);
  if (stuck !== null) return stuck;
  const waiting = waitingOf(facts);
  const heard = secured?.heardBytes ?? 0;
  return fault({
    cause: waiting > 0 ? "does_not_accept" : "tls_unanswered",
    layer: "secure",
    code,
    confidence: waiting > 0 ? "likely" : "possible",
    title:
      waiting > 0
        ? "The application does not even accept its connections: it is stuck."
        : `Port ${endpoint.port} accepts the connection, but TLS on it was not complete ` +
          `after ${limits.connectMs} ms.`,
    evidence: said(
      ...evidence,
      heard > 0 ? `${heard} bytes of its answer arrived` : "not a byte of an answer arrived",
      waiting > 0 && `${waiting} connections wait to be accepted`,
    ),
    fix:
      waiting > 0
        ? "Look at what it waits for: a lock, a computation, a debugger."
        : "The process hangs or is stopped, the port expects plain text" +
          (local === null ? ", or answers are lost on the way, perhaps only large ones:" : ":"),
    ...(waiting > 0
      ? {}
      : {
          write:
            `openssl s_client -connect ${endpoint.authority}` +
            (local === null ? `; ping -M do -s 1472 ${endpoint.hostname}` : ""),
        }),
  });
}

/** Bytes of a server that has shown its certificate before it ended the handshake. */
const SHOWN_BYTES = 200;

/** What shows that the server wanted a certificate of ours; null when nothing does. */
function wantsCertificate({ secured, first, endpoint }: Facts): string | null {
  if (endpoint.tls.cert !== null) return null;
  const errno = secured?.errno ?? first?.errno ?? "";
  if (/CERTIFICATE_REQUIRED/i.test(errno)) return `${errno} came after the handshake`;
  const late = (secured?.heardBytes ?? 0) > SHOWN_BYTES;
  if (late && /HANDSHAKE_FAILURE|BAD_CERTIFICATE/i.test(secured?.errno ?? "")) {
    return `${secured?.errno ?? ""} came after the server had shown its own certificate`;
  }
  const says = /No required SSL certificate was sent|SSL certificate error/i;
  return says.test(first?.bodyText ?? "") ? "the server says so itself, with status 400" : null;
}

function clientCertificate(evidence: readonly string[]): Finding {
  return fault({
    cause: "client_certificate_required",
    layer: "secure",
    code: "tls_alert_received",
    blame: "proxy",
    title: "The server asks for a client certificate, and none was sent.",
    evidence,
    fix: "Give the proxy one (as nginx writes it):",
    write: "proxy_ssl_certificate client.pem;\nproxy_ssl_certificate_key client.key;",
  });
}

function oldVersion({ hostname, port }: Facts["endpoint"], evidence: readonly string[]): Finding {
  return fault({
    cause: "tls_version_too_old",
    layer: "secure",
    code: "tls_protocol_error",
    title: "The server and this machine have no version of TLS in common.",
    evidence: [
      ...evidence,
      "TLS 1.2 and 1.3 were offered; 1.0 and 1.1 are switched off everywhere",
    ],
    fix: "Let the server speak TLS 1.2 (nginx: ssl_protocols TLSv1.2 TLSv1.3;). To see it:",
    write: `openssl s_client -tls1 -connect ${hostname}:${port}`,
  });
}

function refusedHandshake(
  { tls, hostname }: Facts["endpoint"],
  errno: string,
  evidence: readonly string[],
): Finding {
  const nameless = tls.servername === "";
  return fault({
    cause: nameless ? "no_server_name_sent" : "handshake_refused",
    layer: "secure",
    code: "tls_alert_received",
    blame: nameless ? "proxy" : "upstream",
    confidence: "likely",
    title: nameless
      ? "The server ends the handshake: it needs the server name (SNI), and the front sends none."
      : "The server ends the handshake: it does not know " +
        `${tls.servername ?? hostname}, or no common cipher.`,
    evidence: [...evidence, errno],
    fix: "Send the name that the server has a certificate for:",
    write: `proxy_ssl_server_name on;\nproxy_ssl_name ${hostname};`,
  });
}

/** What is wrong, and fails only where a client checks it. */
function unchecked(mistrust: string, finding: Finding): Finding {
  const evidence = [...finding.evidence, "the front does not check it, so it does not fail there"];
  const others = /EXPIRED|NOT_YET_VALID|ALTNAME/.test(mistrust);
  return others
    ? { ...finding, impact: "some", evidence }
    : { ...finding, severity: "note", evidence };
}

/** Seconds by which clocks may differ before it matters. */
const SKEW_MS_MAX = 60_000;

/** A certificate is judged by our clock; the server sends the time that it assumes. */
function clocks({ first }: Facts, now: number): readonly string[] {
  const theirs = parseDate(String(first?.answer?.headers.date ?? ""));
  if (Number.isNaN(theirs) || Math.abs(theirs - now) < SKEW_MS_MAX) return [];
  return [
    `the clock of the server says ${isoDate(theirs)}, the one of this machine ${isoDate(now)}`,
  ];
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
