/**
 * The doctor and a configuration with many places: each of a hundred and fifty locations of a real
 * nginx is asked for a few times, with progress where somebody watches; what the time does not
 * suffice for is not begun, and is said.
 */

import { execFile } from "node:child_process";
import type { RequestListener } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { runDoctor } from "./tools/doctor.js";
import { doctorFolder } from "./tools/doctor-folder.js";
import { describeWith } from "./tools/programs.js";
import { stageIn } from "./tools/stage.js";

const MINUTES = 120_000;
const PLACES = 150;
/** As many looks as are begun at once. */
const AT_ONCE = 8;

const root = doctorFolder("many");
/** nginx with a location for each service of one application; each waits for a time of its own. */
async function many(name: string, answer: RequestListener) {
  const stage = stageIn(root(), name);
  const asked = new Map<string, number>();
  const port = await stage.app((request, response) => {
    const path = request.url ?? "";
    asked.set(path, (asked.get(path) ?? 0) + 1);
    answer(request, response);
  });
  const locations = Array.from(
    { length: PLACES },
    (_, n) =>
      `location /s${n}/ { proxy_pass http://127.0.0.1:${port}/v${n}/; ` +
      `proxy_read_timeout ${n + 20}s; }`,
  );
  const { config } = await stage.nginx(`server { listen $port; ${locations.join("\n")} }`);
  return { stage, asked, config };
}

describeWith(["nginx", "script"], "the doctor and many places", () => {
  it(
    "asks each a few times, and tells a terminal how far it is",
    async () => {
      const { stage, asked, config } = await many("quick", (_, response) => response.end("ok"));
      const { report } = await runDoctor([config]);
      expect(report.verdict.well, report.verdict.title).toBe(true);
      expect(asked.size).toBe(PLACES);
      // A new connection, a kept one, its end, and an upgrade.
      expect(Math.max(...asked.values())).toBeLessThanOrEqual(4);

      const manifest = createRequire(`${process.cwd()}/`).resolve("good-gateway/package.json");
      const program = join(dirname(manifest), "dist/cli.js");
      const command = `${process.execPath} ${program} doctor --idle 300 ${config}`;
      const { stdout } = await promisify(execFile)("script", ["-qec", command, "/dev/null"]);
      expect(stdout).toContain(`${AT_ONCE} of ${PLACES} places looked at`);
      expect(stdout).toContain("All is well.");
      await stage.end();
    },
    MINUTES,
  );

  it(
    "ends in its time, begins nothing after it, and says what is left",
    async () => {
      const { stage, asked, config } = await many("silent", () => {});
      const { code, report } = await runDoctor(["--within", "1", "--timeout", "60000", config]);
      expect(code).toBe(1);
      expect(report.verdict).toMatchObject({ well: false, cause: "time_is_over" });
      const left = report.findings.filter(({ cause }) => cause === "not_looked_at");
      expect(left).toMatchObject([
        { title: expect.stringMatching(/location \/s0\/ and 149 more places: the time was over$/) },
      ]);
      expect(asked.size).toBeLessThanOrEqual(AT_ONCE);
      await stage.end();
    },
    MINUTES,
  );
});
