/**
 * Numbers that bound each other: defaults adapt to the values that are set, and a value without
 * effect produces a warning.
 *
 * Guarantee: a configured value is used as it is. Only defaults are adapted, so that setting one
 * number does not require knowing the others.
 */
import { TIMEOUTS } from "../catalog/defaults.js";
import { type Findings, literal } from "./findings.js";
import { SECTION_NAMES, SECTIONS, type SectionName } from "./option-rules.js";
import type { Setting, Written } from "./read-sections.js";

/** What the defaults depend on besides the options. */
export interface TargetFacts {
  readonly count: number;
  /** No target is reached over a network. */
  readonly local: boolean;
}

/** Every section with a value for every option, false where it is switched off. */
export type Filled = Record<SectionName, false | Record<string, unknown>>;

/** Where contradictions are reported. */
type Warned = Pick<Findings, "warning">;

type OptionPath = readonly [section: SectionName, name: string];

interface Relation {
  readonly smaller: OptionPath;
  readonly larger: OptionPath;
  /** The effect of a smaller one that is set too large; follows its value in a message. */
  readonly otherwise: string;
  /** The larger one counts once for each target. */
  readonly eachTarget?: true;
  /** A larger one that was not written grows with the smaller one. */
  readonly grows?: true;
  /** Equal is already too large. */
  readonly less?: true;
  /** It only applies where a call needs a connection of its own, which HTTP/2 shares. */
  readonly oneEach?: true;
}

const TOTAL = ["timeouts", "totalMs"] as const;
const ENDS_CALL = "which ends the call first";

const RELATIONS: readonly Relation[] = [
  { smaller: ["timeouts", "connectMs"], larger: TOTAL, otherwise: ENDS_CALL },
  { smaller: ["timeouts", "responseMs"], larger: TOTAL, otherwise: ENDS_CALL },
  { smaller: ["timeouts", "continueMs"], larger: TOTAL, otherwise: ENDS_CALL },
  { smaller: ["bulkhead", "queueMs"], larger: TOTAL, otherwise: ENDS_CALL, less: true },
  {
    smaller: ["timeouts", "idleMs"],
    larger: ["timeouts", "bodyMs"],
    otherwise: "which ends the body first",
  },
  {
    smaller: ["retry", "backoffBaseMs"],
    larger: ["retry", "backoffMsMax"],
    otherwise: "which caps it",
    grows: true,
  },
  {
    smaller: ["breaker", "openMs"],
    larger: ["breaker", "openMsMax"],
    otherwise: "which caps it",
    grows: true,
  },
  {
    smaller: ["adaptiveLimit", "concurrencyMin"],
    larger: ["adaptiveLimit", "concurrencyStart"],
    otherwise: "so it starts above that",
    grows: true,
  },
  {
    smaller: ["adaptiveLimit", "concurrencyStart"],
    larger: ["bulkhead", "concurrencyMax"],
    otherwise: "which is the upper bound",
  },
  {
    smaller: ["ejection", "ejectMs"],
    larger: ["ejection", "ejectMsMax"],
    otherwise: "which caps it",
    grows: true,
  },
  {
    smaller: ["bulkhead", "concurrencyMax"],
    larger: ["limits", "connectionsMax"],
    otherwise: "so calls wait for connections outside the queue",
    eachTarget: true,
    grows: true,
    oneEach: true,
  },
];

/** Fills in the defaults of an upstream, made to fit, and warns of what contradicts itself. */
export function fillSections(findings: Warned, written: Written, targets: TargetFacts): Filled {
  const filled = Object.fromEntries(
    SECTION_NAMES.map((section) => [section, startOf(written, section, targets)]),
  ) as Filled;
  for (const relation of RELATIONS) relate(findings, written, targets, filled, relation);
  fitStreams(written, targets, filled);
  checkRepeats(findings, written, filled);
  if (filled.bulkhead === false && filled.adaptiveLimit !== false) {
    const text = "has no effect with bulkhead: false, since it counts the bulkhead's places";
    findings.warning("adaptiveLimit", text);
  }
  checkCallers(findings, written);
  checkSlow(findings, written, filled);
  checkFront(findings, written);
  return filled;
}

function checkSlow(findings: Warned, written: Written, { timeouts }: Filled): void {
  const slow = settingOf(written, ["breaker", "slowCallMs"]);
  const ratio = settingOf(written, ["breaker", "slowRatio"]);
  if (slow === undefined && ratio !== undefined) {
    findings.warning(ratio.path, "has no effect without breaker.slowCallMs");
  }
  const responseMs = timeouts === false ? Infinity : (timeouts["responseMs"] as number);
  if (slow === undefined || slow.value < responseMs || slow.value === Infinity) return;
  const text = `is not below timeouts.responseMs (${literal(responseMs)}), which ends it first`;
  findings.warning(slow.path, `${literal(slow.value)} ${text}`);
}

function checkCallers(findings: Warned, written: Written): void {
  const share = settingOf(written, ["bulkhead", "callerShare"]);
  if (share === undefined || settingOf(written, ["bulkhead", "by"]) !== undefined) return;
  findings.warning(share.path, "has no effect without bulkhead.by, which identifies callers");
}

