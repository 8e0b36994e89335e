/**
 * docs/errors: one page for each failure, and their index, all written from the catalog and the
 * foreign dialects. A person who has a name in hand finds everything about it on one page.
 */

import { STATUS_CODES } from "node:http";
import { DIALECTS } from "../../src/catalog/dialects/dialects.js";
import { equivalents } from "../../src/catalog/dialects/equivalents.js";
import {
  CLIENT_CODE_MEANINGS,
  CODE_MEANINGS,
  CODE_REFINEMENTS,
} from "../../src/catalog/error-codes.js";
import { FAILURE_CODES, FAILURES, type FailureCode } from "../../src/catalog/failures.js";
import type { FailureRow, Phase } from "../../src/catalog/rows/failure-row.js";
import { BLAMES, repeatInWords } from "../../src/catalog/words.js";
import { proxyStatus } from "../../src/wire/proxy-status.js";
import { allFailures } from "./docs-failures.js";
import { table } from "./docs-pages.js";

const FOLDER = "docs/errors/";

/** Every page by its path from the root. */
export function errorPages(): ReadonlyMap<string, string> {
  return new Map([
    [`${FOLDER}README.md`, indexPage()],
    ...FAILURE_CODES.map((code) => [`${FOLDER}${code}.md`, pageOf(code)] as const),
  ]);
}

function indexPage(): string {
  return [
    "# Errors",
    "One page for every failure that good-gateway can name: what it means, its causes, the most " +
      "likely first, what to do, and what other programs call it. The same in a terminal:",
    "```sh\nnpx good-gateway explain connection_refused\n```",
    "How to read the columns stands in [failures.md](../failures.md).",
    allFailures(""),
    "",
  ].join("\n\n");
}

function pageOf(code: FailureCode): string {
  const row: FailureRow = FAILURES[code];
  const facts = [
    ["status", row.status === "received" ? "as the upstream sent it" : String(row.status)],
    ["`error=` in Proxy-Status", row.proxyError === null ? "none" : `\`${row.proxyError}\``],
    ["at fault", `**${row.blame}**. ${BLAMES[row.blame]}`],
    ["when", PHASES[row.phase]],
    ["repeat", repeatInWords(row)],
    ["counts against the target", counts(row) ? "yes: breaker and ejection see it" : "no"],
  ];
  return [
    `# ${code}`,
    row.summary,
    table(["", ""], facts),
    ...looks(code),
    "## Causes, the most likely first",
    row.causes.map((cause, index) => `${index + 1}. ${escaped(cause)}`).join("\n"),
    "## What to do",
    row.remedies.map((remedy) => `- ${escaped(remedy)}`).join("\n"),
    ...search(row),
    ...confused(code),
    ...others(code),
    ...codes(code),
    `In a terminal: \`npx good-gateway explain ${code}\`. [All failures](README.md)\n`,
  ].join("\n\n");
}

/** How far the call had come, for those who do not know our words for it. */
const PHASES: Readonly<Record<Phase | "any", string>> = {
  admit: "before anything is sent: the call is not let in (phase `admit`)",
  queue: "while the call waits for its turn or for a connection (phase `queue`)",
  resolve: "while the name of the target is resolved (phase `resolve`)",
  connect: "while the connection is made (phase `connect`)",
  secure: "in the TLS handshake (phase `secure`)",
  send: "while the request is sent (phase `send`)",
  wait: "after the request was sent, before the head of the answer is complete (phase `wait`)",
  receive: "in the body of the answer (phase `receive`)",
  any: "at any time",
};

/** What a client gets to see of it. */
function looks(code: FailureCode): readonly string[] {
  const { status, proxyError, blame }: FailureRow = FAILURES[code];
  if (
    status === "received" ||
    blame === "none" ||
    proxyError === null ||
    STATUS_CODES[status] === undefined
  )
    return [];
  const field = proxyStatus(
    {
      name: "edge",
      failure: { code },
      receivedStatus: null,
      status,
      attempts: WITHOUT_ATTEMPT.has(FAILURES[code].phase) ? 0 : 1,
      stopReason: null,
      nextHop: null,
    },
    "code",
  );
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\nproxy-status: ${field}`;
  return ["A client sees it like this, with the name of your deployment:", fenced(head)];
}

const WITHOUT_ATTEMPT: ReadonlySet<string> = new Set(["admit", "queue"]);

function fenced(text: string): string {
  return `\`\`\`http\n${text}\n\`\`\``;
}

/** Where a look at the target, or at what failed lately, tells more than the name. */
function search({ blame, phase }: FailureRow): readonly string[] {
  if (
    blame === "client" ||
    blame === "self" ||
    blame === "none" ||
    phase === "admit" ||
    phase === "queue"
  )
    return [];
  return [
    "## Find the cause",
    "```sh\nnpx good-gateway doctor http://127.0.0.1:3000/\n```",
    "with the address of the target walks the layers and names the cause. In the process, " +
      '`gateway.diagnose("orders")` says whether it is one target or all, one route or all, new ' +
      "connections or kept ones, and since when ([diagnosis.md](../diagnosis.md)).",
  ];
}

/** What other programs cannot tell from it: names that share their terms with it. */
function confused(code: FailureCode): readonly string[] {
  const counts = new Map<FailureCode, number>();
  for (const { failures } of DIALECTS.flatMap(({ terms }) => terms)) {
    if (!failures.includes(code)) continue;
    for (const other of failures) {
      if (other !== code) counts.set(other, (counts.get(other) ?? 0) + 1);
    }
  }
  const near = [...counts].sort(([, a], [, b]) => b - a).slice(0, CONFUSED_MAX);
  if (near.length === 0) return [];
  const rows = near.map(([other]) => `- [\`${other}\`](${other}.md): ${FAILURES[other].summary}`);
  return ["## Easily taken for it", rows.join("\n")];
}

const CONFUSED_MAX = 4;

function counts({ blame }: FailureRow): boolean {
  return blame === "upstream" || blame === "overload" || blame === "network";
}

function others(code: FailureCode): readonly string[] {
  const rows = equivalents(code).map(([speaker, terms]) => [speaker, escaped(terms)]);
  return rows.length === 0 ? [] : ["## What others call it", table(["program", "says"], rows)];
}

/** Error codes that can end in this name. */
function codes(code: FailureCode): readonly string[] {
  const plain = Object.entries(CODE_MEANINGS).filter(([, meaning]) =>
    Object.values(meaning).includes(code),
  );
  const refined = CODE_REFINEMENTS.filter(({ meaning }) => Object.values(meaning).includes(code));
  const door = Object.entries(CLIENT_CODE_MEANINGS).filter(([, meaning]) => meaning === code);
  const names = [...plain.map(([name]) => name), ...refined.map((one) => one.code)];
  const all = [...new Set([...names, ...door.map(([name]) => name)])].sort();
  if (all.length === 0) return [];
  return [
    "## Error codes that it can come from",
    `${all.map((name) => `\`${name}\``).join(", ")}. A code alone rarely is the whole name: ` +
      "how far the exchange had got decides, too.",
  ];
}

/** Placeholders such as `<name>` are text and no tags. */
export function escaped(text: string): string {
  return text.replace(/[<>]/g, (character) => (character === "<" ? "&lt;" : "&gt;"));
}
