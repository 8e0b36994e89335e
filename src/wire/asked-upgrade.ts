/**
 * What an upgrade asks for and is given, RFC 9110 §7.8: protocols by name, each with or without a
 * version.
 */
import type { IncomingMessage } from "node:http";

/**
 * The protocols of a request for which a tunnel may be opened, as they are asked for; null where
 * there is none, and the request is served as if it had not asked.
 */
export function askedUpgrade(
  { headers, httpVersion }: Pick<IncomingMessage, "headers" | "httpVersion">,
  allowed: ReadonlySet<string>,
): string | null {
  // RFC 9110 §7.8: in a request of HTTP/1.0 it is ignored.
  if (httpVersion !== "1.1") return null;
  const asked = namesIn(headers.upgrade).filter(
    (name) => allowed.has(name.toLowerCase()) || allowed.has(withoutVersion(name).toLowerCase()),
  );
  return asked.length === 0 ? null : asked.join(", ");
}

/** Whether an answer switches to nothing but what was asked for. */
export function isAsked(asked: string, switchedTo: unknown): boolean {
  if (typeof switchedTo !== "string") return false;
  const known = new Set(namesIn(asked.toLowerCase()));
  const names = namesIn(switchedTo.toLowerCase());
  return names.length > 0 && names.every((name) => known.has(name));
}

function namesIn(list = ""): readonly string[] {
  return list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function withoutVersion(name: string): string {
  return name.split("/", 1)[0] as string;
}
