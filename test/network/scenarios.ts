/**
 * What is done to one target, by its kind, and what a gateway is to make of it.
 */
import type { FailureCode } from "../../src/catalog/failures.js";
import type { Behaviour } from "./far.js";
import type { Naming } from "./names.js";

/** A rule of link.py, in seconds and bytes. */
export interface Rule {
  readonly delay?: number;
  readonly jitter?: number;
  readonly loss?: number;
  readonly mtu?: number;
  /** Of answers alone. */
  readonly mtuDown?: number;
  readonly rate?: number;
  readonly syn?: "drop" | "icmp" | "protocol" | "reset";
  readonly up?: number;
  readonly request?: number;
  readonly down?: number;
  readonly machine?: boolean;
}

export interface Scenario {
  readonly kind: string;
  readonly name: string;
  /** Of the link to the target. */
  readonly rule?: Rule;
  /** A route of the gateway's machine to the target. */
  readonly route?: "blackhole" | "prohibit" | "unreachable" | "none";
  /** The name of the target; an address without. */
  readonly naming?: Naming;
  /** What the target itself does. */
  readonly behaviour?: Behaviour;
  /** What happens after a good call has left a connection behind. */
  readonly later?: "silent" | "reset" | "moves";
  /** The gateway's own machine or the target's process. */
  readonly machine?:
    | "stopped"
    | "nothing listens"
    | "refused by a filter"
    | "no files"
    | "no ports";
  /** Bytes of the body of each POST. */
  readonly body?: number;
  /** The client sends that body for this long, without a pause. */
  readonly uploadMs?: number;
  readonly totalMs?: number;
  /** What calls to a single target end with, by method and door; "well" for no failure. */
  readonly alone: readonly (FailureCode | "well")[];
  /** The client has begun to read the answer, so that no call can be repeated. */
  readonly cut?: true;
  /** A POST beside two healthy targets may fail with these, since it may have been executed. */
  readonly post?: readonly FailureCode[];
}

const MID_REQUEST = 1_500;
/** So much is the request, whatever the handshakes; the answer follows. */
const NO_ANSWER = { request: 2_000, down: 0 } as const;
const MID_ANSWER = { request: 2_000, down: 10_000 } as const;
const LARGE = 1_000_000;

