/**
 * Which addresses are never connected to, as an option; `options/read-addresses.ts` reads it, and
 * `targets/address-guard.ts` enforces it.
 */
import { type OptionsOf, own, type Section } from "./option.js";

const TEXTS = { type: "array", items: { type: "string" } };

export const ADDRESS_OPTIONS = {
  /**
   * Addresses, ranges (`10.0.0.0/8`) and groups: `loopback`, `linkLocal`, `metadata` (where clouds
   * keep credentials), `private` (all that is not globally reachable, those included).
   */
  forbid: own<readonly string[]>(TEXTS),
  /** Exceptions from what is forbidden. */
  allow: own<readonly string[]>(TEXTS),
} as const satisfies Section;

/** Which addresses may be connected to. Names are checked by the addresses they resolve to. */
export interface AddressOptions extends OptionsOf<typeof ADDRESS_OPTIONS> {}
