/**
 * Which addresses are never connected to, as people write it; `read-addresses.ts` reads it, and
 * `targets/address-guard.ts` keeps to it.
 */

/** Which addresses may be connected to. Names are judged by what they resolve to. */
export interface AddressOptions {
  /**
   * Addresses, ranges (`10.0.0.0/8`) and groups: `loopback`, `linkLocal`, `metadata` (where clouds
   * keep credentials), `private` (all that is not reachable from everywhere, those included).
   */
  readonly forbid?: readonly string[];
  /** What is let through although it is forbidden. */
  readonly allow?: readonly string[];
}
