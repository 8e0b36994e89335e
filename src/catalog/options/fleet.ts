/**
 * A fleet: gateways that belong together.
 *
 * `option.ts` describes the form.
 */
import { count, FINITE, own, type Section, text } from "./option.js";

const NAME = /^[A-Za-z][\w.-]{0,63}$/;
const HOST = /^[\x21-\x7e]{1,253}$/;

export const FLEET_OPTIONS = {
  /** The fleet's name on the bus; gateways of the same name belong together. */
  name: text(NAME, "a name of letters, digits, -, _ and ., up to 64"),
  /** What carries messages: `clusterBus()`, `redisBus(client)`, or an object of your own. */
  bus: own<object>(null),
  /**
   * Which machine this is. Members of one machine see through one network.
   * @default the host name
   */
  host: text(HOST, "a name without spaces, up to 253"),
  /**
   * Members that must find a target out of order, on two hosts where there are two, before it goes
   * out here without a failure here.
   * @default 2
   * @remarks One alone may have a fault of its own; three would be late in a small fleet.
   */
  quorum: count(2, {
    least: 2,
    most: FINITE,
    tooLow: "one member alone must not take targets from the others",
  }),
} as const satisfies Section;
