/**
 * The tables of failures in the README and in docs/failures.md, read from the catalog; which ones
 * the README shows is chosen here.
 */

import { FAILURE_CODES, FAILURES, type FailureCode } from "../../src/catalog/failures.js";
import { ADMISSION_ROWS } from "../../src/catalog/rows/admission.js";
import { BODY_ROWS } from "../../src/catalog/rows/body.js";
import { CONNECT_ROWS } from "../../src/catalog/rows/connect.js";
import { EXCHANGE_ROWS } from "../../src/catalog/rows/exchange.js";
import type { FailureRow } from "../../src/catalog/rows/failure-row.js";
import { OWN_ROWS } from "../../src/catalog/rows/own.js";
import { RECEIVED_ROWS } from "../../src/catalog/rows/received.js";
import { STATUS_TABLES, statusOf } from "../../src/catalog/status-policy.js";
import { table } from "./docs-pages.js";

type Rows = Readonly<Record<string, FailureRow>>;

/** The parts of docs/failures.md: the files of the catalog, in their order. */
export const CHAPTERS: readonly (readonly [title: string, rows: Rows])[] = [
  ["The target cannot be reached", CONNECT_ROWS],
  ["Refused before the upstream is asked", ADMISSION_ROWS],
  ["Deadlines, and this process itself", OWN_ROWS],
  ["Asked, but without a valid answer", EXCHANGE_ROWS],
  ["The answer's body breaks", BODY_ROWS],
  ["The client leaves, or the upstream says itself that it failed", RECEIVED_ROWS],
];

/** The failures that a reader of the README meets first. */
export const COMMON: readonly FailureCode[] = [
  "connection_refused",
  "dns_name_not_found",
  "tls_certificate_error",
  "connection_terminated",
  "response_framing_invalid",
  "breaker_open",
  "bulkhead_full",
  "http_response_timeout",
  "http_response_incomplete",
  "received_gateway_error",
];

const REPEATED = { safe: "any method", idempotent: "idempotent", never: "never" } as const;

const HEAD = ["failure", "status", "`error=`", "at fault", "repeated for", "what it means"];

/** `folder` is where the pages of the failures are, seen from the page of the table. */
function cellsOf(code: FailureCode, folder: string): readonly string[] {
  const { proxyError, blame, repeat, summary } = rowOf(code);
  const error = proxyError === null ? "–" : proxyError === code ? "same" : `\`${proxyError}\``;
  return [
    `[\`${code}\`](${folder}${code}.md)`,
    statusText(code),
    error,
    blame,
    REPEATED[repeat],
    summary,
  ];
}

/** The README's table. */
export function commonFailures(): string {
  const rows = COMMON.map((code) => {
    const { blame, repeat, summary } = rowOf(code);
    const name = `[\`${code}\`](docs/errors/${code}.md)`;
    return [name, statusText(code), blame, REPEATED[repeat], summary];
  });
  return table(["failure", "status", "at fault", "sent again", "what it means"], rows);
}

/** All names by status. */
export function codesByStatus(): string {
  const statuses = [...new Set(FAILURE_CODES.map((code) => rowOf(code).status))];
  statuses.sort((a, b) => String(a).localeCompare(String(b)));
  const rows = statuses.map((status) => [
    status === "received" ? "as received" : String(status),
    FAILURE_CODES.filter((code) => rowOf(code).status === status)
      .map((code) => `[\`${code}\`](errors/${code}.md)`)
      .join(", "),
  ]);
  return table(["status", `failures (${FAILURE_CODES.length} in all)`], rows);
}

/** All failures, by chapters. */
export function allFailures(folder: string): string {
  return CHAPTERS.map(([title, rows]) =>
    [
      `### ${title}`,
      table(
        HEAD,
        codesOf(rows).map((code) => cellsOf(code, folder)),
      ),
    ].join("\n\n"),
  ).join("\n\n");
}

/** What the named policies answer where it is not what the catalog says. */
export function statusPolicies(): string {
  const { rfc9209, ...others } = STATUS_TABLES;
  const names = Object.keys(others) as (keyof typeof others)[];
  const differs = FAILURE_CODES.filter((code) => names.some((name) => code in others[name]));
  const rows = differs.map((code) => [
    `\`${code}\``,
    statusText(code),
    ...names.map((name) => {
      const status = statusOf(code, name);
      return status === statusOf(code) ? "·" : String(status);
    }),
  ]);
  return table(["failure", "`rfc9209`", ...names.map((name) => `\`${name}\``)], rows);
}

function codesOf(rows: Rows): readonly FailureCode[] {
  return Object.keys(rows) as FailureCode[];
}

function rowOf(code: FailureCode): FailureRow {
  return FAILURES[code];
}

function statusText(code: FailureCode): string {
  const { status } = rowOf(code);
  return status === "received" ? "as received" : String(status);
}
