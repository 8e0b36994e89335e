/**
 * Who may see the dashboard. It names targets and paths, so by default it is shown to people at
 * this very machine only, and never under a name that another party can own.
 */
import type { IncomingMessage } from "node:http";
import { hostTest, isFromHere, type OwnHosts } from "../options/operators.js";

/**
 * - `"loopback"`: requests from this machine to a port of `startAdmin` on a loopback address.
 * - `"any"`: all who get here; what stands before it must ask who they are.
 * - A function decides for each request; what it throws counts as no.
 */
export type DashboardAccess =
  | "loopback"
  | "any"
  | ((req: IncomingMessage) => boolean | Promise<boolean>);

export function lookTest(
  access: DashboardAccess,
  hosts: OwnHosts,
): (req: IncomingMessage) => boolean | Promise<boolean> {
  if (access === "loopback") return isFromHere;
  const asksForUs = hostTest(hosts);
  return (req) => asksForUs(req) && (access === "any" || access(req));
}
