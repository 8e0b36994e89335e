/**
 * One name for all calls of a route: what differs from call to call is replaced.
 * Guarantee: of a path of any length only its first parts are kept.
 */
import { DIAGNOSIS } from "../catalog/health-defaults.js";

/** What identifies a route. */
export interface Routed {
  readonly method: string;
  readonly path: string;
  readonly upgrade?: string | null;
}

const ID = /^(?:\d+|[0-9a-f]{8,}(?:-[0-9a-f]+)*|[\w-]{20,})$/i;

export function routeOf(path: string): string {
  const [plain = "/"] = path.split(/[?#]/);
  const segments = plain.split("/").slice(0, DIAGNOSIS.routeSegmentsMax + 1);
  return segments.map((segment) => (ID.test(segment) ? ":id" : segment)).join("/") || "/";
}
