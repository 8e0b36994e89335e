/**
 * Prints a report: the verdict first, since that is what a person came for; then the steps with
 * their times, and the other findings.
 */

import type { DiagnosisStep, Finding, Report } from "../../diagnosis/diagnosis-report.js";
import type { Terminal } from "../terminal/terminal.js";

export function printReport({ subject, steps, findings, verdict }: Report, to: Terminal): void {
  const paint = verdict.well ? to.green : to.red;
  to.line();
  to.paragraph(`${paint(verdict.well ? "✔" : "✘")} ${to.bold(subject)}`);
  to.paragraph(to.bold(verdict.title), "  ");
  if (!verdict.well) {
    const facts = [`at fault: ${verdict.blame ?? "?"}`, `layer: ${verdict.layer ?? "?"}`];
    to.paragraph(to.dim([...facts, verdict.confidence, verdict.cause ?? ""].join(" · ")), "  ");
    for (const line of verdict.evidence) to.paragraph(line, "    - ", "      ");
    to.paragraph(`${to.cyan("Next:")} ${verdict.next}`, "  ", "    ");
    printWrite(verdict, to);
  }
  if (steps.length > 0) {
    to.line();
    printSteps(steps, to);
  }
  const others = findings.filter(
    ({ cause, title }) => verdict.well || cause !== verdict.cause || title !== verdict.title,
  );
  for (const finding of others) printFinding(finding, to);
}

/** What needed nothing is not worth a line; each upstream has a heading of its own. */
function printSteps(steps: readonly DiagnosisStep[], to: Terminal): void {
  let of: string | undefined;
  for (const step of steps.filter(({ result }) => result !== "skipped")) {
    if (step.of !== undefined && step.of !== of) to.paragraph(to.bold(step.of), "  ", "    ");
    of = step.of;
    printStep(step, to);
  }
}

function printStep(
  { name, result, durationMs, limitMs, detail }: DiagnosisStep,
  to: Terminal,
): void {
  const marks = {
    ok: to.green("✔"),
    warning: to.yellow("!"),
    failed: to.red("✘"),
    skipped: to.dim("–"),
  };
  const time = durationMs === null ? "" : ` ${timeInWords(durationMs)}`;
  const limit =
    limitMs === null || result === "skipped" ? "" : to.dim(` of ${timeInWords(limitMs)}`);
  to.paragraph(
    `${marks[result]} ${name}: ${detail}${time === "" ? "" : `,${time}${limit}`}`,
    "  ",
    "    ",
  );
}

function printFinding(finding: Finding, to: Terminal): void {
  const { severity, title, evidence, fix, write, where } = finding;
  const mark = severity === "fault" ? to.red("✘") : severity === "warning" ? to.yellow("!") : "·";
  to.line();
  to.paragraph(`${mark} ${title}`, "  ", "    ");
  if (where !== undefined) to.paragraph(to.dim(`${where.file}:${where.line}`), "    ");
  for (const line of evidence) to.paragraph(line, "    - ", "      ");
  to.paragraph(fix, "    ", "    ");
  printLines(write, to);
}

function printWrite({ write, where }: Pick<Finding, "write" | "where">, to: Terminal): void {
  if (where !== undefined) to.line(`    ${to.dim(`${where.file}:${where.line}`)}`);
  printLines(write, to);
}

function printLines(write: string | undefined, to: Terminal): void {
  for (const line of (write ?? "").split("\n").filter(Boolean)) to.line(`      ${to.cyan(line)}`);
}

function timeInWords(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}
