/**
 * The sections of an upstream, shared by all upstreams with the same values.
 *
 * Most upstreams set few options, and a gateway may have thousands: `defaults` and the catalog are
 * merged once, and an upstream only has a section of its own if it sets values in it. The result
 * is frozen.
 */

import type { Findings } from "./findings.js";
import { deepFreeze } from "./freeze.js";
import { SECTION_NAMES } from "./option-rules.js";
import type { Written } from "./read-sections.js";
import { type Filled, fillSections, type TargetFacts } from "./relations.js";

type Sections = Readonly<Filled>;

interface Common {
  readonly sections: Sections;
  /** Paths and texts; each is reported wherever these sections are used. */
  readonly warnings: readonly (readonly [path: string, text: string])[];
}

/** By what was written for all, and by what else the values depend on. */
const COMMON = new WeakMap<Written["sections"], Map<string, Common>>();

/** Fills in the defaults; `written` is what an upstream has over `shared`, which all have. */
export function sectionsOf(
  findings: Findings,
  shared: Written,
  written: Written,
  targets: TargetFacts,
): Sections {
  // What this depends on besides the sections is taken from the upstream.
  const common = commonSections({ ...written, sections: shared.sections }, targets);
  if (written.sections === shared.sections) {
    for (const [path, text] of common.warnings) findings.warning(path, text);
    return common.sections;
  }
  const own = fillSections(findings, written, targets);
  const entries = SECTION_NAMES.map((name) => {
    const known = common.sections[name];
    return [name, isAlike(own[name], known) ? known : own[name]];
  });
  return deepFreeze(Object.fromEntries(entries)) as Sections;
}

function commonSections(written: Written, targets: TargetFacts): Common {
  const { sections, plain, limit } = written;
  let known = COMMON.get(sections);
  if (known === undefined) {
    known = new Map();
    COMMON.set(sections, known);
  }
  const key = [targets.count, targets.local, plain.allowH2, limit?.totalMs].join(" ");
  let common = known.get(key);
  if (common === undefined) {
    const warnings: [string, string][] = [];
    const filled = fillSections(
      { warning: (path, text) => void warnings.push([path, text]) },
      written,
      targets,
    );
    common = { sections: deepFreeze(filled), warnings };
    known.set(key, common);
  }
  return common;
}

function isAlike(one: Sections[keyof Sections], other: Sections[keyof Sections]): boolean {
  if (one === false || other === false) return one === other;
  return Object.entries(one).every(([name, value]) => value === other[name]);
}
