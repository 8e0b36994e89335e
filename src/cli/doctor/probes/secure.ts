/**
 * The TLS handshake: protocol, certificate, name and expiry. The certificate is looked at before it
 * is judged, so that a refusal can say what is wrong with it.
 */

import { isIP, type Socket } from "node:net";
import {
  checkServerIdentity,
  connect as connectTls,
  type DetailedPeerCertificate,
  type TLSSocket,
} from "node:tls";
import { parseDate } from "../../../base/clock.js";
import type { FailureCode } from "../../../catalog/failures.js";
import { classifyError } from "../../../core/classify.js";
import { Timeline } from "../../../core/timeline.js";
import type { DiagnosisStep } from "../../../diagnosis/diagnosis-report.js";
import type { Endpoint, EndpointTls } from "../world/endpoint.js";
import type { DoctorLimits } from "../world/limits.js";
import type { DoctorWorld } from "../world/world.js";
import { arrival } from "./arrival.js";
import { openSocket, PROXY_LINE, type SocketPlace } from "./connect.js";

export interface Certificate {
  readonly subject: string;
  readonly issuer: string;
  /** Names that it is for. */
  readonly names: readonly string[];
  readonly validFrom: number;
  readonly validTo: number;
}

export interface Secured {
  readonly step: DiagnosisStep;
  readonly certificate: Certificate | null;
  /** Node's code for why it would not trust the certificate. */
  readonly mistrust: string | null;
  /** Node's code for why there was no handshake. */
  readonly errno: string | null;
  /** Bytes that the server had sent until then: with its certificate they are many. */
  readonly heardBytes: number;
  /** Ready to be used; null when the handshake failed. The caller closes it. */
  readonly socket: TLSSocket | null;
}

/** Opens a socket and speaks TLS on it, whatever the certificate is. */
export async function secure(
  world: DoctorWorld,
  endpoint: Endpoint,
  place: SocketPlace,
  { connectMs }: DoctorLimits,
): Promise<Secured> {
  const startedAt = world.clock.now();
  const servername = endpoint.tls.servername ?? endpoint.hostname;
  let plain: Socket | null = null;
  const done = (
    result: DiagnosisStep["result"],
    detail: string,
    code: FailureCode | null,
    rest: Partial<Omit<Secured, "step">> = {},
  ): Secured => {
    const durationMs = world.clock.now() - startedAt;
    const whom = servername === "" ? `${endpoint.hostname}, no name sent` : servername;
    const step: DiagnosisStep = {
      layer: "secure",
      name: `TLS with ${whom}`,
      result,
      durationMs,
      limitMs: connectMs,
      detail,
      code,
    };
    const heardBytes = plain?.bytesRead ?? 0;
    const nothing = { certificate: null, mistrust: null, errno: null, heardBytes, socket: null };
    return { step, ...nothing, ...rest };
  };
  try {
    plain = await openSocket(world, place, connectMs);
    if (endpoint.proxyProtocol) plain.write(PROXY_LINE);
    const alpn = endpoint.protocol === "grpcs" ? "h2" : "http/1.1";
    const socket = await handshake(world, plain, servername, { ...endpoint.tls, alpn }, connectMs);
    const certificate = readCertificate(socket.getPeerCertificate(true));
    const judged = servername === "" ? endpoint.hostname : servername;
    const mistrust = mistrustOf(socket, certificate, judged, world.clock.wallNow());
    if (mistrust === null) {
      const detail =
        `${socket.getProtocol() ?? "TLS"}, certificate of ` + `${certificate?.subject ?? "?"}`;
      return done("ok", detail, null, { certificate, socket });
    }
    if (!isChecked(mistrust, endpoint.tls.checks)) {
      return done("warning", `${mistrust}, which is not checked`, null, {
        certificate,
        mistrust,
        socket,
      });
    }
    const expired = mistrust === "CERT_HAS_EXPIRED";
    const code = expired ? "tls_certificate_expired" : "tls_certificate_error";
    return done("failed", mistrust, code, { certificate, mistrust, socket });
  } catch (error) {
    if (error === null) {
      const code = plain === null ? "connection_timeout" : "tls_handshake_timeout";
      return done("failed", `no handshake within ${connectMs} ms`, code);
    }
    const timeline = new Timeline(startedAt);
    timeline.enter("connect", startedAt);
    timeline.enter("secure", startedAt);
    timeline.endAt = world.clock.now();
    const errno = codeOf(error);
    return done("failed", errno, classifyError(timeline, null, error), { errno });
  }
}

/** What a front does not check is wrong all the same, and does not fail there. */
export function isChecked(mistrust: string, checks: EndpointTls["checks"]): boolean {
  if (mistrust === "CERT_HAS_EXPIRED" || mistrust === "CERT_NOT_YET_VALID") return checks.expiry;
  return mistrust === "ERR_TLS_CERT_ALTNAME_INVALID" ? checks.name : checks.chain;
}

/**
 * Node reports the first error that it finds, most often the authority. What matters more comes
 * first: an expired certificate, or one for another name, is wrong with any issuer.
 */
function mistrustOf(
  socket: TLSSocket,
  certificate: Certificate | null,
  servername: string,
  now: number,
): string | null {
  if (certificate !== null && certificate.validTo < now) return "CERT_HAS_EXPIRED";
  if (certificate !== null && certificate.validFrom > now) return "CERT_NOT_YET_VALID";
  const identity = checkServerIdentity(servername, socket.getPeerCertificate());
  if (identity !== undefined) return "ERR_TLS_CERT_ALTNAME_INVALID";
  return socket.authorized ? null : codeOf(socket.authorizationError);
}

function handshake(
  world: DoctorWorld,
  socket: Socket,
  servername: string,
  { ca, cert, key, alpn }: EndpointTls & { readonly alpn: string },
  limitMs: number,
): Promise<TLSSocket> {
  const secured = connectTls({
    socket,
    // RFC 6066 §3: an address is no server name.
    ...(isIP(servername) === 0 && servername !== "" ? { servername } : {}),
    ...(ca === null ? {} : { ca }),
    ...(cert === null || key === null ? {} : { cert, key }),
    // Judged by the caller, who wants to see the certificate first.
    rejectUnauthorized: false,
    ALPNProtocols: [alpn],
  });
  return arrival(world, secured, "secureConnect", limitMs);
}

function readCertificate(peer: DetailedPeerCertificate): Certificate | null {
  if (peer.subject === undefined) return null;
  return {
    subject: String(peer.subject.CN ?? peer.subjectaltname ?? "?"),
    issuer: String(peer.issuer?.CN ?? peer.issuer?.O ?? "?"),
    names: (peer.subjectaltname ?? "").split(/,\s*/).map((name) => name.replace(/^[^:]+:/, "")),
    validFrom: parseDate(peer.valid_from),
    validTo: parseDate(peer.valid_to),
  };
}

function codeOf(error: unknown): string {
  if (typeof error === "string") return error;
  return (error as NodeJS.ErrnoException | null)?.code ?? "unknown";
}
