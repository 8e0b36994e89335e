/**
 * How much a call matters, by the four names of the SRE book. The queue and every policy that
 * rejects calls start with the least important.
 */
/** From the least important to the most. */
export const PRIORITIES = ["SHEDDABLE", "SHEDDABLE_PLUS", "CRITICAL", "CRITICAL_PLUS"] as const;

/**
 * `SHEDDABLE` may fail often (batch work), `SHEDDABLE_PLUS` occasionally (work that is retried),
 * `CRITICAL` is what users notice, `CRITICAL_PLUS` is rejected last of all.
 */
export type Priority = (typeof PRIORITIES)[number];

/** A call without a priority is assumed to have a user waiting for it. */
export const PRIORITY_UNLESS_GIVEN: Priority = "CRITICAL";

/** From 0 for the least important; a higher rank is rejected later. */
export const PRIORITY_RANK: Readonly<Record<Priority, number>> = {
  SHEDDABLE: 0,
  SHEDDABLE_PLUS: 1,
  CRITICAL: 2,
  CRITICAL_PLUS: 3,
};

/** Whether a value is one of the four names, as it must be written in code. */
export function isPriority(value: unknown): value is Priority {
  return typeof value === "string" && Object.hasOwn(PRIORITY_RANK, value);
}

/** Reads a name as it may stand in a field: `sheddable-plus` is `SHEDDABLE_PLUS`. */
export function readPriority(text: string): Priority | null {
  const name = text.trim().toUpperCase().replaceAll("-", "_");
  return isPriority(name) ? name : null;
}
