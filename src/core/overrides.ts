/**
 * What is set for a call in several places, put together: for its route, for its fetch, for itself.
 * What is nearer to the call wins, timeouts one by one.
 */
import type { CallOverrides } from "./call.js";

export function mergeOverrides(
  below: CallOverrides | null,
  above: CallOverrides | null,
): CallOverrides | null {
  if (above === null || isEmpty(above)) return isEmpty(below) ? null : below;
  const merged = { ...below, ...above };
  if (below?.timeouts === undefined || above.timeouts === undefined) return merged;
  return { ...merged, timeouts: { ...below.timeouts, ...above.timeouts } };
}

/** Without a list of the names, since every fetch asks. */
function isEmpty(overrides: CallOverrides | null): boolean {
  for (const name in overrides) if (Object.hasOwn(overrides, name)) return false;
  return true;
}
