/**
 * The sections of options, and how each is written: on or off by default, and what a bare number
 * means. The options themselves are declared in `catalog/options`.
 */
import { BREAKER_OPTIONS } from "../catalog/options/breaker.js";
import { EJECTION_OPTIONS, PANIC_OPTIONS, SLOW_START_OPTIONS } from "../catalog/options/health.js";
import { LIMIT_OPTIONS } from "../catalog/options/limits.js";
import type { Section } from "../catalog/options/option.js";
import {
  ADAPTIVE_LIMIT_OPTIONS,
  BULKHEAD_OPTIONS,
  HEDGE_OPTIONS,
  SHED_OPTIONS,
  THROTTLE_OPTIONS,
} from "../catalog/options/overload.js";
import { RETRY_OPTIONS } from "../catalog/options/retry.js";
import { TIMEOUT_OPTIONS } from "../catalog/options/timeouts.js";

/** In the order in which they are read. */
export const SECTIONS = {
  timeouts: TIMEOUT_OPTIONS,
  retry: RETRY_OPTIONS,
  breaker: BREAKER_OPTIONS,
  bulkhead: BULKHEAD_OPTIONS,
  adaptiveLimit: ADAPTIVE_LIMIT_OPTIONS,
  throttle: THROTTLE_OPTIONS,
  hedge: HEDGE_OPTIONS,
  shed: SHED_OPTIONS,
  limits: LIMIT_OPTIONS,
  ejection: EJECTION_OPTIONS,
  slowStart: SLOW_START_OPTIONS,
  panic: PANIC_OPTIONS,
} as const satisfies Readonly<Record<string, Section>>;

export type SectionName = keyof typeof SECTIONS;
/** Sections of an upstream; load shedding belongs to the gateway as a whole. */
export const SECTION_NAMES = (Object.keys(SECTIONS) as readonly SectionName[]).filter(
  (name) => name !== "shed",
);

/** Sections that are on unless `false` is written; the others are always there. */
export const SWITCHABLE: ReadonlySet<string> = new Set<SectionName>([
  "retry",
  "breaker",
  "bulkhead",
  "ejection",
  "slowStart",
  "panic",
]);

/** Sections that are off by default; `true` enables them with their defaults. */
export const OPT_IN: ReadonlySet<string> = new Set<SectionName>([
  "adaptiveLimit",
  "throttle",
  "hedge",
  "shed",
]);

/** What a bare number probably means where a section is expected. */
export const MEANT_BY_NUMBER: Readonly<Record<SectionName, string>> = {
  timeouts: "totalMs",
  retry: "attemptsMax",
  breaker: "consecutiveFailures",
  bulkhead: "concurrencyMax",
  adaptiveLimit: "concurrencyStart",
  throttle: "requestsPerAccept",
  hedge: "delayMs",
  shed: "eventLoopDelayMs",
  limits: "connectionsMax",
  ejection: "consecutiveFailures",
  slowStart: "rampMs",
  panic: "healthyRatioMin",
};
