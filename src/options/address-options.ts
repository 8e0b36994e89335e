/**
 * Which addresses are never connected to, as an option; `read-addresses.ts` reads it, and
 * `targets/address-guard.ts` enforces it.
 */

/** Which addresses may be connected to. Names are checked by the addresses they resolve to. */
export interface AddressOptions {
  /**
   * Addresses, ranges (`10.0.0.0/8`) and groups: `loopback`, `linkLocal`, `metadata` (where clouds
   * keep credentials), `private` (all that is not globally reachable, those included).
   */
  readonly forbid?: readonly string[];
  /** Exceptions from what is forbidden. */
  readonly allow?: readonly string[];
}
