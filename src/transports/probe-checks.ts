/**
 * Several checks of one target, asked at the same time: all of them have to pass.
 *
 * The first that fails decides, and its name stands before what was wrong. What an agent says among
 * them counts unless another check has failed; one that says nothing is left out.
 */
import type { AgentSays } from "./probe-agent.js";

export interface Check {
  /** Null for the one that has no name. */
  readonly name: string | null;
  readonly ask: (done: CheckDone) => { cancel(): void };
}

type CheckDone = (wrong: string | null, said?: AgentSays) => void;

export function askAll(checks: readonly Check[], done: CheckDone): { cancel(): void } {
  const running = new Set<{ cancel(): void }>();
  let left = checks.length;
  let over = false;
  /** Words of agents; the worst is passed on. */
  const words: { readonly wrong: string | null; readonly said: AgentSays }[] = [];
  let passed = 0;
  const cancel = (): void => {
    over = true;
    for (const one of running) one.cancel();
    running.clear();
  };
  const decide = (): void => {
    const against = words.find(({ said }) => said === "unhealthy" || said === "draining");
    const silent = words.find(({ said }) => said === "nothing");
    const shares = words.flatMap(({ said }) => (typeof said === "number" ? [said] : []));
    if (against !== undefined) done(against.wrong, against.said);
    else if (passed === 0 && silent !== undefined) done(silent.wrong, "nothing");
    else if (shares.length > 0) done(null, Math.min(...shares));
    else done(null, words.find(({ said }) => said === "ready")?.said);
  };
  for (const { name, ask } of checks) {
    const one = ask((wrong, said) => {
      running.delete(one);
      if (over) return;
      const named = wrong === null || name === null ? wrong : `${name}: ${wrong}`;
      if (wrong !== null && said === undefined) {
        cancel();
        done(named);
        return;
      }
      if (said !== undefined) words.push({ wrong: named, said });
      if (wrong === null) passed += 1;
      left -= 1;
      if (left > 0) return;
      over = true;
      decide();
    });
    running.add(one);
  }
  return { cancel };
}
