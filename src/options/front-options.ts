/**
 * What may be written for a front: which kind it is, and what of its settings is not the default.
 * `read-behind.ts` reads it.
 */
import type { FrontName } from "../catalog/fronts.js";

/** A front with settings that are not its default ones. */
export interface FrontOptions {
  /** Which kind: the other members then say what is different. */
  readonly front: FrontName;
  /** How long it keeps a connection to this server that rests; `Infinity` for good. */
  readonly keepAliveMs?: number;
  /** How long it waits for an answer; `Infinity` for ever. */
  readonly responseMs?: number;
  /** The largest head of an answer that it takes. */
  readonly responseHeadBytesMax?: number;
  /** The largest single field in that head. */
  readonly responseFieldBytesMax?: number;
  /** Where it connects from: addresses and ranges, such as `10.0.0.0/8`. */
  readonly addresses?: readonly string[];
  /** The fields about the client that it writes itself, whatever the client has sent. */
  readonly fields?: readonly string[];
}
