/**
 * The kinds of attack that are tried, in the order of the table.
 */
import type { HostileKind } from "./kind.js";
import { SMUGGLING_KINDS } from "./kinds/smuggling.js";
import { TARGET_KINDS } from "./kinds/targets.js";

export const KINDS: readonly HostileKind[] = [...SMUGGLING_KINDS, ...TARGET_KINDS];
