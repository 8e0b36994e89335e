/**
 * Reads what stands around the pipe of an upstream, and checks that the upstreams exist that it
 * names.
 */
import { at, type Findings, shown } from "./findings.js";
import { nearest } from "./nearest.js";
import type { NormalisedUpstream } from "./options.js";
import { namedIn, readFallback } from "./read-fallback.js";
import { readMirror } from "./read-mirror.js";
import { readUpstreamFor } from "./read-upstream-for.js";

type Around = Pick<NormalisedUpstream, "fallback" | "upstreamFor" | "mirror">;

export function readAround(
  findings: Findings,
  path: string,
  { fallback, upstreamFor, mirror }: Readonly<Record<string, unknown>>,
): Around {
  return {
    fallback: readFallback(findings, at(path, "fallback"), fallback) ?? false,
    upstreamFor: readUpstreamFor(findings, at(path, "upstreamFor"), upstreamFor),
    mirror: readMirror(findings, at(path, "mirror"), mirror),
  };
}

/** Whether the upstreams exist that an upstream names. */
export function checkOthers(
  findings: Findings,
  { name, fallback, routes, upstreamFor, mirror }: NormalisedUpstream,
  known: readonly string[],
): void {
  const path = at("upstreams", name);
  const check = (place: string, names: readonly string[]): void => {
    for (const one of names) if (!known.includes(one)) checkName(findings, place, one, known);
  };
  check(at(path, "fallback"), namedIn(fallback));
  for (const { pattern, overrides } of routes) {
    const own = at(at(at(path, "routes"), pattern), "fallback");
    check(own, namedIn(overrides?.fallback ?? false));
  }
  if (mirror !== false) check(at(path, "mirror"), [mirror.to]);
  if (Array.isArray(upstreamFor)) {
    check(
      at(path, "upstreamFor"),
      upstreamFor.map(({ to }) => to),
    );
  }
}

function checkName(findings: Findings, path: string, name: string, known: readonly string[]): void {
  const close = nearest(name, known);
  const advice = close === null ? `there are ${known.join(", ")}` : `did you mean "${close}"?`;
  findings.problem(path, `no upstream is called ${shown(name)}; ${advice}`);
}
