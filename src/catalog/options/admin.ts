/**
 * What `startAdmin` takes, as far as it is data.
 *
 * `option.ts` describes the form.
 */
import { noDefault, number, type Section, text } from "./option.js";

const ANY_PORT = "write 0 for any free port";

export const ADMIN_OPTIONS = {
  /** The port; 0 for any free port. */
  port: noDefault(
    number(0, {
      ...{ unit: "count", wanted: "a port", least: 0, most: 65_535, whole: true },
      ...{ tooLow: ANY_PORT, tooHigh: ANY_PORT },
    }),
  ),
  /**
   * The address to listen on. Kubernetes and balancers probe from outside: "0.0.0.0" or "::".
   * @default "127.0.0.1"
   * @remarks Endpoints for operators are seen from outside only where that is wanted.
   */
  host: text(/^\S+$/, "an address to listen on", "127.0.0.1"),
} as const satisfies Section;
