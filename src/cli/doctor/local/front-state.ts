/**
 * The front itself, before anything behind it: whether it runs, since when, and whether its
 * configuration is one that it starts with. Its own program says so where it is there; our reader
 * says what it found otherwise.
 */
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { fault, said } from "../../../diagnosis/diagnosis-finding.js";
import type { DiagnosisStep, Finding } from "../../../diagnosis/diagnosis-report.js";
import type { FrontConfig, Problem } from "../config/front-config.js";
import { mainFileAbove } from "../config/nginx-syntax.js";
import { ageInWords } from "../facts/steps.js";
import type { DoctorWorld } from "../world/world.js";
import { anyOfFront, FRONT_PROGRAMS, type RunningFront } from "./fronts.js";

export interface FrontState {
  readonly steps: readonly DiagnosisStep[];
  readonly findings: readonly Finding[];
}

export async function frontState(
  world: DoctorWorld,
  file: string,
  config: FrontConfig,
  running: RunningFront | null,
): Promise<FrontState> {
  const { front } = config;
  if (front === "good-gateway") return { steps: [], findings: [] };
  const tested = await testOf(world, file, config, running);
  // What the front itself takes is right, whatever our reader thinks of it.
  const problems = tested?.well === true ? [] : (tested?.problems ?? config.problems);
  const broken = problems.map((one) => brokenConfig(config, one, running));
  const down = running === null ? await frontDown(world, file, config) : null;
  const step = stepOf(world, config, running, tested, problems);
  return {
    steps: step === null ? [] : [step],
    findings: [...broken, ...(down === null ? [] : [down])],
  };
}

function stepOf(
  world: DoctorWorld,
  { front }: FrontConfig,
  running: RunningFront | null,
  tested: Tested | null,
  problems: readonly Problem[],
): DiagnosisStep | null {
  if (running === null && tested === null && problems.length === 0) return null;
  const age = running === null ? null : ageInWords(world.clock.wallNow() - running.since);
  const parts = [
    running === null ? "does not run with this file" : `pid ${running.pid}, since ${age}`,
    tested?.well === true ? `${tested.command} accepts the configuration` : null,
    problems.length > 0 ? `the configuration is broken: ${problems[0]?.text}` : null,
  ];
  return {
    layer: "config",
    name: front,
    result: problems.length > 0 ? "failed" : "ok",
    durationMs: null,
    limitMs: null,
    detail: parts.filter((part) => part !== null).join("; "),
    code: problems.length > 0 ? "proxy_configuration_error" : null,
  };
}

function brokenConfig(
  { front }: FrontConfig,
  { text, where }: Problem,
  running: RunningFront | null,
): Finding {
  return fault({
    cause: "configuration_broken",
    layer: "config",
    blame: "proxy",
    code: "proxy_configuration_error",
    // What runs has read an older one; the next start is what fails.
    impact: running === null ? "all" : "some",
    title: `${front} does not start with this configuration: ${text}`,
    evidence: said(
      running !== null && `pid ${running.pid} runs with what it read before; a reload fails`,
    ),
    fix: "Mend this line, then let the front check it:",
    write: TESTS[front as Tests] ?? "",
    where,
  });
}

type Tests = "nginx" | "apache" | "haproxy" | "caddy" | "varnish" | "lighttpd";

const TESTS: Readonly<Record<Tests, string>> = {
  nginx: "nginx -t",
  apache: "apachectl configtest",
  haproxy: "haproxy -c -f /etc/haproxy/haproxy.cfg",
  caddy: "caddy validate --config /etc/caddy/Caddyfile",
  varnish: "varnishd -C -f /etc/varnish/default.vcl >/dev/null",
  lighttpd: "lighttpd -tt -f /etc/lighttpd/lighttpd.conf",
};

/** A file of the system, and no process of its front: what it configures is not served. */
async function frontDown(
  world: DoctorWorld,
  file: string,
  { front }: FrontConfig,
): Promise<Finding | null> {
  const program = FRONT_PROGRAMS.find((one) => one.front === front);
  const main = front === "nginx" ? ((await mainFileAbove(file)) ?? file) : file;
  if (program === undefined || !program.usual.includes(resolve(main))) return null;
  if ((await anyOfFront(world, front)) !== null) return null;
  const unit = front === "apache" ? "apache2" : front;
  const state = await world.run("systemctl", ["is-active", unit]);
  return fault({
    cause: "front_is_down",
    layer: "config",
    blame: "proxy",
    code: "connection_refused",
    title: `${front} is not running: what it configures is not served.`,
    evidence: said(`no process of ${front} on this machine`, state?.trim()),
    fix: "Read why it ended, check its configuration, then start it:",
    write:
      `journalctl -u ${unit} -n 50 --no-pager; ${TESTS[front as Tests]}; ` +
      `systemctl start ${unit}`,
  });
}

interface Tested {
  readonly command: string;
  readonly well: boolean;
  readonly problems: readonly Problem[];
}

