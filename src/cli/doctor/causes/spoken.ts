/**
 * Causes in an upstream of another protocol than HTTP/1: it speaks another one, is silent, or
 * answers with an error of its application.
 */
import { fault, said } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { Facts } from "../facts/facts.js";
import type { SpokenAsked } from "../probes/spoken.js";
import { bannerOf } from "./banners.js";

const NAMES: Readonly<Record<SpokenAsked["protocol"], string>> = {
  ...{ uwsgi: "uwsgi", scgi: "SCGI", ajp: "AJP", memcached: "memcached", tcp: "TCP" },
  ...{ grpc: "HTTP/2 without TLS", grpcs: "HTTP/2 over TLS" },
};

/** What of the upstream is to be looked at, where it closes or is silent. */
const HINTS: Readonly<Partial<Record<SpokenAsked["protocol"], string>>> = {
  uwsgi: "uWSGI speaks uwsgi at `socket`, and HTTP at `http-socket`: the front must fit.",
  ajp: "Tomcat's AJP connector listens on ::1 and wants a secret, unless configured otherwise.",
  grpc: "gRPC without TLS is h2c: the server must speak HTTP/2 without an upgrade.",
  grpcs: "The server must offer h2 in ALPN.",
};

export function spokenCauses({ spoken, endpoint, local }: Facts): readonly Finding[] {
  if (spoken === null) return [];
  const { protocol, code, detail, firstBytes, status } = spoken;
  const name = NAMES[protocol];
  const evidence = said(
    `a question in ${name}: ${detail}`,
    firstBytes !== "" && code !== null && `first bytes: ${JSON.stringify(firstBytes.slice(0, 60))}`,
    local?.process != null && `pid ${local.process.pid}: ${local.process.command}`,
  );
  const place = endpoint.socketPath ?? `port ${endpoint.port}`;
  if (code === "http_response_timeout") {
    return [
      fault({
        cause: "application_is_slow",
        layer: "head",
        code,
        confidence: "likely",
        title: `What listens on ${place} took a question in ${name} and did not answer it.`,
        evidence,
        fix: `Its workers may be busy, or it speaks another protocol. ${HINTS[protocol] ?? ""}`,
      }),
    ];
  }
  if (code === "http_protocol_error") {
    const http = firstBytes.startsWith("HTTP/") || /it answers HTTP/.test(detail);
    const speaks = http ? "HTTP/1" : (bannerOf(firstBytes)?.speaks ?? "another protocol");
    return [
      fault({
        cause: "another_protocol",
        layer: "head",
        code,
        blame: "proxy",
        title: `What listens on ${place} speaks ${speaks}, and ${name} is spoken to it.`,
        evidence,
        fix: http
          ? "proxy_pass in nginx, http:// in Apache: ask it in HTTP."
          : `Correct the port, or the protocol. ${HINTS[protocol] ?? ""}`,
      }),
    ];
  }
  if (code !== null) {
    return [
      fault({
        cause: "closes_without_answer",
        layer: "head",
        code: "connection_terminated",
        confidence: "likely",
        title: `What listens on ${place} closes at a question in ${name}.`,
        evidence,
        fix: `It speaks another protocol, or its application ends. ${HINTS[protocol] ?? ""}`.trim(),
      }),
    ];
  }
  if (status === null || status < 500) return [];
  return [
    fault({
      cause: "application_answers_error",
      layer: "head",
      code: "received_server_error",
      confidence: "likely",
      title: `The application itself answers ${status}.`,
      evidence,
      fix: "Its own log has the reason: look at this second.",
    }),
  ];
}
