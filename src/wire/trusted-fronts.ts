/**
 * What is believed of the fields about the client, when it is known which proxies stand in front.
 *
 * Each front speaks for the one that it was connected to, and for no other: the walk goes from
 * our peer outwards, over as many hops as are declared, and each must come from where its front
 * connects from. What stands further left in a chain was written by the client.
 */
import type { FrontFacts } from "../catalog/fronts.js";
import {
  type Believe,
  elementsOf,
  entriesOf,
  type FieldPairs,
  fieldValue,
  forwardedNode,
  quotable,
} from "./forwarding.js";
import { addressTest } from "./trust.js";

export type TrustedFront = Pick<FrontFacts, "addresses" | "fields" | "forwardedEntries">;

/** The nearest front first. */
export function believeFronts(fronts: readonly TrustedFront[]): Believe {
  const hops = fronts.map((front) => ({
    entries: front.forwardedEntries,
    fields: new Set(front.fields),
    from: addressTest(front.addresses),
  }));
  return (address, received) => {
    const chain = entriesOf(received);
    const elements = elementsOf(received);
    const fields = new Set<string>();
    let kept = 0;
    let known = address;
    for (const hop of hops) {
      if (!hop.from(known)) break;
      for (const field of hop.fields) fields.add(field);
      kept += hop.entries;
      const claimed = chain[chain.length - kept];
      if (claimed === undefined) break;
      known = claimed;
    }
    if (fields.size === 0) return NOTHING;
    const believed = believedFields(received, fields);
    if (fields.has("x-forwarded-for") && chain.length > 0) {
      believed.push("x-forwarded-for", chain.slice(-kept).join(", "));
    }
    if (!fields.has("forwarded")) appendTold(believed, chain.slice(-kept));
    else if (elements.length > 0) believed.push("forwarded", elements.slice(-kept).join(", "));
    return believed;
  };
}

const NOTHING: FieldPairs = [];

/** The believed fields but for the chains, which are cut to what is known. */
function believedFields(received: FieldPairs, fields: ReadonlySet<string>): string[] {
  const believed: string[] = [];
  for (let index = 0; index < received.length; index += 2) {
    const name = (received[index] as string).toLowerCase();
    if (!fields.has(name) || CHAINS.has(name)) continue;
    believed.push(name, received[index + 1] as string);
  }
  return believed;
}

const CHAINS: ReadonlySet<string> = new Set(["x-forwarded-for", "forwarded"]);

/** The same in the words of RFC 7239 §4, for a front that writes only the older fields. */
function appendTold(believed: string[], chain: readonly string[]): void {
  if (chain.length === 0) return;
  const elements = chain.map((entry) => `for=${forwardedNode(entry)}`);
  const proto = fieldValue(believed, "x-forwarded-proto");
  const host = fieldValue(believed, "x-forwarded-host");
  if (proto !== null) elements[0] += `;proto=${quotable(proto)}`;
  if (host !== null) elements[0] += `;host=${quotable(host)}`;
  believed.push("forwarded", elements.join(", "));
}
