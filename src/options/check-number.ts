/**
 * Checks a number against its rule in `catalog/options`, and suggests what was probably intended.
 * For a text with a unit, a percentage instead of a ratio and seconds instead of milliseconds the
 * message contains the number to write.
 */
import type { NumberRule, Unit } from "../catalog/options/option.js";
import { type Findings, literal, shown } from "./findings.js";

/** A smaller number of milliseconds was probably meant as seconds. */
const SHORT_MS = 50;
const MS_PER_SECOND = 1_000;
/** A ratio from here on was probably meant as a percentage. */
const PERCENT_FROM = 2;

/** The value if it is valid; otherwise a problem is noted, and the result is undefined. */
export function checkNumber(
  findings: Findings,
  path: string,
  rule: NumberRule,
  value: unknown,
): number | undefined {
  if (typeof value === "number" && fits(rule, value)) {
    warnOfUnlikely(findings, path, rule, value);
    return value;
  }
  const advice = adviceFor(rule, value);
  const rest = advice === null ? "" : `; ${advice}`;
  findings.problem(path, `${shown(value)} is not ${rule.wanted}${rest}`);
  return undefined;
}

function fits(rule: NumberRule, value: number): boolean {
  // NaN is neither above nor below anything.
  const enough = rule.above === true ? value > rule.least : value >= rule.least;
  const whole = rule.whole !== true || Number.isInteger(value) || value === Infinity;
  return enough && value <= rule.most && whole;
}

function warnOfUnlikely(findings: Findings, path: string, rule: NumberRule, value: number): void {
  if (rule.seldomShort === true && value < SHORT_MS) {
    findings.warning(path, `${literal(value)} ms; ${didYouMean(value * MS_PER_SECOND)}`);
  }
  if (rule.unit !== "ratio" || value <= 1) return;
  const percent = percentOf(rule, value);
  const text = `${literal(value)} lets repeats add ${literal(value)} times the calls`;
  findings.warning(path, percent === null ? text : `${text}; ${percent}`);
}

function adviceFor(rule: NumberRule, value: unknown): string | null {
  if (typeof value !== "number") return adviceForOther(rule, value);
  if (Number.isNaN(value)) return "NaN comes from a text that is not a number, or from undefined";
  if (value <= rule.least) return rule.tooLow ?? null;
  if (value > rule.most) return percentOf(rule, value) ?? rule.tooHigh ?? null;
  return didYouMean(Math.max(rule.least, Math.round(value)));
}

function percentOf(rule: NumberRule, value: number): string | null {
  const isPercent = rule.unit === "ratio" && value >= PERCENT_FROM && value <= 100;
  return isPercent ? didYouMean(value / 100) : null;
}

function adviceForOther(rule: NumberRule, value: unknown): string | null {
  if (value === null) return "leave it out for the default";
  const meant = typeof value === "bigint" ? Number(value) : readNumber(rule.unit, value);
  return meant !== null && fits(rule, meant) ? didYouMean(meant) : null;
}

function didYouMean(value: number): string {
  // Without the last digits, which are the noise of the multiplication.
  return `did you mean ${literal(Number(value.toPrecision(12)))}?`;
}

const MULTIPLES: Readonly<Record<Unit, Readonly<Record<string, number>>>> = {
  ms: { "": 1, ms: 1, s: 1_000, sec: 1_000, m: 60_000, min: 60_000, h: 3_600_000 },
  bytes: {
    "": 1,
    b: 1,
    k: 1_024,
    kb: 1_024,
    kib: 1_024,
    m: 1_048_576,
    mb: 1_048_576,
    mib: 1_048_576,
  },
  ratio: { "": 1, "%": 0.01 },
  count: { "": 1 },
};

/** The value of a text such as "2s" or "64kb"; null when it has none. */
function readNumber(unit: Unit, text: unknown): number | null {
  if (typeof text !== "string") return null;
  const [, digits, suffix] = /^\s*(\d[\d_]*(?:\.\d+)?)\s*([a-z%]*)\s*$/i.exec(text) ?? [];
  const multiple = MULTIPLES[unit][(suffix ?? "").toLowerCase()];
  if (digits === undefined || multiple === undefined) return null;
  return Number(digits.replaceAll("_", "")) * multiple;
}
