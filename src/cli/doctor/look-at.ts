/**
 * One report for one subject: an address, or a configuration with everything that it names.
 * Both end in the same report, so that it is printed in one way.
 */

import type { Finding, Report, Step } from "../../gateway/diagnosis-report.js";
import { inOrder, verdictOf } from "../../gateway/diagnosis-verdict.js";
import type { ConfiguredUpstream } from "./config/front-config.js";
import { isConfigPath, readConfig } from "./config/read-config.js";
import { diagnose } from "./diagnose.js";
import { parseEndpoint } from "./endpoint.js";
import { type ExamineOptions, examine } from "./examine.js";
import { chainRules, unreadable } from "./rules/chain-rules.js";
import type { DoctorWorld } from "./world.js";

/** What is looked at, once it has been understood. */
export type Subject = (world: DoctorWorld, options: ExamineOptions) => Promise<Report>;

/** Reads what was given; rejects with a TypeError that says what to write. */
export async function readSubject(text: string): Promise<Subject> {
  if (!isConfigPath(text)) {
    const endpoint = parseEndpoint(text);
    return async (world, options) => diagnose(await examine(world, endpoint, options), world.clock);
  }
  const { upstreams, findings } = await readConfig(text);
  return async (world, options) => {
    const parts = await Promise.all(
      unique(upstreams).map((upstream) => lookAtUpstream(world, upstream, options)),
    );
    const steps = parts.flatMap((part) => part.steps);
    const all = inOrder([...findings, ...parts.flatMap((part) => part.findings)]);
    return { subject: text, steps, findings: all, verdict: verdictOf(steps, all) };
  };
}

/** A server that many locations ask is looked at once for each set of settings. */
function unique(upstreams: readonly ConfiguredUpstream[]): readonly ConfiguredUpstream[] {
  const seen = new Map<string, ConfiguredUpstream>();
  for (const one of upstreams) {
    const { write: _, ...settings } = one.settings;
    const key = `${one.address} ${JSON.stringify(settings)}`;
    if (!seen.has(key)) seen.set(key, one);
  }
  return [...seen.values()];
}

interface Part {
  readonly steps: readonly Step[];
  readonly findings: readonly Finding[];
}

async function lookAtUpstream(
  world: DoctorWorld,
  upstream: ConfiguredUpstream,
  options: ExamineOptions,
): Promise<Part> {
  let endpoint: ReturnType<typeof parseEndpoint>;
  try {
    endpoint = parseEndpoint(upstream.address);
  } catch (error) {
    return { steps: [], findings: [unreadable(upstream, (error as Error).message)] };
  }
  const upgrades = !upstream.settings.upgrades;
  const facts = await examine(world, endpoint, { ...options, upgrades });
  const chain = chainRules(upstream, facts);
  const told = new Set([...JUDGED_BY_CHAIN, ...chain.map(({ cause }) => cause)]);
  const own = diagnose(facts, world.clock)
    .findings.filter(({ cause }) => !told.has(cause))
    .map((finding) => inPlace(finding, upstream));
  const steps = facts.steps.map((step) => ({
    ...step,
    name: `${step.name} (${upstream.context})`,
  }));
  return { steps, findings: [...chain, ...own] };
}

/** Of these the look at an address alone can only warn; with the front's settings it is known. */
const JUDGED_BY_CHAIN = ["keep_alive_too_short", "head_large_for_fronts"];

/** A finding of an address, with the line of the configuration that names it. */
function inPlace(finding: Finding, { where, context, siblings }: ConfiguredUpstream): Finding {
  const others = siblings > 0 ? `${siblings} other servers take its calls` : "";
  const evidence = [context, ...finding.evidence, others].filter((part) => part !== "");
  return { ...finding, evidence, where: finding.where ?? where };
}
