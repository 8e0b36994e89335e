/**
 * From facts to findings: every cause that the facts prove or suggest, each asked in the order in
 * which a request passes the layers.
 */
import type { Clock } from "../../base/clock.js";
import type { Finding, Layer, Report } from "../../diagnosis/diagnosis-report.js";
import { inOrder, verdictOf } from "../../diagnosis/diagnosis-verdict.js";
import { answerCauses } from "./causes/answers.js";
import { certificateCauses } from "./causes/certificates.js";
import { connectionCauses } from "./causes/connections.js";
import { nameCauses } from "./causes/names.js";
import { poolCauses } from "./causes/pools.js";
import { servedCauses } from "./causes/served.js";
import { spokenCauses } from "./causes/spoken.js";
import { unixSocketCauses } from "./causes/unix-sockets.js";
import type { Facts } from "./facts/facts.js";
import { ageInWords, YOUNG_MS } from "./facts/steps.js";

export function diagnose(facts: Facts, clock: Pick<Clock, "wallNow">): Report {
  const findings: readonly Finding[] = inOrder([
    ...nameCauses(facts),
    ...connectionCauses(facts),
    ...unixSocketCauses(facts),
    ...certificateCauses(facts, clock.wallNow()),
    ...answerCauses(facts),
    ...poolCauses(facts),
    ...spokenCauses(facts),
    ...servedCauses(facts),
  ]);
  const { steps, endpoint } = facts;
  const dated = findings.map((finding) => withAge(finding, facts, clock.wallNow()));
  return { subject: endpoint.text, steps, findings: dated, verdict: verdictOf(steps, dated) };
}

/** Where a process answers wrongly or not at all, it matters that it has only just begun. */
const OF_THE_PROCESS: ReadonlySet<Layer> = new Set(["head", "body", "keep_alive", "process"]);

/** Of these the age says nothing. */
const WHOLE: ReadonlySet<string> = new Set(["front_answers_error", "another_protocol"]);

function withAge(finding: Finding, { local }: Facts, now: number): Finding {
  const seen = local?.processAfter ?? local?.process ?? null;
  if (
    seen === null ||
    WHOLE.has(finding.cause) ||
    finding.severity !== "fault" ||
    !OF_THE_PROCESS.has(finding.layer)
  ) {
    return finding;
  }
  const age = now - seen.startedAt;
  if (age >= YOUNG_MS) return finding;
  const since = `process ${seen.pid} began only ${ageInWords(age)} ago`;
  const line = `${since}: perhaps it keeps being restarted`;
  return { ...finding, evidence: [...finding.evidence, line] };
}
