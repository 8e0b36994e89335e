/**
 * What bounds a fleet, and how soon its members notice each other.
 *
 * As in defaults.ts, the unit is in the name and the reason stands beside the number.
 */

import { FLEET_OPTIONS } from "./options/fleet.js";
import { defaultsOf } from "./options/option.js";

export const FLEET = {
  ...defaultsOf(FLEET_OPTIONS),
  /** How often a member says that it is there. */
  beatMs: 1_000,
  /** Who was not heard for so long is not there: some beats may be lost. */
  presentMs: 5_000,
  /** For so long it counts where limits are divided: a share shrinks at once and grows slowly. */
  absentMs: 60_000,
  /** Longest wait for the bus; nothing but the next message waits meanwhile. */
  busMs: 250,
  /** Messages that the bus has not taken; more would fill the memory of its client. */
  unsentMax: 16,
  /** One that is not taken by then is given up, so that others can be tried. */
  unsentMsMax: 10_000,
  /** Members that are remembered; further ones are not heard. */
  membersMax: 1_000,
  /** A longer message is not read. */
  messageCharsMax: 65_536,
  /** What one member says is believed for so long after it was heard. */
  believedMs: 5_000,
  /** A target that others found out of order is out for so long; it is tried then, or before. */
  ejectMs: 5_000,
  /** For so long, up to twice, one leaves it to another to try a target that both find out. */
  courtesyMs: 5_000,
  /** How often a member looks for targets that are late with an answer. */
  lookMs: 25,
  /** News goes at once; the next ones wait for so long, so that many failures are one message. */
  newsMs: 100,
  /** Upstreams, and ill targets of each, in a message. */
  upstreamsMax: 200,
  illMax: 100,
  /** A newcomer is greeted within this time, by each at another moment. */
  greetMs: 50,
} as const;
