/**
 * From facts to findings: every cause that the facts prove or suggest, each asked in the order in
 * which a request passes the layers.
 */
import type { Clock } from "../../base/clock.js";
import type { Finding, Report } from "../../gateway/diagnosis-report.js";
import { inOrder, verdictOf } from "../../gateway/diagnosis-verdict.js";
import { answerCauses } from "./causes/answers.js";
import { certificateCauses } from "./causes/certificates.js";
import { connectionCauses } from "./causes/connections.js";
import { nameCauses } from "./causes/names.js";
import { poolCauses } from "./causes/pools.js";
import { servedCauses } from "./causes/served.js";
import { unixSocketCauses } from "./causes/unix-sockets.js";
import type { Facts } from "./facts.js";

export function diagnose(facts: Facts, clock: Pick<Clock, "wallNow">): Report {
  const findings: readonly Finding[] = inOrder([
    ...nameCauses(facts),
    ...connectionCauses(facts),
    ...unixSocketCauses(facts),
    ...certificateCauses(facts, clock.wallNow()),
    ...answerCauses(facts),
    ...poolCauses(facts),
    ...servedCauses(facts),
  ]);
  const { steps, endpoint } = facts;
  return { subject: endpoint.text, steps, findings, verdict: verdictOf(steps, findings) };
}
