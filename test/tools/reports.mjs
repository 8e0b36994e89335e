/**
 * Reads the reports of vitest for `.ci/run`.
 *
 *     node test/tools/reports.mjs failed REPORT   the files that failed, one a line
 *     node test/tools/reports.mjs sum FOLDER      every failed test, and the sum of all reports
 *
 * A report `NAME-again` holds the second run of the files that failed in `NAME`: what passed in it
 * is named as unsteady.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const MESSAGE_MAX = 2_000;
const ENDING = ".report.json";
const AGAIN = "-again";

const [command, path = "."] = process.argv.slice(2);
if (command === "failed") {
  for (const file of failedFiles(read(path))) console.log(relative(process.cwd(), file.name));
} else sum(path);

function read(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

function failedFiles(report) {
  return report.testResults.filter(({ status }) => status === "failed");
}

/** A file that could not even be loaded counts as one failed test. */
function failedTests(report) {
  return failedFiles(report).flatMap(({ name, message, assertionResults }) => {
    const failed = assertionResults.filter(({ status }) => status === "failed");
    if (failed.length === 0) return [{ name, message }];
    return failed.map(({ fullName, failureMessages = [] }) => ({
      name: `${name}: ${fullName}`,
      message: failureMessages.join("\n"),
    }));
  });
}

function sum(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith(ENDING));
  const reports = new Map(names.map((name) => [name.slice(0, -ENDING.length), name]));
  let passed = 0;
  let failed = 0;
  for (const [run, name] of reports) {
    const report = read(join(folder, name));
    const tests = failedTests(report);
    const again = reports.get(run + AGAIN);
    const stillFailed = again === undefined ? tests : failedTests(read(join(folder, again)));
    if (run.endsWith(AGAIN)) continue;
    passed += report.numPassedTests + Math.max(0, tests.length - stillFailed.length);
    failed += stillFailed.length;
    const word = again === undefined ? "failed" : "failed at first";
    for (const test of tests) tell(`${run}, ${word}`, test);
    if (again !== undefined) for (const test of stillFailed) tell(`${run}, failed again`, test);
    if (tests.length > 0 && stillFailed.length === 0) console.log(`\n${run}: unsteady, see above`);
  }
  console.log(`\ntests: ${passed} passed, ${failed} failed`);
}

function tell(what, { name, message = "" }) {
  console.log(`\n${what}: ${name}\n${message.slice(0, MESSAGE_MAX)}`);
}
