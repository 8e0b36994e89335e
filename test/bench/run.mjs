/**
 * `npm run bench`: what good-gateway costs, side by side with others. What each mode measures, and
 * how, stands in `modes/`; the docs say how to run it (docs/performance.md).
 */
import { writeFile } from "node:fs/promises";
import { aboutThis, chooseSetting, tell } from "./lib/bench.mjs";
import { chooseContenders } from "./lib/contenders.mjs";
import { minutesFor, readOptions } from "./lib/options.mjs";
import { render } from "./lib/pages.mjs";
import { printProfile } from "./lib/profile.mjs";
import * as tables from "./lib/tables.mjs";
import { keepAndRender, measureAll } from "./modes/all.mjs";
import { measureBars } from "./modes/bars.mjs";
import { measureFailing } from "./modes/failing.mjs";
import { measureGrowth } from "./modes/growth.mjs";
import { measureSideBySide } from "./modes/paired.mjs";
import { measurePolicies } from "./modes/policies.mjs";
import { measureProxies } from "./modes/proxies.mjs";
import { measureSdk } from "./modes/sdk.mjs";

const MODES = {
  proxies: { measure: measureProxies, print: printProxies },
  paired: { measure: measureSideBySide, print: tables.pairedTable },
  policies: { measure: measurePolicies, print: tables.policyTable },
  sdk: { measure: measureSdk, print: printSdk },
  failing: { measure: measureFailing, print: printFailing },
  bars: { measure: measureBars, print: tables.barsTable },
  growth: { measure: measureGrowth, print: tables.growthTables },
  all: {
    measure: measureAll,
    print: (run) => `the figures are in ${keepAndRender(run)}, the tables in docs/performance.md`,
  },
};

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.mode === "render") {
    render();
    return;
  }
  const mode = MODES[options.paired ? "paired" : options.mode];
  const setting = chooseSetting(options);
  const asked = { ...options, minutes: minutesFor(options) };
  const results = await mode.measure(asked, setting);
  const data = `${JSON.stringify({ ...aboutThis(setting), results }, null, 2)}\n`;
  if (options.json === "-") process.stdout.write(data);
  else process.stdout.write(`\n${headline(setting)}\n\n${mode.print(results)}\n`);
  if (options.json !== null && options.json !== "-") await writeFile(options.json, data);
  if (options.profile !== null) reportProfiles(options);
}

function headline(setting) {
  const { node, cpu, cores, load, pinned } = aboutThis(setting);
  const where = pinned ? "a core each for proxy and load" : "no core bound";
  return `Node ${node}, ${cores} × ${cpu}, load by ${load}, ${where}. Medians.`;
}

function printProxies(workloads) {
  return workloads
    .map((workload) => `${workload.label}\n\n${tables.proxyTable(workload)}`)
    .join("\n\n");
}

function printSdk({ nothing, loopback }) {
  const around = `Around a function that does nothing\n\n${tables.sdkTable(nothing)}`;
  return `${around}\n\nOver loopback\n\n${tables.sdkTable(loopback)}`;
}

function printFailing({ answers, instances }) {
  return `${tables.answersTable(answers)}\n\n${tables.instancesTable(instances)}`;
}

function reportProfiles({ proxies, builds, profile }) {
  for (const { name, label } of chooseContenders(proxies, builds)) {
    process.stdout.write(`\n${label}\n${printProfile(profile, name)}`);
  }
}

try {
  await main();
} catch (error) {
  tell(`the bench ended early: ${error.message}`);
  process.exitCode = 1;
}
