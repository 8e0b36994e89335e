/**
 * The look behind a front on this machine: the front answers with an error, or not at all, and what
 * it asks for this very request is asked directly: the same host and path, through the location
 * that wins. Whatever that says, the front's own last line of log is quoted.
 */
import type { Finding, Report } from "../../diagnosis/diagnosis-report.js";
import type { ConfiguredUpstream, FrontConfig, WayBehind } from "./config/front-config.js";
import type { Facts } from "./facts/facts.js";
import { frontState } from "./local/front-state.js";
import {
  anyOfFront,
  FRONT_PROGRAMS,
  listeningFront,
  type RunningFront,
  tunnelFront,
} from "./local/fronts.js";
import { type LookOptions, lookAtConfig } from "./look-at-config.js";
import { readConfig } from "./read/read-config.js";
import { type LogLine, lastLogLine } from "./rules/front-log.js";
import { upstreamsFor } from "./upstreams-for.js";
import type { Endpoint } from "./world/endpoint.js";
import type { DoctorWorld } from "./world/world.js";

/** From here on an answer is looked behind: it may be the front's, or come from behind it. */
const LOOKED_BEHIND = 400;

/** An answer without a body may be meant; where PHP gets too few parameters it is not. */
const BLANK = 200;
const WHY_BLANK = /^(?:script_filename|request_method)_missing$/;

/** Null where there is no front of this machine to look behind. */
export async function behindFront(
  world: DoctorWorld,
  endpoint: Endpoint,
  facts: Facts,
  report: Report,
  options: LookOptions,
): Promise<Report | null> {
  const status = facts.first?.answer?.status ?? 0;
  const blank = status === BLANK && facts.first?.bodyBytes === 0;
  if (report.verdict.well && status < LOOKED_BEHIND && !blank) return null;
  if (facts.local === null) return behindTunnel(world, endpoint, report, options);
  const running = await listeningFront(world, endpoint);
  if (running === null) {
    return facts.first === null ? frontThatIsDown(world, endpoint, report) : null;
  }
  if (running.config === null) return null;
  const config = await readConfig(running.config, running.front).catch(() => null);
  if (config === null) return null;
  const found = { config, running, file: running.config };
  const behind = await lookBehind(world, endpoint, report, found, options);
  const meant = !(report.verdict.well && blank) || WHY_BLANK.test(behind?.verdict.cause ?? "");
  return meant ? behind : null;
}

/** A name that is elsewhere may lead back to this machine, through cloudflared. */
async function behindTunnel(
  world: DoctorWorld,
  endpoint: Endpoint,
  report: Report,
  options: LookOptions,
): Promise<Report | null> {
  const running = await tunnelFront(world);
  if (running === null || running.config === null) return null;
  const config = await readConfig(running.config, running.front).catch(() => null);
  const names = config?.upstreams.flatMap(({ manner }) => manner?.hosts ?? []) ?? [];
  if (config === null || !names.includes(endpoint.authority.replace(/:\d+$/, ""))) return null;
  return lookBehind(world, endpoint, report, { config, running, file: running.config }, options);
}

interface RunningConfig {
  readonly config: FrontConfig;
  readonly running: RunningFront;
  readonly file: string;
}

async function lookBehind(
  world: DoctorWorld,
  endpoint: Endpoint,
  report: Report,
  { config, running, file }: RunningConfig,
  options: LookOptions,
): Promise<Report | null> {
  const { upstreams, questions = [], findings } = config;
  if (upstreams.length + questions.length + findings.length === 0) return null;
  const way = await wayOf(config, endpoint);
  const narrowed = { ...config, ...(way ?? {}), notLookedAt: [] };
  const behind = await lookAtConfig(world, file, narrowed, options);
  const line = await lastLogLine(world, { config, running }, endpoint.path.split("?")[0] ?? null);
  if (way?.itself === true) {
    return itself(report, running, way.place, line);
  }
  const nothing = behind.verdict.well || behind.verdict.cause === "nothing_looked_at";
  if (nothing) return report.verdict.well ? null : withLog(report, running, behind, line);
  const steps = [...report.steps, ...behind.steps];
  const said = report.steps.findLast(({ layer }) => layer !== "process");
  const evidence = [
    `${endpoint.text} is ${running.front} (pid ${running.pid}), which asks what follows`,
    ...(said === undefined ? [] : [`${said.name}: ${said.detail}`]),
    ...behind.verdict.evidence,
    ...quoted(line),
  ];
  const own = report.findings.filter(({ cause }) => cause !== "front_answers_error");
  const all = [...behind.findings, ...own.map(demoted)];
  const verdict = { ...behind.verdict, evidence };
  return { subject: endpoint.text, steps, findings: all, verdict };
}

