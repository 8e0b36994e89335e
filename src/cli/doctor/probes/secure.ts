/**
 * The TLS handshake: protocol, certificate, name and expiry. The certificate is looked at before it
 * is judged, so that a refusal can say what is wrong with it.
 */

import { isIP } from "node:net";
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
import type { Step } from "../../../gateway/diagnosis-report.js";
import type { Endpoint } from "../endpoint.js";
import type { DoctorLimits } from "../limits.js";
import type { DoctorWorld } from "../world.js";
import { openSocket, type Place } from "./connect.js";

export interface Certificate {
  readonly subject: string;
  readonly issuer: string;
  /** Names that it is for. */
  readonly names: readonly string[];
  readonly validFrom: number;
  readonly validTo: number;
}

export interface Secured {
  readonly step: Step;
  readonly certificate: Certificate | null;
  /** Node's code for why it would not trust the certificate. */
  readonly mistrust: string | null;
  /** Node's code for why there was no handshake. */
  readonly errno: string | null;
  /** Ready to be used; null when the handshake failed. The caller closes it. */
  readonly socket: TLSSocket | null;
}

/** Opens a socket and speaks TLS on it, whatever the certificate is. */
export async function secure(
  world: DoctorWorld,
  endpoint: Endpoint,
  place: Place,
  { connectMs }: DoctorLimits,
): Promise<Secured> {
  const startedAt = world.clock.now();
  const servername = endpoint.servername ?? endpoint.hostname;
  const done = (
    result: Step["result"],
    detail: string,
    code: FailureCode | null,
    rest: Partial<Omit<Secured, "step">> = {},
  ): Secured => {
    const durationMs = world.clock.now() - startedAt;
    const name = `TLS with ${servername}`;
    const step: Step = {
      layer: "secure",
      name,
      result,
      durationMs,
      limitMs: connectMs,
      detail,
      code,
    };
    return { step, certificate: null, mistrust: null, errno: null, socket: null, ...rest };
  };
  try {
    const plain = await openSocket(world, place, connectMs);
    const socket = await handshake(world, plain, servername, connectMs);
    const certificate = readCertificate(socket.getPeerCertificate(true));
    const mistrust = mistrustOf(socket, certificate, servername, world.clock.wallNow());
    if (mistrust === null) {
      const detail =
        `${socket.getProtocol() ?? "TLS"}, certificate of ` + `${certificate?.subject ?? "?"}`;
      return done("ok", detail, null, { certificate, socket });
    }
    const expired = mistrust === "CERT_HAS_EXPIRED";
    const code = expired ? "tls_certificate_expired" : "tls_certificate_error";
    return done("failed", mistrust, code, { certificate, mistrust, socket });
  } catch (error) {
    if (error === null) {
      return done("failed", `no handshake within ${connectMs} ms`, "connection_timeout");
    }
    const timeline = new Timeline(startedAt);
    timeline.enter("connect", startedAt);
    timeline.enter("secure", startedAt);
    timeline.endAt = world.clock.now();
    const errno = codeOf(error);
    return done("failed", errno, classifyError(timeline, null, error), { errno });
  }
}

/**
 * Node tells the first thing that it finds wrong, most often the authority. What a person must know
 * comes first: that it has expired, or is for another name, is so whoever signed it.
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
  socket: import("node:net").Socket,
  servername: string,
  limitMs: number,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = connectTls({
      socket,
      // RFC 6066 §3: an address is no server name.
      ...(isIP(servername) === 0 ? { servername } : {}),
      // Judged by the caller, who wants to see the certificate first.
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    });
    const timer = world.clock.after(limitMs, () => {
      secured.destroy();
      reject(null);
    });
    secured.once("secureConnect", () => {
      timer.cancel();
      secured.removeAllListeners("error");
      secured.on("error", () => {});
      resolve(secured);
    });
    secured.once("error", (error) => {
      timer.cancel();
      reject(error);
    });
    secured.once("close", () => {
      timer.cancel();
      reject(Object.assign(new Error("closed"), { code: "ERR_SSL_UNEXPECTED_EOF_WHILE_READING" }));
    });
  });
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
