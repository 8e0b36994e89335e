/**
 * The options of `dashboard`, checked when it is made: a wrong one throws and says what is right,
 * and a typing error in a name gets the nearest one.
 */
import { DASHBOARD } from "../catalog/dashboard-defaults.js";
import { nearest } from "../options/nearest.js";
import { hostsProblem, type OwnHosts } from "../options/operators.js";
import type { DashboardAccess } from "./access.js";

/** Where the dashboard is, and who may see it. */
export interface DashboardOptions {
  /**
   * It answers below this path only and hands on everything else, such as "/_gateway". Not needed
   * where a framework has mounted it, or where nothing else is served.
   */
  readonly path?: string;
  /**
   * Who may see it: "loopback" shows it to this machine only, on a port of `startAdmin`, "any" to
   * all who get here, behind your own authentication; or a function of the request.
   * @default "loopback"
   */
  readonly access?: DashboardAccess;
  /**
   * Names allowed in `Host`, such as "ops.example", beside addresses and names outside the public
   * DNS; "any" for all. `"loopback"` has the names of this machine alone.
   * @default []
   */
  readonly hosts?: readonly string[] | "any";
  /**
   * People who can watch at the same time; one more is asked to come back.
   * @default 20
   */
  readonly viewersMax?: number;
}

export interface ReadDashboardOptions {
  /** Without a slash at its end; "" for none. */
  readonly path: string;
  readonly access: DashboardAccess;
  readonly hosts: OwnHosts;
  readonly viewersMax: number;
}

const KNOWN = ["path", "access", "hosts", "viewersMax"];

export function readDashboardOptions(options: DashboardOptions): ReadDashboardOptions {
  for (const name of Object.keys(options)) {
    if (KNOWN.includes(name)) continue;
    const close = nearest(name, KNOWN);
    const hint = close === null ? `known are ${KNOWN.join(", ")}` : `did you mean "${close}"?`;
    throw new TypeError(`dashboard: there is no option "${name}"; ${hint}`);
  }
  const { path = "", access = "loopback", hosts = [] } = options;
  const { viewersMax = DASHBOARD.viewersMax } = options;
  if (typeof path !== "string" || (path !== "" && !/^\/[^?#]*$/.test(path))) {
    throw new TypeError(`path: ${JSON.stringify(path)} is not a path such as "/_gateway"`);
  }
  if (access !== "loopback" && access !== "any" && typeof access !== "function") {
    throw new TypeError('access: write "loopback", "any", or a function of the request');
  }
  const problem = hostsProblem(hosts);
  if (problem !== null) throw new TypeError(`hosts: ${JSON.stringify(hosts)} ${problem}`);
  if (!Number.isInteger(viewersMax) || viewersMax < 1) {
    throw new TypeError(`viewersMax: ${String(viewersMax)} is not a whole number from 1`);
  }
  return { path: path.replace(/\/+$/, ""), access, hosts, viewersMax };
}
