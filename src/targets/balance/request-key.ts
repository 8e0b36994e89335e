/**
 * What a call has in common with others: a field, or a cookie.
 * Read from the raw fields, only where a balancer asks for it.
 */
import type { BalanceRequest } from "./balancer.js";

/** The first field of this name (in lower case); null without one, or for an empty one. */
export function fieldOf({ headers }: BalanceRequest, name: string): string | null {
  for (let index = 0; index < headers.length; index += 2) {
    const field = headers[index] as string;
    if (field.length !== name.length || field.toLowerCase() !== name) continue;
    const value = headers[index + 1] as string;
    return value === "" ? null : value;
  }
  return null;
}

/** The value of a cookie as it was sent, RFC 6265 §5.4; null without one. */
export function cookieOf(request: BalanceRequest, name: string): string | null {
  const { headers } = request;
  for (let index = 0; index < headers.length; index += 2) {
    const field = headers[index] as string;
    if (field.length !== COOKIE.length || field.toLowerCase() !== COOKIE) continue;
    const value = valueIn(headers[index + 1] as string, name);
    if (value !== null) return value;
  }
  return null;
}

const COOKIE = "cookie";

function valueIn(cookies: string, name: string): string | null {
  for (const cookie of cookies.split(";")) {
    const equals = cookie.indexOf("=");
    if (equals === -1 || cookie.slice(0, equals).trim() !== name) continue;
    const value = cookie.slice(equals + 1).trim();
    return value === "" ? null : value.replace(/^"(.*)"$/, "$1");
  }
  return null;
}