/** Null where the program is not there, or could not say. */
async function testOf(
  world: DoctorWorld,
  file: string,
  { front }: FrontConfig,
  running: RunningFront | null,
): Promise<Tested | null> {
  const main = front === "nginx" ? ((await mainFileAbove(file)) ?? resolve(file)) : resolve(file);
  if (!(await mayBeTested(main, front, running))) return null;
  const command = commandFor(front as Tests, main, running);
  const script =
    'PATH="$PATH:/usr/sbin:/usr/local/sbin:/sbin"; command -v "$1" >/dev/null || exit 127; ' +
    '"$@" 2>&1; echo "exit $?"';
  const text = await world.run("sh", ["-c", script, "sh", ...command]);
  const [, output = "", code] = /^([\s\S]*)exit (\d+)\s*$/.exec(text ?? "") ?? [];
  if (code === undefined) return null;
  if (code === "0") return { command: command.slice(0, 2).join(" "), well: true, problems: [] };
  const problems = problemsIn(output, main);
  // Without permission to open a log or a port, the configuration cannot be checked.
  if (problems.length === 0 || /Permission denied|EACCES/i.test(output)) return null;
  return { command: command.slice(0, 2).join(" "), well: false, problems };
}

/** A part cannot be tested alone, and code of others is not loaded for a look. */
async function mayBeTested(
  file: string,
  front: string,
  running: RunningFront | null,
): Promise<boolean> {
  if (!Object.hasOwn(TESTS, front)) return false;
  const info = await stat(file).catch(() => null);
  if (info === null || !info.isFile()) return false;
  const text = await readFile(file, "utf8").catch(() => "");
  const isMain = /^\s*(?:[^#\n]*[\s;}])?(?:http|events|stream)\s*\{/m.test(text);
  if (front === "nginx" && !isMain) return false;
  const trusted = running !== null || FRONT_PROGRAMS.some(({ usual }) => usual.includes(file));
  if (front === "apache") return trusted;
  return trusted || !/^\s*(?:load_module|lua-load\S*|js_\w+|perl_\w+)\b/im.test(text);
}

function commandFor(front: Tests, file: string, running: RunningFront | null): readonly string[] {
  const prefix = running?.prefix ?? null;
  switch (front) {
    case "nginx":
      return ["nginx", "-t", "-q", ...(prefix === null ? [] : ["-p", prefix]), "-c", file];
    case "apache":
      return ["apache2", "-t", ...(prefix === null ? [] : ["-d", prefix]), "-f", file];
    case "haproxy":
      return ["haproxy", "-c", "-q", "-f", file];
    case "varnish":
      return ["varnishd", "-C", "-f", file];
    case "lighttpd":
      return ["lighttpd", "-tt", "-f", file];
    default:
      return ["caddy", "validate", "--config", file];
  }
}

const TOLD_MAX = 5;

/** `… in /etc/nginx/nginx.conf:12`, `[/etc/haproxy.cfg:12] : …`, `… on line 12 of FILE:`. */
function problemsIn(output: string, file: string): readonly Problem[] {
  const lines = output.split("\n").map((line) => line.trim());
  const found = lines.flatMap((line, index): readonly Problem[] => {
    const nginx = /\[emerg\] (?:\d+#\d+: )?(.*?)(?: in (\S+):(\d+))?$/.exec(line);
    if (nginx !== null) return [problem(nginx[1], nginx[2] ?? file, nginx[3])];
    const haproxy = /\[ALERT\].*?(?:\[([^\]]+):(\d+)\])? ?: (.*)$/.exec(line);
    if (haproxy !== null && !/Error\(s\) found|Fatal errors found/.test(line)) {
      return [problem(haproxy[3], haproxy[1] ?? file, haproxy[2])];
    }
    const apache = /Syntax error on line (\d+) of (\S+?):?$/.exec(line);
    if (apache !== null) return [problem(lines[index + 1], apache[2] ?? file, apache[1])];
    const lighttpd = /source: (\S+) line: (\d+) pos: \d+ (.*)$/.exec(line);
    if (lighttpd !== null) return [problem(lighttpd[3], lighttpd[1], lighttpd[2])];
    const vcl = /^\('(.+)' Line (\d+) Pos \d+\)/.exec(line);
    if (vcl !== null) {
      const text = lines[index - 1] ?? "";
      return /starting at:$/.test(text) ? [] : [problem(text, vcl[1], vcl[2])];
    }
    const caddy = /^Error: (?:adapting config using \w+: )?(?:(\S+):(\d+)(?: -|:) )?(.*)$/.exec(
      line,
    );
    return caddy === null ? [] : [problem(caddy[3], caddy[1] ?? file, caddy[2])];
  });
  return found.slice(0, TOLD_MAX);
}

function problem(text = "", file = "", line: string | undefined = undefined): Problem {
  return { text, where: { file, line: Number(line ?? 1) } };
}
