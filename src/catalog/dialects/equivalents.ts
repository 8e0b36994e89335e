/**
 * What other proxies call a failure of the catalog: the foreign dialects, read the other way.
 * `explain`, the dashboard and the pages of docs/errors show it.
 */
import type { FailureCode } from "../failures.js";
import { DIALECTS } from "./dialects.js";

/** Programs that stand where a gateway stands. */
const SPEAKERS =
  /^(nginx|Apache|HAProxy|Envoy|Cloudflare|AWS ALB|Google Cloud|Caddy|Traefik|Heroku|gRPC)/;

/** What others call it: the terms whose first guess it is, by who says them. */
export function equivalents(code: FailureCode): readonly (readonly [string, string])[] {
  const terms = new Map<string, readonly string[]>();
  for (const { speaker, terms: all } of DIALECTS) {
    const [name] = SPEAKERS.exec(speaker) ?? [];
    const same = all.filter(({ failures }) => failures[0] === code).map(({ term }) => term);
    if (name === undefined || same.length === 0) continue;
    terms.set(name, [...(terms.get(name) ?? []), ...same]);
  }
  return [...terms].map(([name, same]) => [name, [...new Set(same)].join(" · ")]);
}
