/**
 * The tables of docs/events.md and docs/metrics.md, read from the source: what every event carries,
 * the members of the record of a call, and all metrics.
 */
import { METRIC_PREFIX, METRICS } from "../../src/telemetry/metric-table.js";
import { optionsOf } from "./docs-options.js";
import { table } from "./docs-pages.js";

const RECORD = "src/records/call-record.ts";

/** Plain data that events carry, each with the part that lists its members. */
export const EVENT_DATA = {
  "call-record": "CallRecord",
  "call-attempt": "CallAttempt",
  "attempt-timings": "AttemptTimings",
  "call-client": "CallClient",
} as const;

/** The events of a gateway, with what each carries. */
export function eventTable(): string {
  const rows = optionsOf("src/records/events.ts", "GatewayEvents").map((event) => [
    `\`${event.name.replaceAll('"', "")}\``,
    carried(event.type),
    event.text,
  ]);
  return table(["event", "carries", "when"], rows);
}

const LINKED: ReadonlySet<string> = new Set(Object.values(EVENT_DATA));

function carried(type: string): string {
  if (LINKED.has(type)) return `a [\`${type}\`](#${type.toLowerCase()})`;
  if (type === "Incident") return "an [`Incident`](health.md#crashes-around-you)";
  return [...type.matchAll(/readonly (\w+): ([^;]+);/g)]
    .map(([, name, of]) => `\`${name}: ${of}\``)
    .join(", ");
}

/** All metrics by their full names. */
export function metricTable(): string {
  const rows = Object.values(METRICS).map(({ name, type, labels, help }) => [
    `\`${METRIC_PREFIX}${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(", ") || "–",
    help,
  ]);
  return table(["metric", "type", "labels", "meaning"], rows);
}

/** The fields of the access log, whose names say what they are. */
export function fieldTable(): string {
  const rows = optionsOf("src/telemetry/access-fields.ts", "AccessFields").map((field) => [
    `\`${field.name}\``,
    `\`${field.type}\``,
  ]);
  return table(["field", "type"], rows);
}

/** The members of one of the interfaces above. */
export function memberTable(name: string): string {
  const rows = optionsOf(RECORD, name).map((member) => [
    `\`${member.name}\``,
    `\`${member.type}\``,
    member.text,
  ]);
  return table(["member", "type", "meaning"], rows);
}
