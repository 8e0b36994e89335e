/**
 * What is known of a failure beside its name, as pairs `name=value`.
 *
 * The names are those of Proxy-Status (RFC 9209 §2.3) where it has one, so that its field and the
 * logs say the same. Read from codes, never from the text of an error.
 */
import type { FailureCode } from "../catalog/failures.js";
import { alertOf, RCODES } from "../catalog/wire-codes.js";
import { walk } from "./classify.js";
import { NamedError } from "./named-error.js";

/** Of an error that was given this name; undefined where nothing more is known. */
export function detailsOf(name: FailureCode, error: unknown): string | undefined {
  if (error instanceof NamedError && error.details !== undefined) return error.details;
  // The only one that is undone here; another one is refused by its name.
  if (name === "http_response_transfer_coding") return "coding=chunked";
  const read = READ[name];
  if (read === undefined) return undefined;
  for (const link of walk(error)) {
    const { code, syscall } = link as { readonly code?: unknown; readonly syscall?: unknown };
    const details = typeof code === "string" ? read(code, String(syscall)) : null;
    if (details !== null) return details;
  }
  return undefined;
}

type Reader = (code: string, syscall: string) => string | null;

/** getaddrinfo has codes of its own; the codes of name servers come from direct queries only. */
const rcode: Reader = (code, syscall) =>
  syscall.startsWith("query") && Object.hasOwn(RCODES, code) ? `rcode=${RCODES[code]}` : null;

const READ: Readonly<Partial<Record<FailureCode, Reader>>> = {
  dns_error: rcode,
  dns_name_not_found: rcode,
  tls_alert_received(code) {
    const alert = alertOf(code);
    return alert === null ? null : `alert-id=${alert.id} alert-message=${alert.message}`;
  },
};
