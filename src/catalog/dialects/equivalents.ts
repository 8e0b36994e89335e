/**
 * Other proxies' terms for a failure of the catalog: the foreign dialects in reverse.
 * `explain`, the dashboard and the pages of docs/errors show it.
 */
import type { FailureCode } from "../failures.js";
import { DIALECTS } from "./dialects.js";

/** Programs in the same place as a gateway. */
const SPEAKERS =
  /^(nginx|Apache|HAProxy|Envoy|Cloudflare|AWS ALB|Google Cloud|Caddy|Traefik|Heroku|gRPC)/;

/** Other programs' terms whose first guess is this failure, by program. */
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
