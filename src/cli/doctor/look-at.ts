/**
 * One report for one subject: an address, or a configuration with everything that it names.
 * Both end in the same report, so that it is printed in one way.
 */

import { readFile } from "node:fs/promises";
import type { Finding, Report, Step } from "../../gateway/diagnosis/diagnosis-report.js";
import { inOrder, verdictOf } from "../../gateway/diagnosis/diagnosis-verdict.js";
import type { ConfiguredUpstream, FrontConfig, FrontTls, Manner } from "./config/front-config.js";
import { isConfigPath, readConfig } from "./config/read-config.js";
import { diagnose } from "./diagnose.js";
import { type Endpoint, type EndpointTls, parseEndpoint } from "./endpoint.js";
import { type ExamineOptions, examine } from "./examine.js";
import { frontOfConfig, listeningFront } from "./local/fronts.js";
import { lookupThrough } from "./probes/name-server.js";
import { chainRules, unreadable } from "./rules/chain-rules.js";
import { frontAccess, OF_THIS_USER } from "./rules/front-access.js";
import { type Front, frontFindings } from "./rules/front-rules.js";
import { mannerRules } from "./rules/manner-rules.js";
import { askQuestions } from "./rules/resolver-rules.js";
import { upstreamsFor } from "./upstreams-for.js";
import type { DoctorWorld } from "./world.js";

/** What is looked at, once it has been understood. */
export type Subject = (world: DoctorWorld, options: ExamineOptions) => Promise<Report>;

/** Reads what was given; rejects with a TypeError that says what to write. */
export async function readSubject(text: string, asked: AskedFor = {}): Promise<Subject> {
  if (isConfigPath(text)) {
    const config = await readConfig(text);
    return (world, options) => lookAtConfig(world, text, config, options);
  }
  const endpoint = { ...parseEndpoint(text), ...asked };
  return async (world, options) => {
    const report = diagnose(await examine(world, endpoint, options), world.clock);
    return (await behindFront(world, endpoint, report, options)) ?? report;
  };
}

/** What a person says of the request besides its address. */
export type AskedFor = Partial<Pick<Endpoint, "authority" | "tls">>;

async function lookAtConfig(
  world: DoctorWorld,
  file: string,
  config: FrontConfig,
  options: ExamineOptions,
): Promise<Report> {
  const running = config.front === "good-gateway" ? null : await frontOfConfig(world, file);
  const front = { config, running };
  const parts: Part[] = [];
  const upstreams = unique(config.upstreams);
  for (let at = 0; at < upstreams.length; at += AT_ONCE_MAX) {
    const some = upstreams.slice(at, at + AT_ONCE_MAX);
    parts.push(
      ...(await Promise.all(some.map((one) => lookAtUpstream(world, one, front, options)))),
    );
  }
  const names = await askQuestions(world, config.questions ?? []);
  const steps = [...names.steps, ...parts.flatMap((part) => part.steps)];
  const seen = parts.flatMap((part) => part.findings);
  const found = [...config.findings, ...names.findings, ...seen];
  const own = await frontFindings(world, file, front, found);
  const all = withoutRepeats(inOrder([...found, ...own]));
  return { subject: file, steps, findings: all, verdict: verdictOf(steps, all) };
}

/** Each look starts a few programs; a configuration of a hundred places must not start hundreds. */
const AT_ONCE_MAX = 8;

/** The same thing, seen from several places, is told once. */
function withoutRepeats(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ cause, title }) => {
    const key = `${cause} ${title}`;
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}

/** A front on this machine answers with an error: what its own configuration asks is looked at. */
async function behindFront(
  world: DoctorWorld,
  endpoint: Endpoint,
  report: Report,
  options: ExamineOptions,
): Promise<Report | null> {
  if (report.verdict.well) return null;
  const running = await listeningFront(world, endpoint);
  if (running?.config == null) return null;
  const config = await readConfig(running.config).catch(() => null);
  if (config === null) return null;
  const { upstreams, questions = [] } = config;
  if (upstreams.length + questions.length + config.findings.length === 0) return null;
  const fitting = new Set(upstreamsFor([...upstreams, ...questions], endpoint));
  const asked = {
    ...config,
    upstreams: upstreams.filter((one) => fitting.has(one)),
    questions: questions.filter((one) => fitting.has(one)),
  };
  const behind = await lookAtConfig(world, running.config, asked, options);
  if (behind.verdict.well) return null;
  const steps = [...report.steps, ...behind.steps];
  const seen = `${endpoint.text} is ${running.front} (pid ${running.pid}), which asks what follows`;
  const said = report.steps.at(-1);
  const evidence = [
    seen,
    ...(said === undefined ? [] : [`${said.name}: ${said.detail}`]),
    ...behind.verdict.evidence,
  ];
  const own = report.findings.filter(({ cause }) => cause !== "front_answers_error");
  const findings = [...behind.findings, ...own.map(demoted)];
  return { subject: endpoint.text, steps, findings, verdict: { ...behind.verdict, evidence } };
}

