/**
 * What is wrong with a row of the lab: names, blame, calls lost, requests executed.
 */
import { FAILURES, type FailureCode } from "../../src/catalog/failures.js";
import { TIMEOUTS } from "./limits.js";
import type { Row } from "./row.js";
import { SCENARIOS, type Scenario } from "./scenarios.js";

/** A busy machine may take this long for what has no limit of its own. */
const SLACK_MS = 20_000;
const FRONTS = ["HAProxy", "nginx"];

/** A line for each thing that is wrong; none for a row as it is to be. */
export function judge(row: Row, all: readonly Row[]): readonly string[] {
  if (FRONTS.includes(row.door)) return [];
  const scenario = SCENARIOS.find(({ kind, name }) => kind === row.kind && name === row.scenario);
  if (scenario === undefined) return ["no scenario"];
  const wrong = [...row.problems, ...namesOf(row, scenario), ...executions(row)];
  if (row.lost > lostMax(row, scenario)) wrong.push(`lost ${row.lost} of ${row.calls}`);
  const isWell = scenario.alone.includes("well");
  if (row.targets === 1 && !isWell && row.lost < row.calls) wrong.push("an answer from nowhere");
  for (const front of frontsBeside(row, all)) {
    if (row.lost > front.lost * chance(row, scenario))
      wrong.push(`lost ${row.lost}, ${front.door} ${front.lost}`);
  }
  const limit = Math.max(TIMEOUTS.totalMs, scenario.uploadMs ?? 0) + SLACK_MS;
  if (row.slowestMs > limit) wrong.push(`a call took ${row.slowestMs} ms`);
  return wrong;
}

/**
 * A tunnel that falls silent is no failure of its target, so nothing is learnt from it, and which
 * of them lead there is a matter of chance; fronts take turns, and lose one in three.
 */
function chance({ door }: Row, { cut }: Scenario): number {
  return door === "WebSocket" && cut ? 2 : 1;
}

/** HAProxy and nginx with the same targets and the same method; for HTTP/1.1 without upgrades. */
export function frontsBeside(row: Row, all: readonly Row[]): readonly Row[] {
  const same = all.filter(
    ({ kind, scenario, targets, method }) =>
      kind === row.kind &&
      scenario === row.scenario &&
      targets === row.targets &&
      method === row.method,
  );
  return same.filter(({ door }) => FRONTS.includes(door));
}

function lostMax(row: Row, { alone, post = [], machine, cut }: Scenario): number {
  if (machine === "no files" || cut) return row.calls;
  if (row.targets === 1) return alone.every((code) => code === "well") ? 0 : row.calls;
  return row.method === "POST" && post.length > 0 ? row.calls : 0;
}

function namesOf(row: Row, { alone, post = [] }: Scenario): readonly string[] {
  const allowed: readonly string[] = row.targets === 1 ? alone : [...alone, ...post];
  const strange = row.codes.filter((code) => !allowed.includes(code));
  const blames = new Set(row.codes.map((code) => FAILURES[code as FailureCode]?.blame));
  const fits =
    blames.size === row.blames.length && row.blames.every((one) => blames.has(one as never));
  return [
    ...strange.map((code) => `named ${code}`),
    ...(fits ? [] : [`blames ${row.blames.join()}`]),
    ...(row.lost > 0 && row.codes.length === 0 ? ["lost without a name"] : []),
  ];
}

function executions({ method, calls, lost, executed, twice }: Row): readonly string[] {
  const wrong: string[] = [];
  if (method === "POST" && twice > 0) wrong.push(`${twice} executed twice`);
  if (executed < calls - lost) wrong.push(`executed ${executed} of ${calls - lost} that succeeded`);
  return wrong;
}
