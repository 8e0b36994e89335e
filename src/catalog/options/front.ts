/**
 * What may be written for a front: which kind it is, and which of its settings are not the default
 * ones of `fronts.ts`. `option.ts` describes the form.
 */
import { bytes, longCut, NO_LIMIT, noDefault, own, type Section } from "./option.js";

const TEXTS = { type: "array", items: { type: "string" } };

export const FRONT_OPTIONS = {
  /** How long it keeps an idle connection to this server; `Infinity` for no limit. */
  keepAliveMs: noDefault(longCut(0, { tooLow: "write Infinity if it keeps them" })),
  /** How long it waits for an answer; `Infinity` for no limit. */
  responseMs: noDefault(longCut(0)),
  /** The largest head of an answer that it accepts. */
  responseHeadBytesMax: noDefault(bytes(0, { least: 1, ...NO_LIMIT })),
  /** The largest single field in that head. */
  responseFieldBytesMax: noDefault(bytes(0, { least: 1, ...NO_LIMIT })),
  /** Where it connects from: addresses and ranges, such as `10.0.0.0/8`. */
  addresses: own<readonly string[]>(TEXTS),
  /** The fields about the client that it writes itself, whatever the client has sent. */
  fields: own<readonly string[]>(TEXTS),
} as const satisfies Section;
