/**
 * The doctor and what people run: the rows of `cases/cases.ts`, each on real servers.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer as createHttps } from "node:https";
import { join } from "node:path";
import { testCertificates } from "good-gateway/testing";
import { beforeAll, expect, it } from "vitest";
import { CASES, type Case } from "./cases/cases.js";
import { type DoctorReport, runDoctor } from "./tools/doctor.js";
import { doctorFolder } from "./tools/doctor-folder.js";
import { quietPort } from "./tools/processes.js";
import { describeWith } from "./tools/programs.js";
import { sideBySide } from "./tools/side-by-side.js";
import { type Stage, stageIn } from "./tools/stage.js";
import { BEHIND, FRONTS } from "./tools/stage-servers.js";

const MINUTES = 120_000;
/** Side by side; more would make each of them slow. */
const AT_ONCE = 4;
const SLOW_MS = 1_200;
/** More than a connection and a few buffers hold. */
const LARGE_BYTES = 8_388_608;
const { valid } = testCertificates();

/** Applications of a few lines, by their names in a case. */
async function scripted(stage: Stage, kind: string): Promise<number> {
  switch (kind) {
    case "nothing":
      return quietPort();
    case "tls":
      return stage.listen(createHttps(valid, (_, response) => response.end("ok")));
    case "wants-prefix":
      return stage.app((request, response) =>
        response.writeHead(request.url?.startsWith("/api/") ? 200 : 404).end(),
      );
    case "only-root":
      return stage.app((request, response) =>
        response.writeHead(request.url === "/" ? 200 : 404).end(),
      );
    case "large":
      return stage.app((_, response) => response.end("x".repeat(LARGE_BYTES)));
    case "after-1200":
      return stage.app((_, response) => void setTimeout(() => response.end("ok"), SLOW_MS));
    default:
      throw new Error(`no application is called ${kind}`);
  }
}

/** A disk of its own without a free byte. */
function fullDisk(stage: Stage): string {
  const folder = join(stage.folder, "full");
  mkdirSync(folder);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]);
  stage.later(() => execFileSync("umount", ["-l", folder]));
  writeFileSync(join(folder, "rest"), Buffer.alloc(65_536));
  return folder;
}

async function reportOf(one: Case, root: string): Promise<DoctorReport> {
  const { name, behind, front, give } = one;
  const stage = stageIn(root, name);
  try {
    const [kind = "", ...args] = behind.split(" ");
    const at = (await BEHIND[kind]?.(stage, args)) ?? `127.0.0.1:${await scripted(stage, kind)}`;
    const [host = "", port = ""] = at.split(":");
    const full = front?.[1].includes("$full") === true ? fullDisk(stage) : "";
    const filled = (text: string): string =>
      text
        .replaceAll("$app", at)
        .replaceAll("$host", host)
        .replaceAll("$behind", port)
        .replaceAll("$folder", stage.folder)
        .replaceAll("$full", full);
    const running = front === undefined ? null : await FRONTS[front[0]]?.(stage, filled(front[1]));
    const asked =
      give === "config"
        ? running?.config
        : give.startsWith("/")
          ? `http://127.0.0.1:${running?.port}${give}`
          : filled(give);
    const { report } = await runDoctor([...(one.with ?? []), String(asked)]);
    return report;
  } finally {
    await stage.end();
  }
}

const root = doctorFolder("cases");
let reports: ReadonlyMap<Case, Promise<DoctorReport>> = new Map();

const PROGRAMS = [
  ...["nginx", "haproxy", "apache2", "caddy", "varnishd", "lighttpd"],
  ...["gunicorn", "uwsgi", "memcached", "java", "php-fpm8.2"],
];

describeWith(PROGRAMS, "the doctor and what people run", () => {
  beforeAll(() => {
    reports = sideBySide(CASES, AT_ONCE, (one) => reportOf(one, root()));
  });
  it.each(CASES)("$name", { timeout: MINUTES }, async (one) => {
    const { verdict, findings } = (await reports.get(one)) as DoctorReport;
    const { layer, cause, title } = verdict;
    expect({ layer, cause }, title).toEqual({ layer: one.layer, cause: one.cause });
    const causes = findings.map((found) => found.cause);
    expect(causes).toEqual(expect.arrayContaining([one.beside ?? one.cause ?? []].flat()));
    if (one.next !== undefined) expect(`${verdict.next} ${verdict.write ?? ""}`).toMatch(one.next);
  });
});
