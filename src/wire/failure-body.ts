/**
 * The body of an answer that the gateway makes itself, in the form that the client asked for:
 * problem details (RFC 9457), a page for a person, or plain text. It says what happened and what
 * to do, and nothing of the inside.
 */
import { STATUS_CODES } from "node:http";
import { FAILURES, type FailureCode } from "../catalog/failures.js";
import type { Failure } from "../core/failure.js";
import type { Diagnostics } from "./proxy-status.js";

export interface FailureFacts {
  readonly failure: Failure;
  readonly status: number;
  readonly requestId: string;
  readonly attempts: number;
  readonly retryAfter: string | null;
}

export interface FailureBody {
  readonly contentType: string;
  readonly text: string;
}

/** Chooses the form by `Accept`, RFC 9110 §12.5.1; problem details when nothing is said. */
export function failureBody(
  facts: FailureFacts,
  accept: string | undefined,
  diagnostics: Diagnostics,
): FailureBody {
  switch (formFor(accept)) {
    case "html":
      return { contentType: "text/html; charset=utf-8", text: page(facts, diagnostics) };
    case "text":
      return { contentType: "text/plain; charset=utf-8", text: plain(facts, diagnostics) };
    default:
      return { contentType: "application/problem+json", text: problem(facts, diagnostics) };
  }
}

type Form = "problem" | "html" | "text";

/** What clients have asked for so far; a storm of refusals is asked for in few ways. */
const forms = new Map<string, Form>();
const FORMS_MAX = 64;
/** A longer one is read each time. */
const ACCEPT_CHARS_MAX = 256;

const FORMS: ReadonlyMap<string, Form> = new Map([
  ["application/problem+json", "problem"],
  ["application/json", "problem"],
  ["application/*", "problem"],
  ["*/*", "problem"],
  ["text/html", "html"],
  ["application/xhtml+xml", "html"],
  ["text/plain", "text"],
  ["text/*", "text"],
]);

function formFor(accept: string | undefined): Form {
  if (accept === undefined || accept === "*/*") return "problem";
  const known = forms.get(accept);
  if (known !== undefined) return known;
  const form = preferred(accept);
  if (accept.length <= ACCEPT_CHARS_MAX) {
    if (forms.size >= FORMS_MAX) forms.clear();
    forms.set(accept, form);
  }
  return form;
}

function preferred(accept: string): Form {
  let best: Form = "problem";
  let bestWeight = 0;
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const form = FORMS.get(type);
    const weight = weightOf(parameters);
    if (form === undefined || weight <= bestWeight) continue;
    best = form;
    bestWeight = weight;
  }
  return best;
}

function weightOf(parameters: readonly string[]): number {
  const q = parameters.find((parameter) => parameter.startsWith("q="));
  const weight = q === undefined ? 1 : Number(q.slice(2));
  return weight >= 0 && weight <= 1 ? weight : 0;
}

/** The members that answers of one kind have in common, by failure; the latest kind of each. */
const beginnings = new Map<FailureCode, Beginning>();

interface Beginning {
  readonly status: number;
  readonly isOpen: boolean;
  readonly text: string;
}

function problem(facts: FailureFacts, diagnostics: Diagnostics): string {
  const { failure, status, requestId, attempts, retryAfter } = facts;
  const isOpen = diagnostics !== "none";
  let text = beginningOf(failure.code, status, isOpen);
  if (isOpen) text += `,"attempts":${attempts}`;
  if (retryAfter !== null) text += `,"retryAfter":${JSON.stringify(Number(retryAfter))}`;
  return `${text},"requestId":${JSON.stringify(requestId)}}`;
}

function beginningOf(code: FailureCode, status: number, isOpen: boolean): string {
  const known = beginnings.get(code);
  if (known !== undefined && known.status === status && known.isOpen === isOpen) return known.text;
  const { summary, blame } = FAILURES[code];
  const members = JSON.stringify({
    // RFC 9457 §4.2.1: the status says what kind of problem it is, the members below say which.
    ...{ type: "about:blank", title: titleOf(status), status },
    ...(isOpen ? { detail: summary, code, blame } : {}),
  });
  const text = members.slice(0, -1);
  beginnings.set(code, { status, isOpen, text });
  return text;
}

function plain(facts: FailureFacts, diagnostics: Diagnostics): string {
  const { failure, status, requestId, attempts, retryAfter } = facts;
  const lines = [`${status} ${titleOf(status)}`];
  if (diagnostics !== "none") {
    const row = FAILURES[failure.code];
    lines.push(row.summary, `${failure.code} · blame: ${row.blame} · attempts: ${attempts}`);
  }
  if (retryAfter !== null) lines.push(`Try again in ${retryAfter} s.`);
  lines.push(`Request id: ${requestId}`);
  return `${lines.join("\n")}\n`;
}

function page(facts: FailureFacts, diagnostics: Diagnostics): string {
  const { failure, status, requestId, attempts, retryAfter } = facts;
  const title = `${status} ${titleOf(status)}`;
  const row = FAILURES[failure.code];
  const again = retryAfter === null ? "" : `<p>Try again in ${retryAfter} seconds.</p>`;
  const details =
    diagnostics === "none"
      ? ""
      : `<p>${escaped(row.summary)}</p><dl><dt>Failure</dt><dd>${failure.code}</dd>` +
        `<dt>At fault</dt><dd>${row.blame}</dd><dt>Attempts</dt><dd>${attempts}</dd></dl>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title>
<style>${STYLE}</style></head>
<body><main><h1>${title}</h1>${details}${again}<p class="id">Request id: ${escaped(requestId)}</p>
</main></body></html>
`;
}

const STYLE =
  ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0}" +
  "main{max-width:40rem;margin:12vh auto;padding:0 1.5rem}h1{font-size:1.6rem}" +
  "dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}dd{margin:0}" +
  "dt,.id{opacity:.7}.id{font-size:.85rem}";

function titleOf(status: number): string {
  return status === 499 ? "Client Closed Request" : (STATUS_CODES[status] ?? "Error");
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