/** What the front answered follows from what is behind it. */
function demoted(finding: Finding): Finding {
  return finding.severity === "fault" ? { ...finding, severity: "note" } : finding;
}

/** A server that many locations ask is looked at once for each manner of asking. */
function unique(upstreams: readonly ConfiguredUpstream[]): readonly ConfiguredUpstream[] {
  const seen = new Map<string, ConfiguredUpstream>();
  for (const one of upstreams) {
    const { write: _, ...settings } = one.settings;
    const manner = JSON.stringify([settings, one.manner ?? {}, one.nameServers ?? null]);
    const key = `${one.address} ${manner}`;
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
  { config, running }: Front,
  options: ExamineOptions,
): Promise<Part> {
  let endpoint: Endpoint;
  try {
    endpoint = await inManner(parseEndpoint(upstream.address), upstream.manner ?? {});
  } catch (error) {
    return { steps: [], findings: [unreadable(upstream, (error as Error).message)] };
  }
  const { hosts = [], pathBefore = null, check = null } = upstream.manner ?? {};
  const upgrades = !upstream.settings.upgrades;
  const asked = { ...options, upgrades, hosts, pathBefore, check };
  const facts = await examine(seenByFront(world, upstream), endpoint, asked);
  const access = await frontAccess(world, config, running, upstream, facts);
  const chain = [...chainRules(upstream, facts), ...mannerRules(upstream, facts), ...access];
  const ours = chain.some(({ cause }) => cause === "not_for_this_user") ? OF_THIS_USER : [];
  // What its own name servers say is told of them, and not of the system's.
  const asks = upstream.nameServers !== undefined;
  const told = new Set([...JUDGED_BY_CHAIN, ...ours, ...chain.map(({ cause }) => cause)]);
  const own = diagnose(facts, world.clock)
    .findings.filter(({ cause, layer }) => !told.has(cause) && !(asks && layer === "resolve"))
    .map((finding) => inPlace(finding, upstream));
  const of = `${upstream.address}, ${upstream.context}`;
  const steps = facts.steps.map((step) => ({ ...step, of }));
  return { steps, findings: [...chain, ...own] };
}

/** The world with the names as the front resolves them. */
function seenByFront(world: DoctorWorld, { nameServers }: ConfiguredUpstream): DoctorWorld {
  if (nameServers === undefined) return world;
  return { ...world, lookup: lookupThrough(world, nameServers) };
}

/** The address, asked as the front asks it. */
async function inManner(
  endpoint: Endpoint,
  { host, path, tls, proxyProtocol = false, script }: Manner,
): Promise<Endpoint> {
  return {
    ...endpoint,
    authority: host ?? endpoint.authority,
    path: path ?? endpoint.path,
    proxyProtocol,
    script: script ?? null,
    tls: tls === undefined ? endpoint.tls : await readTls(tls),
  };
}

async function readTls({ servername, ca, cert, key, checks }: FrontTls): Promise<EndpointTls> {
  const [caText, certText, keyText] = await Promise.all([ca, cert, key].map(pemOf));
  return { servername, ca: caText ?? null, cert: certText ?? null, key: keyText ?? null, checks };
}

async function pemOf(source: string | null): Promise<string | null> {
  if (source === null || source.startsWith("-----")) return source;
  return readFile(source, "utf8").catch(() => null);
}

/** Of these the look at an address alone can only warn; with the front's settings it is known. */
const JUDGED_BY_CHAIN = ["keep_alive_too_short", "head_large_for_fronts"] as const;

/** A finding of an address, with the line of the configuration that names it. */
function inPlace(finding: Finding, { where, context, siblings }: ConfiguredUpstream): Finding {
  const others = siblings > 0 ? `others that take its calls: ${siblings}` : "";
  const evidence = [context, ...finding.evidence, others].filter((part) => part !== "");
  return { ...finding, evidence, where: finding.where ?? where };
}
