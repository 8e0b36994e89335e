/**
 * Times and sizes as the fronts write them: `60s`, `1m30s`, `500ms`, `4k`. A bare number has the
 * unit that its front gives it.
 */
const TIMES: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds; null for what is no time. */
export function timeMs(text: string, bareUnit: "ms" | "s"): number | null {
  if (/^\d+$/.test(text)) return Number(text) * (TIMES[bareUnit] ?? 1);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(us|ms|min|s|m|h|d|w)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) return null;
  return parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (TIMES[unit] ?? 0), 0);
}

const SIZES: Readonly<Record<string, number>> = { "": 1, k: 1_024, m: 1_048_576, g: 1_073_741_824 };

/** Bytes; null for what is no size. */
export function sizeBytes(text: string): number | null {
  const [, count, unit = ""] = /^(\d+)([kmg]?)b?$/i.exec(text) ?? [];
  return count === undefined ? null : Number(count) * (SIZES[unit.toLowerCase()] ?? 1);
}
