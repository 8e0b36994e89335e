/**
 * What the next hop learns of the one before: `Via`, `Forwarded`, `X-Forwarded-*`; and
 * how it notices that it is talking to itself.
 *
 * Guarantee: nothing that a client says about itself reaches the application unless the client is
 * trusted to say it.
 */

import { isIP, isIPv6 } from "node:net";
import { removedPrefix } from "./client-path.js";
import type { PassedOn } from "./field-info.js";
import { type ForwardedOptions, WRITTEN } from "./forwarded-options.js";
import { believedCount, type Trusts, trustOf } from "./trust.js";

/** Names and values in turn. */
export type FieldPairs = readonly string[];

/** All values of a field as one, in order; null when it is not there. */
export function fieldValue(fields: FieldPairs, name: string): string | null {
  let joined: string | null = null;
  for (let index = 0; index < fields.length; index += 2) {
    if ((fields[index] as string).toLowerCase() !== name) continue;
    const value = fields[index + 1] as string;
    joined = joined === null ? value : `${joined}, ${value}`;
  }
  return joined;
}

// RFC 7239 §6: an IPv6 address stands in brackets, and so in quotes.
export function forwardedNode(address: string): string {
  return isIPv6(address) ? `"[${address}]"` : isIP(address) === 0 ? "unknown" : address;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A token, or a quoted string where it is none, RFC 7239 §4. */
export function quotable(value: string): string {
  return TOKEN.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/** The entries of X-Forwarded-For, the furthest first. */
export function entriesOf(received: FieldPairs): readonly string[] {
  const entries = (fieldValue(received, "x-forwarded-for") ?? "").split(",");
  return entries.map((entry) => entry.trim()).filter((entry) => entry !== "");
}

/**
 * The elements of Forwarded, the furthest first. RFC 7239 §4: a comma within quotes is none between
 * elements; but where quotes do not close every comma counts, so that no client can hide behind
 * an open quote what a front has written after it.
 */
export function elementsOf(received: FieldPairs): readonly string[] {
  const text = fieldValue(received, "forwarded");
  if (text === null) return [];
  const parts = split(text, ",") ?? text.split(",");
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

/** Outside of quotes; null when one is left open. Looks once at each character. */
function split(text: string, separator: string): string[] | null {
  const parts: string[] = [];
  let from = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') quoted = !quoted;
    else if (quoted && char === "\\") at += 1;
    else if (char === separator && !quoted) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return quoted ? null : parts;
}

const FOR = /^for="?([^"\\]*)"?$/i;
const NODE = /^(?:\[([^\]]*)\]|([^:]+))(?::[^:]*)?$/;

/** The address that an element of Forwarded speaks for, RFC 7239 §6; "unknown" without one. */
export function nodeOf(element: string): string {
  for (const pair of split(element, ";") ?? []) {
    const node = FOR.exec(pair.trim())?.[1];
    if (node === undefined) continue;
    const [, bracketed, bare] = NODE.exec(node) ?? [];
    return bracketed ?? bare ?? "unknown";
  }
  return "unknown";
}

/** The fields of a request that are believed; the rest comes from peers that cannot know. */
export type Believe = (address: string, received: FieldPairs) => FieldPairs;

/** The peer of this connection, and what it said about those before it. */
export interface Peer {
  readonly address: string;
  readonly protocol: "http" | "https";
  readonly host: string | undefined;
  /** Forwarding fields as they came, names and values in turn. */
  readonly received: FieldPairs;
}

export interface Forwarder extends PassedOn {
  /** Whether a peer is believed what it says about others. */
  trusts(address: string): boolean;
  /**
   * Appends the forwarding fields to a request's fields. True where the peer said that its client
   * came over https and was not believed, so that the application reads of http. What was asked for
   * and what is sent of it are for the prefix that was removed.
   */
  append(fields: string[], peer: Peer, asked?: string, sent?: string): boolean;
}

/**
 * What is done with forwarding fields; `false` passes them as they come and adds none. Where it is
 * not written who is trusted, the fronts are believed.
 */
export function createForwarder(
  options: ForwardedOptions | false,
  fronts: Believe | null = null,
): Forwarder {
  if (options === false) {
    return {
      trusts: () => false,
      passes: true,
      keeps: null,
      append(fields, peer) {
        fields.push(...peer.received);
        return false;
      },
    };
  }
  const isPlain = fronts === null && Object.values(options).every((one) => one === undefined);
  return isPlain ? UNTRUSTING : forwarderOf(options, fronts);
}

function forwarderOf(options: ForwardedOptions, fronts: Believe | null): Forwarder {
  // A front passes the hints of its clients through, so that it cannot vouch for them.
  const trusts = trustOf(options.trust ?? false);
  const believe = fronts !== null && options.trust === undefined ? fronts : believing(trusts);
  const kind = options.fields ?? "both";
  const { keep = [], prefix = false } = options;
  const left = prefix ? "x-forwarded-prefix" : null;
  return {
    passes: false,
    keeps: keep.length === 0 ? null : new Set(keep.map((name) => name.toLowerCase())),
    trusts: (address) => trusts(unmappedAddress(address), 0),
    append(fields, connected, asked = "", sent = "") {
      const peer = connected.address.startsWith(MAPPED) ? unmapped(connected) : connected;
      const before = peer.received.length === 0 ? NOTHING : believe(peer.address, peer.received);
      if (kind !== "forwarded") appendXForwarded(fields, peer, before);
      if (kind !== "x-forwarded") appendForwarded(fields, peer, before);
      if (prefix) appendPrefix(fields, before, asked, sent);
      if (peer.received.length === 0) return false;
      appendOthers(fields, before, kind === "forwarded", left);
      return peer.protocol === "http" && saysHttps(peer.received) && !saysProtocol(before);
    },
  };
}

