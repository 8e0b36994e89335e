/**
 * Contradictions between a front's settings and what its upstream really does: the pool against the
 * keep-alive time, the buffer against the head, the handshake against the fields, the wait against
 * the time that an answer took.
 */
import { fault, said, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { ConfiguredUpstream } from "../config/front-config.js";
import type { Facts } from "../facts/facts.js";
import { keptMsOf } from "../facts/steps.js";

export function chainRules(upstream: ConfiguredUpstream, facts: Facts): readonly Finding[] {
  return [
    ...keepAliveRace(upstream, facts),
    ...headBuffer(upstream, facts),
    ...upgrades(upstream, facts),
    ...waits(upstream, facts),
    ...families(upstream, facts),
  ];
}

/** What is idle for a minute is seldom used in the very moment of its end. */
const LONG_KEPT_MS = 60_000;

/** A pool that keeps connections longer than the application does finds them closed. */
function keepAliveRace(
  { settings, where, context }: ConfiguredUpstream,
  { first, idleCloseMs }: Facts,
): readonly Finding[] {
  const keptMs = keptMsOf(first) ?? idleCloseMs;
  const { poolIdleMs } = settings;
  if (poolIdleMs === null || keptMs === null || keptMs > poolIdleMs) return [];
  // A front that looks first meets the race only where both are about to act in the same moment.
  const rare = settings.watchesIdle === true && keptMs >= LONG_KEPT_MS;
  const finding =
    rare || (settings.watchesIdle === true && Number.isFinite(poolIdleMs)) ? warning : fault;
  const pool = Number.isFinite(poolIdleMs) ? `${poolIdleMs / 1_000} s` : "without an end";
  return [
    finding({
      cause: "keep_alive_race",
      impact: "some",
      layer: "keep_alive",
      code: "stale_connection",
      blame: "proxy",
      confidence: "likely",
      title:
        `The pool keeps idle connections ${pool}, the application closes them after ` +
        `${Math.round(keptMs / 1_000)} s: now and then a request meets a closed connection (502).`,
      evidence: said(context, "it shows on POST, since a GET is silently tried again"),
      fix: "In Node: server.keepAliveTimeout = 65_000. Or in the front:",
      write: settings.write.keepAlive,
      where,
    }),
  ];
}

function headBuffer({ settings, where }: ConfiguredUpstream, { first }: Facts): readonly Finding[] {
  if (first?.answer == null || settings.headBytes === null) return [];
  const { headBytes, largestField } = first.answer;
  if (headBytes <= settings.headBytes) return [];
  return [
    fault({
      cause: "head_larger_than_buffer",
      layer: "head",
      code: "http_response_header_section_size",
      blame: "proxy",
      title:
        `The head of the answer has ${headBytes} bytes, and the front reads ` +
        `${settings.headBytes}: it answers 502.`,
      evidence: [`largest field: ${largestField.name}, ${largestField.bytes} bytes`],
      fix: "Make that field smaller, or give the front a larger buffer:",
      write: settings.write.headBytes,
      where,
    }),
  ];
}

function upgrades(
  { settings, where, context }: ConfiguredUpstream,
  { upgradeStatus }: Facts,
): readonly Finding[] {
  if (settings.upgrades || upgradeStatus !== 101) return [];
  return [
    fault({
      cause: "upgrade_header_missing",
      impact: "some",
      layer: "config",
      code: "http_upgrade_failed",
      blame: "proxy",
      title: "The application speaks WebSocket here, and the front drops the handshake's fields.",
      evidence: [context, "a handshake straight to the application was answered with 101"],
      fix: "Pass the handshake on:",
      write: settings.write.upgrades,
      where,
    }),
  ];
}

function waits({ settings, where }: ConfiguredUpstream, { first }: Facts): readonly Finding[] {
  const { responseMs } = settings;
  if (first?.headMs == null || responseMs === null || first.headMs <= responseMs) return [];
  return [
    fault({
      cause: "front_waits_too_short",
      layer: "head",
      code: "http_response_timeout",
      blame: "proxy",
      title:
        `The answer takes ${Math.round(first.headMs)} ms, and the front waits ` +
        `${responseMs} ms.`,
      evidence: [],
      fix: "Make this route faster, or let the front wait longer than its slowest good answer.",
      where,
    }),
  ];
}

/** What is only a warning for one who dials once is an outage for one who takes turns. */
function families(
  { settings, where, address }: ConfiguredUpstream,
  { endpoint, dialled }: Facts,
): readonly Finding[] {
  const good = dialled.find(({ step }) => step.result === "ok");
  const bad = dialled.find(({ step }) => step.result === "failed");
  if (good?.address == null || bad?.address == null) return [];
  if (good.address.family === bad.address.family) return [];
  const right = address.replace(endpoint.hostname, good.address.address);
  return [
    fault({
      cause: "listens_on_one_family",
      layer: "connect",
      code: "connection_refused",
      blame: "proxy",
      title:
        `${endpoint.hostname} is ${bad.address.address} and ${good.address.address}, and the ` +
        "application listens on the second only.",
      evidence: [`${bad.step.name}: ${bad.step.detail}`, `${good.step.name}: accepted`],
      fix: "Name the address that the application listens on:",
      write: settings.write.address(right),
      where,
    }),
  ];
}

/** For the places that cannot be probed. */
export function unreadable(upstream: ConfiguredUpstream, reason: string): Finding {
  return warning({
    cause: "address_not_understood",
    layer: "config",
    title: `${upstream.address} cannot be looked at: ${reason}`,
    evidence: [upstream.context],
    fix: "Look at it by hand.",
    where: upstream.where,
  });
}
