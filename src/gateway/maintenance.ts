/**
 * Maintenance of one upstream, switched on and off by code or by an operator.
 *
 * Guarantee: a pattern that cannot be read is a TypeError that says what to write; at most as many
 * are on as there may be `routes`; each change is an event, and none where nothing changed.
 */
import { RETRY_AFTER, ROUTES } from "../catalog/defaults.js";
import { createFindings, shown } from "../options/findings.js";
import { readPattern } from "../options/read-routes.js";
import type { GatewayCore } from "./core.js";
import type { UpstreamCore } from "./upstream.js";

type Events = Pick<GatewayCore, "events">;

export function startMaintenance(
  { events }: Events,
  { name: upstream, maintenance }: UpstreamCore,
  options: { readonly path?: string; readonly retryAfterMs?: number },
): void {
  const { path = null, retryAfterMs = RETRY_AFTER.maintenanceMs } = options;
  if (!(Number.isFinite(retryAfterMs) && retryAfterMs >= 0)) {
    throw new TypeError(`retryAfterMs: ${shown(retryAfterMs)} is not a number of milliseconds`);
  }
  const findings = createFindings();
  const regexp = path === null ? null : readPattern(findings, "path", path);
  const [problem] = findings.problems;
  if (problem !== undefined) throw new TypeError(problem);
  if (maintenance.states.length >= ROUTES.rulesMax) {
    throw new TypeError(`path: more than ${ROUTES.rulesMax} are in maintenance; leave path out`);
  }
  maintenance.start({ path, regexp, retryAfterMs });
  if (events.has("maintenance:change")) {
    events.emit("maintenance:change", { upstream, path, on: true });
  }
}

export function endMaintenance(
  { events }: Events,
  { name: upstream, maintenance }: UpstreamCore,
  options: { readonly path?: string },
): void {
  const { path = null } = options;
  if (maintenance.end(path) && events.has("maintenance:change")) {
    events.emit("maintenance:change", { upstream, path, on: false });
  }
}
