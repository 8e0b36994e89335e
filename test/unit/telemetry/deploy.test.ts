/**
 * The files of deploy/ speak of metrics and labels that exist, and Grafana can take the dashboard.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { METRIC_PREFIX, METRICS, type MetricRow } from "../../../src/telemetry/metric-table.js";

const read = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../../deploy/${path}`, import.meta.url)), "utf8");
const ALERTS = read("prometheus/alerts.yml");
const DASHBOARD = read("grafana/good-gateway.json");

const ROWS: readonly MetricRow[] = Object.values(METRICS);
/** What a scrape adds, and what a histogram has. */
const SCRAPED = ["job", "instance", "le"];

/** Names, and labels in matchers, that no metric has. */
function unknownIn(text: string): readonly string[] {
  const found = text.matchAll(/good_gateway_(\w+)(?:\{((?:[^{}"]|\\?"[^"]*")*)\})?/g);
  return [...found].flatMap(([whole, name = "", matchers = ""]) => {
    const row = ROWS.find(
      (one) =>
        name === one.name ||
        (one.type === "histogram" && name.replace(/_(bucket|sum|count)$/, "") === one.name),
    );
    if (row === undefined) return [METRIC_PREFIX + name];
    const labels = [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*\\?"/g)].map(([, one]) => one);
    return labels
      .filter((label) => ![...SCRAPED, ...row.labels].includes(label ?? ""))
      .map((label) => `${whole}: ${label}`);
  });
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

describe("deploy", () => {
  it("alerts and dashboard name metrics and labels that are exported", () => {
    expect(unknownIn(ALERTS)).toEqual([]);
    expect(unknownIn(DASHBOARD)).toEqual([]);
  });

  it("a name or a label that does not exist is found", () => {
    expect(unknownIn('rate(good_gateway_call_total{upstream="a"}[5m])')).toHaveLength(1);
    expect(unknownIn('good_gateway_ready{upstream="a"}')).toHaveLength(1);
  });

  it("the panels of the dashboard have ids of their own, and places that do not overlap", () => {
    const { panels, schemaVersion, templating } = JSON.parse(DASHBOARD) as {
      readonly schemaVersion: number;
      readonly templating: { readonly list: readonly { readonly name: string }[] };
      readonly panels: readonly { readonly id: number; readonly gridPos: Box }[];
    };
    expect(schemaVersion).toBeGreaterThanOrEqual(36);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const known = ["datasource", "job", "instance", "upstream", "target"];
    expect(templating.list.map(({ name }) => name)).toEqual(known);
    const used = [...DASHBOARD.matchAll(/\$\{?(\w+)\}?/g)].map(([, name]) => name ?? "");
    const builtIn = ["__rate_interval", "__all"];
    expect(used.filter((name) => ![...known, ...builtIn].includes(name))).toEqual([]);
    const boxes = panels.map(({ gridPos }) => gridPos);
    for (const box of boxes) expect(box.x + box.w).toBeLessThanOrEqual(24);
    const overlaps = boxes.flatMap((a, place) =>
      boxes
        .slice(place + 1)
        .filter((b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h),
    );
    expect(overlaps).toEqual([]);
  });
});
