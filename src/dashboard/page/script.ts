/**
 * The script of the page, joined from its parts to one strict function without globals.
 *
 * The parts are text, since they run in a browser and are served as they stand: no build step lies
 * between what is written here and what the page's policy allows by its hash. They write text nodes
 * only and never HTML, so nothing that a request brought along can become markup.
 */
import { DASHBOARD } from "../../catalog/dashboard-defaults.js";
import { FAILURE_CODES, hasTrait } from "../../catalog/failures.js";
import { STOP_REASONS } from "../../core/stop-reasons.js";
import { CHANGES } from "./script-changes.js";
import { CHARTS } from "./script-charts.js";
import { COMMANDS } from "./script-commands.js";
import { DETAIL } from "./script-detail.js";
import { DOM } from "./script-dom.js";
import { FAILURES } from "./script-failures.js";
import { FLEET } from "./script-fleet.js";
import { LIMITS } from "./script-limits.js";
import { REFERENCE } from "./script-reference.js";
import { STREAM } from "./script-stream.js";
import { UPSTREAMS } from "./script-upstreams.js";

/** Nothing in it can end the element that it stands in. */
const STOPS = JSON.stringify(STOP_REASONS).replaceAll("<", "\\u003c");
const REFUSALS = JSON.stringify(FAILURE_CODES.filter((code) => hasTrait(code, "no_target")));

export const SCRIPT = [
  '(() => {\n"use strict";',
  `const STOPS = ${STOPS};`,
  `const REFUSALS = ${REFUSALS};`,
  `const CHANGES_MAX = ${DASHBOARD.changesMax};`,
  ...[
    DOM,
    COMMANDS,
    CHARTS,
    DETAIL,
    UPSTREAMS,
    LIMITS,
    FLEET,
    FAILURES,
    CHANGES,
    REFERENCE,
    STREAM,
  ],
  "})();",
].join("\n");
