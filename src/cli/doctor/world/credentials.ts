/**
 * Names, passwords and keys in addresses. What the doctor prints is pasted into tickets and chats,
 * so no text of it holds them.
 */
import type { Report } from "../../../diagnosis/diagnosis-report.js";

const CREDENTIALS = /(\/\/)[^/?#\s@]*@/g;

/** Parameters of a query whose names say that they are secret. */
const SECRET = "[\\w.-]*(?:token|secret|passw|api[-_]?key|signature|credential)[\\w.-]*";
const SECRETS = new RegExp(`([?&](?:${SECRET}|key|sig|pwd|auth)=)[^&#\\s"'<>]+`, "gi");

/** The same text without names and passwords in its addresses. */
export function withoutCredentials(text: string): string {
  return text.replace(CREDENTIALS, "$1");
}

/** Without the keys in queries, too: as it may be printed, and no longer asked. */
export function withoutSecrets(text: string): string {
  return withoutCredentials(text).replace(SECRETS, "$1…");
}

/** A report, in whatever part of it an address stands: a step, a command, a line of a log. */
export function reportWithoutSecrets(report: Report): Report {
  const plain = (_: string, value: unknown): unknown =>
    typeof value === "string" ? withoutSecrets(value) : value;
  return JSON.parse(JSON.stringify(report), plain) as Report;
}