/** Streams have a share of their own, and the connections are for calls and streams together. */
function fitStreams(written: Written, { count }: TargetFacts, filled: Filled): void {
  const { bulkhead, limits } = filled;
  if (bulkhead === false || limits === false) return;
  const calls = bulkhead["concurrencyMax"] as number;
  const connections = limits["connectionsMax"] as number;
  const bounded = settingOf(written, ["limits", "connectionsMax"]) !== undefined;
  if (settingOf(written, ["bulkhead", "streamsMax"]) === undefined) {
    const streams = Math.max(bulkhead["streamsMax"] as number, calls);
    // They must not take the last connection of all calls.
    const most = bounded ? Math.max(1, Math.floor((connections * count) / 2)) : Infinity;
    bulkhead["streamsMax"] = Math.min(streams, most);
  }
  if (bounded) return;
  limits["connectionsMax"] = Math.max(connections, calls + (bulkhead["streamsMax"] as number));
}

function startOf(written: Written, section: SectionName, targets: TargetFacts) {
  const own = written.sections[section];
  if (own === false || (own === undefined && SECTIONS[section].short.includes(true))) return false;
  const values = Object.entries(SECTIONS[section].section).map(([name, { initial }]) => {
    return [name, settingOf(written, [section, name])?.value ?? initial] as const;
  });
  const known = values.filter(([, value]) => value !== undefined);
  const start: Record<string, unknown> = Object.fromEntries(known);
  if (section !== "timeouts") return start;
  const unwritten = (name: string) => settingOf(written, [section, name]) === undefined;
  if (targets.local && unwritten("connectMs")) start["connectMs"] = TIMEOUTS.connectLocalMs;
  // Our answer must arrive before the front times out; an unknown front's timeout is a guess.
  if (written.limit !== null && unwritten("totalMs")) start["totalMs"] = written.limit.totalMs;
  return start;
}

/** Of a number. */
function settingOf(written: Written, [section, name]: OptionPath): Setting<number> | undefined {
  const settings = written.sections[section];
  if (settings === undefined || settings === false) return undefined;
  return settings[name] as Setting<number> | undefined;
}

function relate(
  findings: Warned,
  written: Written,
  targets: TargetFacts,
  filled: Filled,
  relation: Relation,
): void {
  const { smaller, larger, grows = false, less = false } = relation;
  // RFC 9113 §5: the calls of a connection are its streams; how many there may be its peer says.
  const { allowH2 = false } = written.plain;
  const shares = allowH2 !== false;
  if (relation.oneEach === true && shares) return;
  const [small, large] = [filled[smaller[0]], filled[larger[0]]];
  if (small === false || large === false) return;
  const value = small[smaller[1]] as number;
  const bound = (large[larger[1]] as number) * (relation.eachTarget === true ? targets.count : 1);
  if (value < bound || (value === bound && !less)) return;
  const setting = settingOf(written, smaller);
  const boundIsWritten = settingOf(written, larger) !== undefined;
  if (setting === undefined) small[smaller[1]] = bound;
  else if (grows && !boundIsWritten) large[larger[1]] = value;
  // Infinity asks for no limit of this kind, and gets none.
  else if (value !== Infinity) {
    findings.warning(setting.path, contradiction(relation, value, bound, boundIsWritten, targets));
  }
}

function contradiction(
  { larger, otherwise, eachTarget }: Relation,
  value: number,
  bound: number,
  boundIsWritten: boolean,
  { count }: TargetFacts,
): string {
  const compared = value === bound ? "as much as" : "more than";
  const times = eachTarget === true && count > 1 ? ` for each of ${count} targets` : "";
  const size = literal(times === "" ? bound : bound / count) + times;
  const given = boundIsWritten ? "" : " by default";
  const advice = boundIsWritten ? "" : "; raise that, too";
  return (
    `${literal(value)} is ${compared} ${larger.join(".")} ` +
    `(${size}${given}), ${otherwise}${advice}`
  );
}

/** Whether a call may continue after the front has answered with its own timeout. */
function checkFront(findings: Warned, written: Written): void {
  const total = settingOf(written, TOTAL);
  if (written.limit === null || total === undefined) return;
  const { front, totalMs } = written.limit;
  if (total.value < front.responseMs) return;
  const waits = literal(front.responseMs);
  findings.warning(
    total.path,
    `${literal(total.value)} is longer than ${front.title} waits (${waits}), which then answers ` +
      `${front.lateStatus} itself; write ${literal(totalMs)}, or set how long it waits: ` +
      `behind: { front: "${front.name}", responseMs: … }`,
  );
}

/** Whether enabled repeats have budget and time. */
function checkRepeats(findings: Warned, written: Written, filled: Filled): void {
  const { retry, timeouts } = filled;
  if (retry === false || timeouts === false || retry["attemptsMax"] === 1) return;
  const floor = settingOf(written, ["retry", "budgetFloorPerSecond"]);
  if (retry["budgetRatio"] === 0 && floor?.value === 0) {
    const text = "0 with budgetRatio: 0 allows no repeat; write retry: false if this is intended";
    findings.warning(floor.path, text);
  }
  const connect = settingOf(written, ["timeouts", "connectMs"]);
  const response = settingOf(written, ["timeouts", "responseMs"]);
  const last = response ?? connect;
  if (last === undefined) return;
  // Defaults fit, so only configured values are counted.
  const together = (connect?.value ?? 0) + (response?.value ?? 0);
  const total = timeouts["totalMs"] as number;
  // A value that exceeds the total on its own has already been reported.
  const isReported = [connect, response].some((one) => one !== undefined && one.value > total);
  if (isReported || together < total || total === Infinity) return;
  const beside =
    last === response && connect ? ` beside connectMs (${literal(connect.value)})` : "";
  const given = settingOf(written, TOTAL) === undefined ? " by default" : "";
  findings.warning(
    last.path,
    `${literal(last.value)}${beside} leaves no time within timeouts.totalMs ` +
      `(${literal(total)}${given}) for a second attempt after one that timed out`,
  );
}
