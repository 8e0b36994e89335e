/**
 * Causes of connections that do not come about, over the network.
 *
 * On this machine the kernel knows who listens where, so "refused" has a reason; of another machine
 * only the answer is known.
 */

import { fault, said } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { Facts } from "../facts/facts.js";
import type { ListeningSocket, LocalFacts } from "../facts/local-facts.js";
import { managedCause } from "./managed.js";

export function connectionCauses(facts: Facts): readonly Finding[] {
  const { dialled, endpoint } = facts;
  if (endpoint.socketPath !== null || dialled.length === 0) return [];
  if (dialled.some(({ step }) => step.result === "ok")) return [];
  const evidence = dialled.map(({ step }) => `${step.name}: ${step.detail}`);
  const [first] = dialled;
  switch (first?.step.code) {
    case "connection_refused":
      return [refused(facts, evidence)];
    case "connection_timeout":
      return [silent(facts, evidence)];
    case "destination_ip_unroutable":
    case "destination_ip_prohibited":
      return [unroutable(facts, first.errno, evidence)];
    case "local_resources_exhausted":
      return [exhausted(evidence)];
    default:
      // A route of the kind "blackhole" says that the argument is invalid.
      if (first?.errno === "EINVAL") return [unroutable(facts, "EINVAL", evidence)];
      return [];
  }
}

/** Any address: it takes connections to all of its family. */
const ANY = new Set(["0.0.0.0", "::"]);

function refused(facts: Facts, evidence: readonly string[]): Finding {
  const { endpoint, local, dialled } = facts;
  if (local === null) {
    return fault({
      cause: "nothing_listens",
      layer: "connect",
      code: "connection_refused",
      confidence: "likely",
      title: `Nothing listens on port ${endpoint.port} of ${endpoint.hostname}.`,
      evidence: [...evidence, "A refusal comes from the machine itself, so it is up."],
      fix: "On that machine: ss -ltnp shows which ports are open, and on which addresses.",
    });
  }
  const there = local.onPort.find((one) =>
    dialled.some(({ address }) => ANY.has(one.address) || one.address === address?.address),
  );
  if (there !== undefined) return rejected(facts, there, evidence);
  const elsewhere = local.onPort[0];
  if (elsewhere !== undefined) {
    const asked = dialled.map(({ address }) => address?.address ?? "").join(" and ");
    return fault({
      cause: "listens_on_other_address",
      layer: "connect",
      code: "connection_refused",
      blame: "proxy",
      title: `The application listens on ${placeOf(elsewhere)} only, and ${asked} is dialled.`,
      evidence: [...evidence, `${holderOf(elsewhere)} listens on ${placeOf(elsewhere)}`],
      fix:
        `Dial ${elsewhere.address === "::" ? "::1" : elsewhere.address}, or let the application ` +
        "listen on :: (both families) or 0.0.0.0.",
    });
  }
  return notThere(facts, local, evidence);
}

/** A process listens at the probed address, and a refusal came all the same. */
function rejected(
  { endpoint }: Facts,
  there: ListeningSocket,
  evidence: readonly string[],
): Finding {
  return fault({
    cause: "firewall_rejects",
    layer: "route",
    blame: "network",
    code: "connection_refused",
    confidence: "likely",
    title: `A process listens on port ${endpoint.port}, but a firewall refuses.`,
    evidence: [...evidence, `${holderOf(there)} listens on ${placeOf(there)}`],
    fix: "Look for a rule with REJECT:",
    write: `iptables -S | grep ${endpoint.port}; nft list ruleset | grep ${endpoint.port}`,
  });
}

/** Nothing listens on the port, on this machine. Why? */
function notThere(facts: Facts, local: LocalFacts, evidence: readonly string[]): Finding {
  const { endpoint } = facts;
  const managed = managedCause(facts, evidence);
  if (managed !== null) return managed;
  const killed = local.kernelKills.at(-1);
  if (killed !== undefined) {
    return fault({
      cause: "killed_for_memory",
      layer: "process",
      code: "connection_refused",
      confidence: "likely",
      title:
        `Nothing listens on port ${endpoint.port}, and the kernel killed a process ` +
        "for memory.",
      evidence: [...evidence, killed.trim()],
      fix: "Compare the memory limit with what the application needs; then start it again.",
    });
  }
  const other = nearestPort(endpoint.port, local);
  if (other !== null) {
    return fault({
      cause: "listens_on_other_port",
      layer: "connect",
      code: "connection_refused",
      // Of the two that it may be, an application that is down is the usual one.
      confidence: "possible",
      title:
        `Nothing listens on port ${endpoint.port}: the application is down, or it is ` +
        `${holderOf(other)}, which listens on ${other.port}.`,
      evidence: [...evidence, `${other.command}: ${placeOf(other)}`],
      fix:
        `Find out which service ${holderOf(other)} is. If it is another one, start yours and ` +
        "read why it ended; only if it is yours, correct the port.",
      write: `ss -ltnp | grep -E ':(${endpoint.port}|${other.port})'`,
    });
  }
  return fault({
    cause: "nothing_listens",
    layer: "connect",
    code: "connection_refused",
    title: `Nothing listens on port ${endpoint.port} of this machine: the application is down.`,
    evidence: said(
      ...evidence,
      local.nodeListeners.length > 0 &&
        `Node listens on ${portsOf(local).slice(0, PORTS_TOLD).join(", ")}`,
    ),
    fix: "Start the application, and read the end of its log for why it is not running. Then:",
    write: `ss -ltnp | grep :${endpoint.port}`,
  });
}

