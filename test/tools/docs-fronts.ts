/**
 * The tables of docs/front-proxies.md, read from the facts about fronts and from what the gateway
 * makes of them.
 */

import { TIMEOUTS } from "../../src/catalog/defaults.js";
import { FRONT_NAMES, FRONT_SIGNS, FRONTS, type FrontFacts } from "../../src/catalog/fronts.js";
import { responseLimit, serverTimes } from "../../src/options/behind.js";
import { table } from "./docs-pages.js";

/** What each front does by itself, and what is set because of it. */
export function frontTable(): string {
  const rows = FRONT_NAMES.map((name) => {
    const facts: FrontFacts = FRONTS[name];
    const { keepAliveTimeout } = serverTimes(facts);
    const limit = responseLimit({ auto: false, fronts: [{ ...facts, name }] });
    return [
      `\`"${name}"\``,
      seconds(facts.keepAliveMs),
      seconds(keepAliveTimeout),
      seconds(facts.responseMs),
      seconds(limit?.totalMs ?? TIMEOUTS.totalMs),
      headLimit(facts),
      facts.replacedBodies.join(", ") || "–",
    ];
  });
  return table(
    [
      "front",
      "keeps a resting connection",
      "`keepAliveTimeout`",
      "waits for an answer",
      "`totalMs`",
      "takes a head of",
      "replaces bodies of",
    ],
    rows,
  );
}

/** Whom and what is believed. */
export function frontTrustTable(): string {
  const rows = FRONT_NAMES.map((name) => {
    const { fields, addresses }: FrontFacts = FRONTS[name];
    const from =
      addresses === FRONTS.nginx.addresses
        ? "loopback and private addresses"
        : addresses.length > 3
          ? `its ${addresses.length} published ranges`
          : addresses.map((one) => `\`${one}\``).join(", ");
    return [`\`"${name}"\``, fields.map((field) => `\`${field}\``).join(", "), from];
  });
  return table(["front", "is believed", "from"], rows);
}

/** By what `auto` knows a front. */
export function frontSignTable(): string {
  const rows = FRONT_SIGNS.map(({ front, fields }) => [
    fields
      .map(([name, value]) => `\`${name}\`${value === undefined ? "" : " of its form"}`)
      .join(" and "),
    `\`"${front}"\``,
  ]);
  return table(["a request with", "comes through"], rows);
}

function seconds(ms: number): string {
  return ms === Infinity ? "for ever" : `${ms / 1_000} s`;
}

function headLimit({
  responseHeadBytesMax: head,
  responseFieldBytesMax: field,
}: FrontFacts): string {
  const limits = [
    ...(head === Infinity ? [] : [`${head / 1_024} KiB`]),
    ...(field === Infinity ? [] : [`${field} bytes in a field`]),
  ];
  return limits.join(", ");
}
