/**
 * The error reference as HTML, made on the server: every failure is an element of its own name, so
 * that a link such as `#connection_refused` leads to it, with or without a script.
 */
import { errorReference, type ReferenceEntry } from "./reference.js";

export function referenceHtml(): string {
  return errorReference().map(entryHtml).join("\n");
}

function entryHtml(entry: ReferenceEntry): string {
  const { code, blame, status, summary, causes, remedies } = entry;
  const shown = status === null ? "passed on" : String(status);
  return [
    `<details class="entry" id="${code}" data-blame="${blame}">`,
    `<summary><h3>${code}</h3> <span class="tag s">${shown}</span> `,
    `<span class="tag b" data-blame="${blame}">${blame}</span> `,
    `<span class="sum">${escaped(summary)}</span></summary>`,
    '<div class="body"><div><h4>Likely causes, the most likely first</h4>',
    `<ol>${items(causes)}</ol></div>`,
    `<div><h4>What to check, what to do</h4><ul>${items(remedies)}</ul></div>`,
    `<dl>${facts(entry)}</dl>${equivalentsHtml(entry)}</div></details>`,
  ].join("");
}

function facts({ status, blame, blameMeaning, repeat, proxyError, phase }: ReferenceEntry): string {
  const rows: readonly (readonly [string, string])[] = [
    ["Status", status === null ? "as the upstream sent it" : String(status)],
    ["At fault", `${blame}: ${blameMeaning}`],
    ["Repeat", `${repeat}.`],
    ["Proxy-Status", proxyError === null ? "no error type" : `error=${proxyError}`],
    ["Where", phase === "any" ? "anywhere" : `phase ${phase}`],
  ];
  return rows.map(([name, text]) => `<dt>${name}</dt><dd>${escaped(text)}</dd>`).join("");
}

function equivalentsHtml({ code, equivalents }: ReferenceEntry): string {
  if (equivalents.length === 0) return "";
  const rows = equivalents.map(
    ([program, says]) =>
      `<tr><th scope="row">${escaped(program)}</th><td>${escaped(says)}</td></tr>`,
  );
  return (
    `<div class="others"><h4 id="others-${code}">What others call it</h4>` +
    `<table aria-labelledby="others-${code}"><thead><tr><th scope="col">Program</th>` +
    `<th scope="col">Says</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>`
  );
}

function items(texts: readonly string[]): string {
  return texts.map((text) => `<li>${withCommands(escaped(text))}</li>`).join("");
}

function withCommands(html: string): string {
  return html.replace(/`([^`]+)`/g, "<code>$1</code>");
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] as string);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};