/** What most proxies use: no peer is trusted, and both kinds of fields are written. */
const UNTRUSTING: Forwarder = forwarderOf({}, null);

/** How a server that listens on IPv6 and IPv4 at once shows an IPv4 peer, RFC 4291 §2.5.5.2. */
const MAPPED = "::ffff:";

function unmapped(peer: Peer): Peer {
  const address = unmappedAddress(peer.address);
  return address === peer.address ? peer : { ...peer, address };
}

function unmappedAddress(address: string): string {
  const mapped = address.startsWith(MAPPED) && address.includes(".");
  return mapped ? address.slice(MAPPED.length) : address;
}

const NOTHING: FieldPairs = [];

function appendXForwarded(fields: string[], peer: Peer, before: FieldPairs): void {
  const chain = fieldValue(before, "x-forwarded-for");
  fields.push("x-forwarded-for", chain === null ? peer.address : `${chain}, ${peer.address}`);
  const host = fieldValue(before, "x-forwarded-host") ?? peer.host;
  if (host !== undefined) fields.push("x-forwarded-host", host);
  fields.push("x-forwarded-proto", fieldValue(before, "x-forwarded-proto") ?? peer.protocol);
}

function saysHttps(received: FieldPairs): boolean {
  return fieldValue(received, "x-forwarded-proto")?.toLowerCase() === "https";
}

function saysProtocol(believed: FieldPairs): boolean {
  return fieldValue(believed, "x-forwarded-proto") !== null;
}

/** What else is believed is passed on as it came. */
function appendOthers(
  fields: string[],
  before: FieldPairs,
  forwardedAlone: boolean,
  written: string | null,
): void {
  for (let index = 0; index < before.length; index += 2) {
    const name = (before[index] as string).toLowerCase();
    const left =
      WRITTEN.has(name) || name === written || (forwardedAlone && name.startsWith("x-forwarded-"));
    if (!left) fields.push(name, before[index + 1] as string);
  }
}

/** The front has removed its prefix before us, so that it comes first for the client. */
function appendPrefix(fields: string[], before: FieldPairs, asked: string, sent: string): void {
  const said = fieldValue(before, "x-forwarded-prefix") ?? "";
  const prefix = (said === "/" ? "" : said) + removedPrefix(asked, sent);
  if (prefix !== "") fields.push("x-forwarded-prefix", prefix);
}

// RFC 7239 §4.
function appendForwarded(fields: string[], peer: Peer, before: FieldPairs): void {
  let element = `for=${nodes(peer.address)};proto=${peer.protocol}`;
  if (peer.host !== undefined) element += `;host=${quotables(peer.host)}`;
  const chain = fieldValue(before, "forwarded");
  fields.push("forwarded", chain === null ? element : `${chain}, ${element}`);
}

/** Clients choose their addresses and what they call us, so the memory for them has an end. */
const REMEMBERED_MAX = 1_024;
const REMEMBERED_LENGTH_MAX = 64;
const nodes = remembered(forwardedNode);
const quotables = remembered(quotable);

/** Peers and hosts come again and again; what is made of their names is kept, bounded. */
function remembered(make: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const made = make(text);
    if (text.length > REMEMBERED_LENGTH_MAX) return made;
    if (known.size >= REMEMBERED_MAX) known.clear();
    known.set(text, made);
    return made;
  };
}

function believing(trusts: Trusts): Believe {
  return (address, received) => (trusts(address, 0) ? withinTrust(received, trusts) : NOTHING);
}

/** What a trusted peer sent, its chains cut before the first address that none vouches for. */
function withinTrust(received: FieldPairs, trusts: Trusts): FieldPairs {
  const believed: string[] = [];
  for (let index = 0; index < received.length; index += 2) {
    const name = (received[index] as string).toLowerCase();
    if (name === "x-forwarded-for" || name === "forwarded") continue;
    believed.push(name, received[index + 1] as string);
  }
  const entries = entriesOf(received);
  if (entries.length > 0) {
    const kept = entries.slice(-believedCount(entries, trusts));
    believed.push("x-forwarded-for", kept.join(", "));
  }
  const elements = elementsOf(received);
  if (elements.length > 0) {
    const kept = elements.slice(-believedCount(elements.map(nodeOf), trusts));
    believed.push("forwarded", kept.join(", "));
  }
  return believed;
}

/** How this gateway signs `Via`, and recognises its own signature. */
export interface ViaSignature {
  /** What follows the protocol version in `Via`. */
  readonly received: string;
  /** Whether a `Via` value shows that this request was here before. */
  isOwn(via: string): boolean;
}

/**
 * A deployment that was named is recognised by its name. A host name may be shared by several
 * gateways of one machine, so those are recognised by a random id in the comment, RFC 9110 §7.6.3.
 */
export function viaSignature(name: string, named: boolean, instance: string): ViaSignature {
  const pseudonym = name.replace(/[^!#$%&'*+\-.^_`|~0-9A-Za-z]/g, "-");
  const comment = `(${instance})`;
  const byName = new RegExp(`(?:^|[\\s,])[^\\s,]+ ${escaped(pseudonym)}(?=$|[\\s,])`, "i");
  return {
    received: `${pseudonym} ${comment}`,
    isOwn: (via) => via.includes(comment) || (named && byName.test(via)),
  };
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