export const SCENARIOS: readonly Scenario[] = [
  ...of("routes", [
    { name: "a blackhole route", route: "blackhole", alone: ["destination_ip_unroutable"] },
    { name: "a route that prohibits", route: "prohibit", alone: ["destination_ip_prohibited"] },
    { name: "an unreachable route", route: "unreachable", alone: ["destination_ip_unroutable"] },
    { name: "no route", route: "none", alone: ["destination_ip_unroutable"] },
  ]),
  ...of("firewalls", [
    { name: "reject by ICMP", rule: { syn: "icmp" }, alone: ["destination_ip_unroutable"] },
    {
      ...{ name: "reject by ICMP, as a protocol", rule: { syn: "protocol" } },
      alone: ["destination_ip_unroutable"],
    },
    { name: "reject by a reset", rule: { syn: "reset" }, alone: ["connection_refused"] },
    {
      ...{ name: "a local filter (EPERM)", machine: "refused by a filter" },
      alone: ["destination_ip_prohibited"],
    },
  ]),
  ...of("links", [
    { name: "100 ms each way", rule: { delay: 0.1 }, alone: ["well"] },
    { name: "5 % of packets lost", rule: { loss: 0.05, delay: 0.005 }, alone: ["well"] },
    { name: "packets reordered", rule: { delay: 0.005, jitter: 0.03 }, alone: ["well"] },
    {
      ...{ name: "an MTU black hole", rule: { mtu: 1_000 }, body: LARGE },
      alone: ["http_response_timeout", "connection_write_timeout", "tls_handshake_timeout"],
      post: ["connection_write_timeout", "http_response_timeout"],
    },
    {
      ...{ name: "an MTU black hole for answers", rule: { mtuDown: 1_000 } },
      alone: ["http_response_timeout", "tls_handshake_timeout"],
      post: ["http_response_timeout"],
    },
    {
      ...{ name: "a slow link, longer than totalMs", rule: { rate: 60_000 }, body: 300_000 },
      ...{ totalMs: 3_000, alone: ["well"] },
    },
    {
      ...{ name: "a client that uploads longer than totalMs", body: 300_000, uploadMs: 5_000 },
      ...{ totalMs: 3_000, alone: ["well"] },
    },
  ]),
  ...of("silence", [
    { name: "before the connection", rule: { syn: "drop" }, alone: ["connection_timeout"] },
    {
      ...{ name: "within the request", rule: { up: MID_REQUEST } },
      alone: ["http_response_timeout"],
      post: ["http_response_timeout"],
    },
    {
      ...{ name: "after the request", rule: NO_ANSWER },
      alone: ["http_response_timeout"],
      post: ["http_response_timeout"],
    },
    {
      ...{ name: "within the answer", rule: MID_ANSWER },
      alone: ["connection_read_timeout", "tunnel_idle"],
      post: ["connection_read_timeout"],
      cut: true,
    },
    {
      ...{ name: "a kept connection that NAT forgot", later: "silent" },
      ...{ alone: ["well", "http_response_timeout"], post: ["http_response_timeout"] },
    },
    {
      ...{ name: "a kept connection that is reset", later: "reset" },
      ...{ alone: ["well", "stale_connection"], post: ["stale_connection"] },
    },
  ]),
  ...of("names", [
    { name: "does not exist", naming: "none", alone: ["dns_name_not_found"] },
    { name: "the server fails", naming: "failing", alone: ["dns_error"] },
    { name: "never answered", naming: "dead", alone: ["dns_timeout"] },
    { name: "without addresses", naming: "empty", alone: ["dns_name_not_found"] },
    { name: "answered slowly", naming: "slow", alone: ["well"] },
    { name: "truncated, then over TCP", naming: "truncated", alone: ["well"] },
    { name: "every second answer fails", naming: "flapping", alone: ["well", "dns_error"] },
    {
      ...{ name: "the address changes", naming: "moving", later: "moves", behaviour: "closes" },
      alone: ["well"],
    },
  ]),
  ...of("families", [
    { name: "IPv6 is dropped", naming: "sixdead", alone: ["well"] },
    { name: "IPv6 has no route", naming: "sixclosed", alone: ["well"] },
  ]),
  ...of("windows and halves", [
    {
      ...{ name: "the window stays zero", behaviour: "never reads", body: LARGE },
      alone: [
        ...["http_response_timeout", "connection_write_timeout"],
        ...["tls_handshake_timeout", "http2_preface_timeout"],
      ] as const,
      post: ["connection_write_timeout"],
    },
    {
      ...{ name: "half closed at once", behaviour: "half-closes" },
      alone: ["connection_terminated", "connection_reset_while_connecting", "http_upgrade_failed"],
      post: ["connection_terminated"],
    },
  ]),
  ...of("machines that die", [
    { name: "nothing listens", machine: "nothing listens", alone: ["connection_refused"] },
    {
      ...{ name: "the link goes down in a call", behaviour: "works for a while" },
      ...{ rule: { ...NO_ANSWER, machine: true } },
      alone: ["http_response_timeout", "connection_timeout"],
      post: ["http_response_timeout"],
    },
  ]),
  ...of("processes", [
    {
      ...{ name: "stopped (SIGSTOP)", machine: "stopped" },
      alone: ["http_response_timeout", "tls_handshake_timeout", "http2_preface_timeout"],
      post: ["http_response_timeout"],
    },
  ]),
  ...of("the gateway's own machine", [
    { name: "out of files", machine: "no files", alone: ["local_resources_exhausted"] },
    { name: "out of ports", machine: "no ports", alone: ["local_resources_exhausted"] },
  ]),
];

/** Names it among all. */
export function titleOf({ kind, name }: Pick<Scenario, "kind" | "name">): string {
  return `${kind}: ${name}`;
}

function of(kind: string, scenarios: readonly Omit<Scenario, "kind">[]): readonly Scenario[] {
  return scenarios.map((scenario) => ({ kind, ...scenario }));
}
