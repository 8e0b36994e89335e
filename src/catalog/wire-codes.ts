/**
 * What libraries make of codes that came over the wire, and those codes themselves.
 *
 * Libraries spell them in their own way, in the codes of their errors.
 */

/**
 * TLS alerts by their numbers (RFC 8446 §6 and its registry), as OpenSSL spells them in the codes
 * of its errors: `ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE`.
 */
const ALERTS: Readonly<Record<string, number>> = {
  unexpected_message: 10,
  bad_record_mac: 20,
  record_overflow: 22,
  handshake_failure: 40,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  missing_extension: 109,
  unsupported_extension: 110,
  unrecognized_name: 112,
  unknown_psk_identity: 115,
  certificate_required: 116,
  no_application_protocol: 120,
};

/** The alert that a code of OpenSSL stands for; null if it stands for none. */
export function alertOf(code: string): { readonly id: number; readonly message: string } | null {
  const message = code.replace(/^ERR_SSL_(?:.*ALERT_|TLSV1_)/, "").toLowerCase();
  const id = Object.hasOwn(ALERTS, message) ? ALERTS[message] : undefined;
  return id === undefined ? null : { id, message };
}

/** The answer of a name server, by the code of c-ares (RFC 1035 §4.1.1). */
export const RCODES: Readonly<Record<string, string>> = {
  EFORMERR: "FORMERR",
  ESERVFAIL: "SERVFAIL",
  ENOTFOUND: "NXDOMAIN",
  ENOTIMP: "NOTIMP",
  EREFUSED: "REFUSED",
};
