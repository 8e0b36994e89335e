/**
 * Metrics as text: Prometheus' format 0.0.4, or OpenMetrics 1.0 for who asks for it.
 *
 * Guarantee: label values and help texts are escaped; samples of a metric stand together, behind
 * their HELP and TYPE; numbers are those that both formats know.
 */
import type { Family } from "./meter.js";
import type { Sample } from "./series.js";

export type MetricsFormat = "prometheus" | "openmetrics";

export const CONTENT_TYPES: Readonly<Record<MetricsFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** All metrics as a text. */
export function expose(families: readonly Family[], format: MetricsFormat): string {
  const text = families.map((family) => familyText(family, format)).join("");
  return format === "openmetrics" ? `${text}# EOF\n` : text;
}

function familyText({ name, type, help, samples }: Family, format: MetricsFormat): string {
  const open = format === "openmetrics";
  // OpenMetrics calls a counter without the suffix that its samples have.
  const family = open && type === "counter" ? name.replace(/_total$/, "") : name;
  const head = `# HELP ${family} ${escapedHelp(help, open)}\n# TYPE ${family} ${type}\n`;
  return head + samples.map((sample) => sampleLine(name, sample, open)).join("");
}

function sampleLine(name: string, { suffix, labels, value }: Sample, open: boolean): string {
  const pairs = Object.entries(labels).map(
    ([label, text]) => `${label}="${escapedLabel(label === "le" ? bound(text, open) : text)}"`,
  );
  const set = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
  return `${name}${suffix}${set} ${number(value)}\n`;
}

/** OpenMetrics writes bounds as floats, so that 1 and 1.0 are no two series. */
function bound(text: string, open: boolean): string {
  return open && /^\d+$/.test(text) ? `${text}.0` : text;
}

function number(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value);
}

function escapedLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function escapedHelp(text: string, open: boolean): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return open ? escaped.replaceAll('"', '\\"') : escaped;
}

const OPENMETRICS = "application/openmetrics-text";

/** The format that an `Accept` prefers; Prometheus' own where it does not matter. */
export function formatFor(accept: string | undefined): MetricsFormat {
  let open = 0;
  let plain = 0;
  for (const range of (accept ?? "").toLowerCase().split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const quality = qualityOf(parameters);
    if (type === OPENMETRICS) open = Math.max(open, quality);
    else if (PLAIN.has(type)) plain = Math.max(plain, quality);
  }
  return open > 0 && open >= plain ? "openmetrics" : "prometheus";
}

const PLAIN: ReadonlySet<string> = new Set(["text/plain", "text/*", "*/*"]);

// RFC 9110 §12.4.2: without a weight it is 1.
function qualityOf(parameters: readonly string[]): number {
  const weight = parameters.find((one) => one.startsWith("q="))?.slice(2);
  if (weight === undefined) return 1;
  const quality = Number(weight);
  return quality >= 0 && quality <= 1 ? quality : 0;
}
