/**
 * A front with its configuration and, where one runs with it, its processes: what rules and looks
 * have in common.
 */
import type { FrontConfig } from "../config/front-config.js";
import type { RunningFront } from "./fronts.js";

export interface LocalFront {
  readonly config: FrontConfig;
  /** Null when none runs with this configuration. */
  readonly running: RunningFront | null;
}
