/**
 * What stands around the pipe of an upstream, for `describe()`, in the order in which a call
 * meets it.
 */
import type { Fallback } from "../core/fallback.js";
import { stepsOf } from "../core/fallback-rules.js";
import type { PolicyDescription } from "../core/pipe.js";
import type { NormalisedUpstream } from "../options/options.js";
import type { UpstreamChoice } from "../targets/upstream-rules.js";

/** Whether anything stands around it; routes set what one call has. */
export function isSurrounded(options: NormalisedUpstream): boolean {
  const { fallback, upstreamFor, mirror, cache } = options;
  if (cache !== false) return true;
  return fallback !== false || upstreamFor !== false || mirror !== false;
}

export function describedAround(options: NormalisedUpstream): readonly PolicyDescription[] {
  const { fallback, routes, upstreamFor, mirror, cache } = options;
  return [
    ...(upstreamFor === false
      ? []
      : [{ role: "upstream_for", settings: choiceSettings(upstreamFor) } as const]),
    ...(mirror === false ? [] : [{ role: "mirror", settings: mirror } as const]),
    ...(cache === false ? [] : [{ role: "cache", settings: cache } as const]),
    ...(fallback === false
      ? []
      : [{ role: "fallback", settings: fallbackSettings(fallback) } as const]),
    ...(routes.length === 0 ? [] : [described(options)]),
  ];
}

/** Its steps in words; a body may hold secrets. */
function fallbackSettings(fallback: Fallback): Readonly<Record<string, unknown>> {
  const steps = stepsOf(fallback).map(({ upstream, answer, on = "default" }) => {
    if (upstream !== undefined) return { upstream, on };
    return { answer: typeof answer === "function" ? "function" : (answer?.status ?? 200), on };
  });
  return { steps };
}

/** The rules by their patterns, in the order in which they are compared. */
function described({ routes }: NormalisedUpstream): PolicyDescription {
  const rules = routes.map(({ pattern, overrides, breaker }) => {
    const settings =
      overrides?.fallback === undefined
        ? overrides
        : { ...overrides, fallback: fallbackSettings(overrides.fallback) };
    return [pattern, { ...settings, ...(breaker === null ? {} : { breaker }) }] as const;
  });
  return { role: "routes", settings: Object.fromEntries(rules) };
}

function choiceSettings(choice: UpstreamChoice): Readonly<Record<string, unknown>> {
  if (typeof choice === "function") return { by: "function" };
  const rules = choice.map(({ path, by, ...rule }) => ({
    ...rule,
    path: path?.pattern ?? null,
    sticky: by !== null,
  }));
  return { rules };
}
