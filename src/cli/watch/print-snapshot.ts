/**
 * A snapshot of a gateway for people: each upstream with its targets, what is wrong with it, and
 * the
 * incidents that are not over. What is well takes one line.
 */
import { isoDate } from "../../base/clock.js";
import type { GatewaySnapshot, TargetSnapshot, UpstreamSnapshot } from "../../gateway/snapshot.js";
import type { Terminal } from "../terminal/terminal.js";

export function printSnapshot(snapshot: GatewaySnapshot, to: Terminal): void {
  const { name, at, lifecycle, health, upstreams } = snapshot;
  const ready = health.ready ? to.green("ready") : to.red("not ready");
  const calls = `${lifecycle.active} calls under way`;
  to.paragraph(`${to.bold(name)} · ${lifecycle.state} · ${ready} · ${calls} · ${isoDate(at)}`);
  if (lifecycle.maintenance !== null) to.paragraph(to.yellow("maintenance is on"), "  ");
  for (const reason of health.reasons) to.paragraph(to.yellow(String(reason)), "  ");
  for (const upstream of upstreams) printUpstream(upstream, to);
  to.line();
}

function printUpstream(upstream: UpstreamSnapshot, to: Terminal): void {
  const { name, state, targets, verdict, maintenance = [] } = upstream;
  const paint = state === "healthy" ? to.green : state === "degraded" ? to.yellow : to.red;
  to.line();
  to.paragraph(`${paint(state === "healthy" ? "✔" : "✘")} ${to.bold(name)} ${paint(state)}`);
  for (const { path } of maintenance) {
    to.paragraph(to.yellow(`maintenance is on${path === null ? "" : ` for ${path}`}`), "  ");
  }
  if (!verdict.well) {
    to.paragraph(verdict.title, "  ");
    to.paragraph(to.dim(`at fault: ${verdict.blame ?? "?"} · ${verdict.confidence}`), "  ");
    to.paragraph(`${to.cyan("Next:")} ${verdict.next}`, "  ", "    ");
  }
  for (const target of targets) {
    to.paragraph(targetInWords(target, to), "    ", "      ");
    for (const one of (target.breaker?.routes ?? []).slice(-ROUTES_SHOWN)) {
      const counts = `${one.failuresInRow} failed in a row, ${one.passed} answered well`;
      to.paragraph(to.yellow(`${one.route} · ${one.standing} · ${counts}`), "      ", "        ");
    }
  }
}

const ROUTES_SHOWN = 5;

function targetInWords(target: TargetSnapshot, to: Terminal): string {
  const { breaker, standing, pending, reason, connections } = target;
  const state = breaker?.state ?? "off";
  const parts = [
    target.target,
    standing === "well" ? standing : to.red(standing),
    reason,
    `breaker ${state === "closed" || state === "off" ? state : to.red(state)}`,
    breaker === null || breaker.counted === 0
      ? null
      : `${breaker.failed} of ${breaker.counted} failed`,
    `${pending} pending`,
    `${connections.open} connections, ${connections.idle} idle`,
  ];
  return parts.filter((part) => part !== null).join(" · ");
}