function quoted(line: LogLine | null): readonly string[] {
  return line === null ? [] : [`the last line of ${line.log}: ${line.line}`];
}

/** The place that wins has no upstream: the front answers by itself. */
function itself(
  report: Report,
  { front, pid }: RunningFront,
  place: string,
  line: LogLine | null,
): Report {
  const evidence = [
    ...report.verdict.evidence,
    `${front} (pid ${pid}) answers this by itself, in its ${place}: no upstream is asked`,
    ...quoted(line),
  ];
  const [first] = report.findings;
  const verdict =
    report.verdict.well && first !== undefined
      ? { ...report.verdict, title: first.title }
      : report.verdict;
  return { ...report, verdict: { ...verdict, blame: "proxy", evidence } };
}

/** What is behind answers when it is asked directly: the fault lies between, or is over. */
function withLog(
  report: Report,
  { front, pid }: RunningFront,
  behind: Report,
  line: LogLine | null,
): Report {
  const answered = behind.steps.find(({ layer }) => layer === "head");
  const evidence = [
    ...report.verdict.evidence,
    `it is ${front} (pid ${pid})`,
    ...(answered === undefined
      ? []
      : [`asked directly, ${answered.of ?? "what is behind it"} answers: ${answered.detail}`]),
    ...quoted(line),
  ];
  const notes = behind.findings.map(demoted);
  const meaning = line?.meaning ?? null;
  const next = meaning === null ? report.verdict.next : `${meaning} ${report.verdict.next}`;
  return {
    ...report,
    steps: [...report.steps, ...behind.steps],
    findings: [...report.findings, ...notes],
    verdict: { ...report.verdict, evidence, next },
  };
}

/** What the front answered follows from what is behind it. */
function demoted(finding: Finding): Finding {
  return finding.severity === "fault" ? { ...finding, severity: "note" } : finding;
}

/** The upstreams of this request; null where all have to be looked at. */
async function wayOf(config: FrontConfig, endpoint: Endpoint): Promise<WayBehind | null> {
  const { port, path, authority } = endpoint;
  const host = authority.replace(/:\d+$/, "");
  const found = (await config.wayOf?.({ port, host, path })) ?? null;
  if (found !== null) return found;
  const { upstreams, questions = [], front } = config;
  const fitting = new Set(upstreamsFor([...upstreams, ...questions], { port, path, host }));
  return {
    upstreams: upstreams
      .filter((one) => fitting.has(one))
      .map((one) => asAsked(one, front, endpoint)),
    questions: questions.filter((one) => fitting.has(one)),
    itself: false,
    place: "configuration",
  };
}

/** The same request as the front would send it on: the path behind its prefix, and the host. */
function asAsked(
  upstream: ConfiguredUpstream,
  front: FrontConfig["front"],
  { path, authority }: Endpoint,
): ConfiguredUpstream {
  const manner = upstream.manner ?? {};
  const prefix = manner.pathBefore ?? manner.path ?? "";
  const rest = path.startsWith(prefix) ? path.slice(prefix.length) : null;
  const changed =
    rest === null
      ? {}
      : { path: manner.pathBefore === undefined ? path : joined(manner.path ?? "/", rest) };
  const keeps = front === "haproxy" || front === "caddy" || manner.hosts?.[0] === manner.host;
  const host =
    keeps && (manner.host === undefined || front === "apache") ? { host: authority } : {};
  const isApacheDefault = front === "apache" && manner.host === undefined;
  return { ...upstream, manner: { ...manner, ...changed, ...(isApacheDefault ? {} : host) } };
}

function joined(path: string, rest: string): string {
  return `${path.replace(/\/$/, "")}/${rest.replace(/^\//, "")}`;
}

/** No process listens where a front of this machine should: its configuration says so. */
async function frontThatIsDown(
  world: DoctorWorld,
  { port, text }: Endpoint,
  report: Report,
): Promise<Report | null> {
  for (const { front, usual } of FRONT_PROGRAMS) {
    if ((await anyOfFront(world, front)) !== null) continue;
    for (const file of usual) {
      const config = await readConfig(file, front).catch(() => null);
      const listens = config?.upstreams.some(
        ({ manner }) => manner?.ports?.includes(port) === true,
      );
      if (config === null || listens !== true) continue;
      const { findings, steps } = await frontState(world, file, config, null);
      const [first] = findings;
      if (first === undefined) continue;
      const evidence = [`${file} has ${front} listen on port ${port}`, ...first.evidence];
      const verdict = { well: false, next: first.fix, ...first, evidence };
      return { subject: text, steps: [...report.steps, ...steps], findings, verdict };
    }
  }
  return null;
}