/** A person compares a few numbers, not a hundred. */
const PORTS_TOLD = 10;

function portsOf({ nodeListeners }: LocalFacts): readonly number[] {
  return [...new Set(nodeListeners.map(({ port }) => port))].sort((a, b) => a - b);
}

/** What people and frameworks choose when they choose at all; one is easily taken for another. */
const USUAL_PORTS = new Set([
  1337, 3000, 3001, 3333, 4000, 4200, 5000, 5173, 8000, 8080, 8081, 8888, 9000, 9090,
]);
/** So near, it is the next port that was free, or a slip of a finger. */
const PORTS_NEAR = 10;

/**
 * A Node process on a port that was perhaps meant: the nearest one, if it is very near, or the only
 * one on a usual port when a usual port was asked for.
 */
function nearestPort(port: number, { nodeListeners }: LocalFacts) {
  const far = (other: number): number => Math.abs(other - port);
  const sorted = [...nodeListeners].sort((a, b) => far(a.port) - far(b.port));
  const [nearest] = sorted;
  if (nearest !== undefined && far(nearest.port) <= PORTS_NEAR) return nearest;
  if (!USUAL_PORTS.has(port)) return null;
  const [only, ...others] = sorted.filter((one) => USUAL_PORTS.has(one.port));
  return others.every((one) => one.pid === only?.pid) ? (only ?? null) : null;
}

function placeOf({ address, family, port }: ListeningSocket): string {
  return family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

function holderOf({ pid }: ListeningSocket): string {
  return pid === null ? "a process" : `node pid ${pid}`;
}

function silent(facts: Facts, evidence: readonly string[]): Finding {
  const { endpoint, local, limits } = facts;
  const full = local?.onPort.find(({ waiting, backlog }) => backlog !== null && waiting > backlog);
  if (full !== undefined) {
    return fault({
      cause: "backlog_full",
      layer: "connect",
      code: "connection_timeout",
      blame: "overload",
      title: "The accept queue of the application is full: it takes no new connections.",
      evidence: said(
        ...evidence,
        `${full.waiting} connections wait, ${full.backlog} may`,
        (local?.overflows?.during ?? 0) > 0 &&
          `the kernel dropped ${local?.overflows?.during} connections meanwhile (ListenOverflows)`,
      ),
      fix:
        "The process is too busy, stopped or stuck: look at its processor time and its event " +
        "loop; a longer backlog only hides it.",
    });
  }
  const listens = local?.onPort[0];
  const address = facts.dialled[0]?.address?.address ?? "ADDRESS";
  return fault({
    cause: "packets_dropped",
    layer: "route",
    code: "connection_timeout",
    confidence: listens === undefined ? "likely" : "certain",
    title:
      listens === undefined
        ? `No answer from ${endpoint.authority} within ${limits.connectMs} ms.`
        : `The application listens on port ${endpoint.port}, and a firewall drops what is ` +
          "sent there.",
    evidence: said(
      ...evidence,
      ...(facts.route === null ? [] : [`the kernel's way: ${facts.route.text}`]),
      listens === undefined
        ? "An application that is down would refuse at once."
        : `${holderOf(listens)} listens on ${placeOf(listens)}, and its queue is not full`,
    ),
    fix:
      listens === undefined
        ? "Look for a firewall or security group that drops, a wrong address, or a host " +
          "that is off:"
        : "Look for a rule with DROP:",
    write:
      listens === undefined
        ? `ip route get ${address}; ping -c 3 ${endpoint.hostname}`
        : `iptables -S | grep ${endpoint.port}; nft list ruleset | grep ${endpoint.port}`,
  });
}

function unroutable(
  { dialled, route }: Facts,
  errno: string | null,
  evidence: readonly string[],
): Finding {
  const address = dialled[0]?.address?.address ?? "ADDRESS";
  const byRoute = route !== null && /^(?:unreachable|prohibit|blackhole)/.test(route.text);
  const kind = byRoute ? route.text.split(" ")[0] : null;
  return fault({
    cause: "no_route",
    layer: "route",
    code: "destination_ip_unroutable",
    confidence: route !== null && !byRoute && errno === "EHOSTUNREACH" ? "likely" : "certain",
    title:
      kind !== null
        ? `A route of the kind "${kind}" forbids the way to ${address}.`
        : route === null
          ? "This machine has no route to the address."
          : `${address} cannot be reached: a router or a firewall on the way says so ` +
            `(${errno ?? "?"}).`,
    evidence: said(...evidence, route !== null && `the kernel's way: ${route.text}`),
    fix: "This shows the way that the kernel takes; look at VPN, subnets and firewalls:",
    write: `ip route get ${address}`,
  });
}

function exhausted(evidence: readonly string[]): Finding {
  return fault({
    cause: "no_local_resources",
    layer: "connect",
    code: "local_resources_exhausted",
    title: "This machine has no file descriptor or local port left.",
    evidence,
    fix: "ulimit -n, and ss -s for sockets in TIME-WAIT; keep connections open and reuse them.",
  });
}
