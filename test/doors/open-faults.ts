/**
 * Cells that do not hold yet. Each is to be mended; none is to be added.
 */
import type { Door } from "./door.js";

/** What comes of a body behind the Response of a foreign fetch is not seen. */
const FOREIGN = [
  "bulkhead_full",
  "bulkhead_queue_displaced",
  "bulkhead_queue_timeout",
  "deadline_exceeded_queued",
  "http_response_transfer_coding",
  "response_body_timeout",
  "http_response_body_size",
  "http_response_trailer_section_size",
  "http_response_trailer_size",
  "connection_reset_in_body",
  "an answer's body of an announced length above the limit is refused",
  "an answer's body that grows above the limit is cut",
  "a client that leaves within the answer ends the exchange at once",
];
const HPM = ["a head that fits is passed on, also above what Node's own clients take"];
const HPM_UPGRADES = ["a tunnel is opened for websocket alone, unless others are named"];

const OPEN: Readonly<Record<string, readonly string[]>> = {
  "throughGateway, http-proxy-middleware 3": HPM,
  "throughGateway, http-proxy-middleware 4": HPM,
  "upgrades, http-proxy-middleware 3": HPM_UPGRADES,
  "upgrades, http-proxy-middleware 4": HPM_UPGRADES,
  "gatewayFetch, a foreign fetch": FOREIGN,
};

export function isOpen(row: string, { name }: Door): boolean {
  return process.env["DOORS_OPEN"] !== "1" && OPEN[name]?.includes(row) === true;
}
