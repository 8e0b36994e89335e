/**
 * The rows of the table of promises, beside the gallery of failures and the bodies.
 */
import type { DoorPromise } from "./promise.js";
import { ANSWERS } from "./promises/answers.js";
import { APPLICATIONS } from "./promises/applications.js";
import { BY_HAND } from "./promises/by-hand.js";
import { CACHE } from "./promises/cache.js";
import { CHAOS } from "./promises/chaos.js";
import { ELSEWHERE } from "./promises/elsewhere.js";
import { ENDINGS } from "./promises/endings.js";
import { FAIRNESS } from "./promises/fairness.js";
import { FALLBACKS } from "./promises/fallbacks.js";
import { FORWARDING, HOOKS, PASSED_ON } from "./promises/fields.js";
import { GUARD } from "./promises/guard.js";
import { HEADS } from "./promises/heads.js";
import { HEDGES } from "./promises/hedges.js";
import { INTERIM } from "./promises/interim.js";
import { JUDGING } from "./promises/judging.js";
import { LIMITS } from "./promises/limits.js";
import { POISON } from "./promises/poison.js";
import { BREAKERS, REFUSALS, REPEATS, TARGETS } from "./promises/policies.js";
import { RATE_LIMITS } from "./promises/rate-limits.js";
import { REPORTS } from "./promises/reports.js";
import { REQUEST_SETTINGS } from "./promises/request-settings.js";
import { ROUTES } from "./promises/routes.js";
import { SETTINGS } from "./promises/settings.js";
import { STANDARDS } from "./promises/standards.js";
import { SURROUNDINGS } from "./promises/surroundings.js";

export const PROMISES: readonly (readonly [chapter: string, rows: readonly DoorPromise[]])[] = [
  ["Limits", LIMITS],
  ["Addresses", GUARD],
  ["Heads of answers", HEADS],
  ["Forwarding", FORWARDING],
  ["Hooks", HOOKS],
  ["What is passed on", PASSED_ON],
  ["Answers that are changed", ANSWERS],
  ["Interim answers and trailers", INTERIM],
  ["Endings", ENDINGS],
  ["Reports", REPORTS],
  ["Surroundings", SURROUNDINGS],
  ["Calls of applications", APPLICATIONS],
  ["Repeats", REPEATS],
  ["Breakers", BREAKERS],
  ["Judging", JUDGING],
  ["Refusals", REFUSALS],
  ["Rate limits", RATE_LIMITS],
  ["Fairness", FAIRNESS],
  ["Poison", POISON],
  ["Chaos", CHAOS],
  ["Routes", ROUTES],
  ["Other upstreams", ELSEWHERE],
  ["Kept answers", CACHE],
  ["Fallbacks", FALLBACKS],
  ["Settings of one request", REQUEST_SETTINGS],
  ["By hand", BY_HAND],
  ["Hedges", HEDGES],
  ["Standards", STANDARDS],
  ["Targets", TARGETS],
  ["Settings", SETTINGS],
];
