/**
 * What may be written for a front: which kind it is, and what of its settings is not the default.
 * `read-behind.ts` reads it.
 */
import type { FrontName } from "../catalog/fronts.js";
import type { FRONT_OPTIONS } from "../catalog/options/front.js";
import type { OptionsOf } from "../catalog/options/option.js";

/** A front with settings that are not its default ones. */
export interface FrontOptions extends OptionsOf<typeof FRONT_OPTIONS> {
  /** Its kind; the other members state where it differs from the defaults of that kind. */
  readonly front: FrontName;
}
