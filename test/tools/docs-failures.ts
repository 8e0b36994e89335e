/**
 * The tables of failures in the README and in docs/failures.md, read from the catalog.
 *
 * What is chosen here is only which failures the README shows; all that is said about one is said
 * in its row.
 */
import type { FailureRow } from "../../src/catalog/failure-row.js";
import { FAILURE_CODES, FAILURES, type FailureCode } from "../../src/catalog/failures.js";
import { ADMISSION_ROWS } from "../../src/catalog/rows/admission.js";
import { BODY_ROWS } from "../../src/catalog/rows/body.js";
import { CONNECT_ROWS } from "../../src/catalog/rows/connect.js";
import { EXCHANGE_ROWS } from "../../src/catalog/rows/exchange.js";
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

/** What a reader of the README meets first, by what the client gets. */
export const COMMON: readonly (readonly [situation: string, codes: readonly FailureCode[]])[] = [
  [
    "Cannot be reached",
    [
      "connection_refused",
      "dns_name_not_found",
      "tls_certificate_error",
      "tls_protocol_error",
      "connection_timeout",
    ],
  ],
  [
    "No valid answer",
    [
      "connection_terminated",
      "http_protocol_error",
      "response_framing_invalid",
      "http_response_header_section_size",
      "http_upgrade_failed",
    ],
  ],
  [
    "Refused on purpose",
    [
      "breaker_open",
      "no_healthy_target",
      "bulkhead_full",
      "bulkhead_queue_timeout",
      "draining",
      "maintenance",
    ],
  ],
  ["No answer in time", ["http_response_timeout", "connection_read_timeout", "deadline_exceeded"]],
  [
    "Broken in the body (cut, once the head is out)",
    ["http_response_incomplete", "http_response_transfer_coding", "connection_reset_in_body"],
  ],
  ["Passed on", ["received_server_error", "received_gateway_error", "received_overloaded"]],
  ["At fault: client", ["bad_request", "request_body_too_large", "client_closed_request"]],
  [
    "At fault: this side",
    ["proxy_configuration_error", "loop_detected", "proxy_internal_error", "event_loop_stalled"],
  ],
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
  const rows = COMMON.flatMap(([situation, codes]) => [
    [`**${situation}**`, "", "", "", "", ""],
    ...codes.map((code) => cellsOf(code, "docs/errors/")),
  ]);
  return table(HEAD, rows);
}

/** All names by status, for the README. */
export function codesByStatus(): string {
  const statuses = [...new Set(FAILURE_CODES.map((code) => rowOf(code).status))];
  statuses.sort((a, b) => String(a).localeCompare(String(b)));
  const rows = statuses.map((status) => [
    status === "received" ? "as received" : String(status),
    FAILURE_CODES.filter((code) => rowOf(code).status === status)
      .map((code) => `[\`${code}\`](docs/errors/${code}.md)`)
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
