/**
 * What `dns` takes, as far as it is data that a check of its kind can judge.
 *
 * `option.ts` describes the form.
 */
import { count, cut, own, type Section, text } from "./option.js";

export const DNS_OPTIONS = {
  /**
   * The name of SRV records, such as `_http._tcp.orders.internal`. Names, ports, priorities and
   * weights are then theirs, and `url` gives protocol, Host and path prefix.
   */
  srv: text(/^[^\s/:]+$/, "a name of SRV records, such as _http._tcp.orders.internal"),
  /** Addresses of one family only. Default: the families that the machine has. */
  family: own<4 | 6>({ enum: [4, 6] }),
  /**
   * Shortest time between two lookups.
   * @default 5000
   * @remarks Records with a shorter TTL are not refreshed more often, as in Envoy.
   */
  intervalMsMin: cut(5_000, {}),
  /**
   * Longest time between two lookups, whatever the TTL of the records.
   * @default 60000
   * @remarks Records with a TTL of hours are refreshed sooner, since a move is not always planned.
   */
  intervalMsMax: cut(60_000),
  /**
   * The most targets that one answer adds.
   * @default 100
   * @remarks An answer with more addresses is most likely a mistake.
   */
  targetsMax: count(100, { least: 1 }),
  /** Name servers, such as `10.0.0.2:53`; default: those of the system. */
  servers: own<readonly string[]>({ type: "array", items: { type: "string" } }),
} as const satisfies Section;
