/**
 * The look at a configuration: the front itself, every upstream that it names, and what is wrong
 * between them.
 *
 * Guarantees: what was not asked is said to be not looked at, and is never well. The whole ends in
 * its time; what that cut off is said, too.
 */
import { readFile } from "node:fs/promises";
import { warning } from "../../diagnosis/diagnosis-finding.js";
import type { DiagnosisStep, Finding, Report, Verdict } from "../../diagnosis/diagnosis-report.js";
import { inOrder, verdictOf } from "../../diagnosis/diagnosis-verdict.js";
import type {
  ConfiguredUpstream,
  FrontConfig,
  FrontTls,
  Manner,
  Problem,
} from "./config/front-config.js";
import { diagnose } from "./diagnose.js";
import { inDialect } from "./dialect.js";
import { type ExamineOptions, examine } from "./examine.js";
import type { Facts } from "./facts/facts.js";
import { askEngine } from "./local/engine.js";
import type { LocalFront } from "./local/front.js";
import { frontState } from "./local/front-state.js";
import { frontOfConfig, type RunningFront } from "./local/fronts.js";
import { hiddenNetwork, insideCommand, lookFromInside, networkOf } from "./local/namespaces.js";
import { lookupThrough } from "./probes/name-server.js";
import { chainRules, unreadable } from "./rules/chain-rules.js";
import { composeContainers } from "./rules/engine-rules.js";
import { frontAccess, OF_THIS_USER } from "./rules/front-access.js";
import { frontFindings } from "./rules/front-rules.js";
import { mannerRules } from "./rules/manner-rules.js";
import { asksItself, diskFindings } from "./rules/place-rules.js";
import { askQuestions } from "./rules/resolver-rules.js";
import { type Endpoint, type EndpointTls, parseEndpoint } from "./world/endpoint.js";
import { type DoctorWorld, within } from "./world/world.js";

export interface LookOptions extends ExamineOptions {
  /** The moment of the clock at which the whole look ends, whatever is left. */
  readonly endAt: number;
  /** Called for each upstream that was checked. */
  readonly progress?: (done: number, all: number) => void;
}

export async function lookAtConfig(
  world: DoctorWorld,
  file: string,
  config: FrontConfig,
  options: LookOptions,
): Promise<Report> {
  const running: RunningFront | null =
    config.front === "good-gateway" ? null : await frontOfConfig(world, file);
  const network = running === null ? "own" : await networkOf(world, running.pid);
  const apart = running !== null && network === "other";
  if (apart) {
    const ms = options.endAt - world.clock.now();
    const { limits } = options;
    const report = await lookFromInside(world, running.pid, file, { limits, ms });
    if (report !== null) return report;
  }
  const front = { config, running };
  const state = await frontState(world, file, config, running);
  const { parts, left } = await lookAtUpstreams(world, unique(config.upstreams), front, options);
  const names = await askQuestions(world, config.questions ?? []);
  const asked = [...names.steps, ...parts.flatMap((part) => part.steps)];
  const seen = parts.flatMap((part) => part.findings);
  const engine =
    config.services === undefined
      ? { findings: [], notLookedAt: [] }
      : composeContainers(file, config.services, await askEngine(world));
  const outside = apart ? [notFromInside(file, running)] : [];
  const places = [
    ...[...outside, ...config.notLookedAt, ...engine.notLookedAt],
    ...timeWasOver(file, left),
  ];
  const notAsked = places.map(notLookedAt);
  // A container that is down is why nothing listens at its port.
  const others = [...engine.findings, ...config.findings, ...names.findings, ...seen, ...notAsked];
  const found = [...state.findings.map((one) => unlessReported(one, others)), ...others];
  const own = await frontFindings(world, file, front, found);
  const disk = await diskFindings(world, front);
  const hidden =
    running === null || network !== "hidden" ? [] : hiddenNetwork(running.pid, file, found);
  const findings = withoutRepeats(inOrder([...found, ...own, ...disk, ...hidden]));
  const steps = [...state.steps, ...asked];
  const isOver = left.length > 0 && asked.length === 0;
  const verdict = isOver
    ? timeIsOver(file)
    : honest(verdictOf(steps, findings), file, asked.length, notAsked);
  return { subject: file, steps, findings, verdict };
}

function notFromInside(file: string, { pid }: RunningFront): Problem {
  const text = `the front (pid ${pid}) has a network of its own, where localhost is another`;
  return { text, where: { file, line: 1 }, ask: insideCommand(pid, file) };
}

/** What a front does not start with, where a look of ours says more of the same. */
const TOLD_BETTER: readonly (readonly [RegExp, RegExp])[] = [
  [/host not found in upstream/, /^name_/],
  [/may not have port/, /^upstream_with_port$/],
  [/no servers? (?:are inside|in) upstream/, /^(?:only_backup_servers|no_server_in_upstream)$/],
];

function unlessReported(finding: Finding, others: readonly Finding[]): Finding {
  const [, cause] = TOLD_BETTER.find(([says]) => says.test(finding.title)) ?? [];
  if (cause === undefined || !others.some((one) => cause.test(one.cause))) return finding;
  return { ...finding, severity: "note" };
}

const ELSEWHERE = {
  next:
    "Give the file that has the upstreams, such as that of the site, or ask the front itself: " +
    "good-gateway doctor http://localhost/",
} as const;

/** However many there are, it is one thing that is said of them. */
function timeWasOver(file: string, left: readonly ConfiguredUpstream[]): readonly Problem[] {
  const [first] = left;
  if (first === undefined) return [];
  const more = left.length > 1 ? ` and ${left.length - 1} more places` : "";
  const text = `${first.address}, ${first.context}${more}: the time was over`;
  return [{ text, where: first.where, ask: `good-gateway doctor --within 600 ${file}` }];
}

/** Nothing is known of what the time did not suffice for. */
export function timeIsOver(what: string): Verdict {
  return {
    well: false,
    layer: null,
    blame: null,
    confidence: "possible",
    cause: "time_is_over",
    title: `The look at ${what} did not end in its time: nothing is known.`,
    evidence: [],
    next: "Give it more: --within 600",
  };
}

/** Where nothing was asked, nothing is well. */
function honest(
  verdict: Verdict,
  file: string,
  asked: number,
  notAsked: readonly Finding[],
): Verdict {
  if (!verdict.well) return verdict;
  const [hidden] = notAsked;
  if (asked > 0) {
    if (hidden === undefined) return verdict;
    const places = notAsked.length === 1 ? "1 place was" : `${notAsked.length} places were`;
    const title = `What was asked answers, and ${places} not looked at.`;
    return { ...verdict, title };
  }
  return {
    ...verdict,
    well: false,
    confidence: "possible",
    layer: "config",
    cause: "nothing_looked_at",
    title: `Nothing was looked at: ${file} names no upstream that can be asked.`,
    evidence: [],
    ...(hidden?.write === undefined ? ELSEWHERE : { next: hidden.fix, write: hidden.write }),
  };
}

function notLookedAt({ text, where, ask }: Problem): Finding {
  return warning({
    cause: "not_looked_at",
    layer: "config",
    blame: "proxy",
    title: `not looked at: ${text}`,
    evidence: [],
    ...(ask === undefined
      ? { fix: "Ask for its address itself: good-gateway doctor http://HOST:PORT/" }
      : { fix: "Ask for it where it is:", write: ask }),
    where,
  });
}

/** Each look starts a few programs; a configuration of a hundred places must not start hundreds. */
const AT_ONCE_MAX = 8;

interface Looked {
  readonly parts: readonly Part[];
  /** What the time did not suffice for. */
  readonly left: readonly ConfiguredUpstream[];
}

/** Of each address one look in full; further places of it ask their own request only. */
async function lookAtUpstreams(
  world: DoctorWorld,
  upstreams: readonly ConfiguredUpstream[],
  front: LocalFront,
  options: LookOptions,
): Promise<Looked> {
  const first = new Set(new Map(upstreams.toReversed().map((one) => [one.address, one])).values());
  const order = [...upstreams].sort((a, b) => Number(first.has(b)) - Number(first.has(a)));
  const known = new Map<string, Facts>();
  const once = remembering(world);
  let done = 0;
  const ended = await inTurn(order, AT_ONCE_MAX, async (one) => {
    const ms = options.endAt - world.clock.now();
    const look = (): Promise<Part> => lookAtUpstream(once, one, front, { ...options, known });
    const part = ms <= 0 ? null : await within(world.clock, ms, look());
    options.progress?.(++done, order.length);
    return part;
  });
  return {
    parts: ended.filter((part) => part !== null),
    left: order.filter((_, index) => ended[index] === null),
  };
}

/** What comes of each, with a few at once; the next is begun where one has ended. */
async function inTurn<One, Result>(
  all: readonly One[],
  atOnce: number,
  run: (one: One) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const waiting = [...all.entries()].reverse();
  const lane = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      results[next[0]] = await run(next[1]);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return results;
}

/** One look at a machine: what its programs say is asked once. */
function remembering(world: DoctorWorld): DoctorWorld {
  const said = new Map<string, Promise<string | null>>();
  return {
    ...world,
    run(program, args) {
      const key = JSON.stringify([program, args]);
      const known = said.get(key) ?? world.run(program, args);
      said.set(key, known);
      return known;
    },
  };
}

/** The same thing, seen from several places, is reported once. */
function withoutRepeats(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ cause, title }) => {
    const key = `${cause} ${title}`;
    return !seen.has(key) && seen.add(key) !== undefined;
  });
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
  readonly steps: readonly DiagnosisStep[];
  readonly findings: readonly Finding[];
}

type Known = { readonly known: Map<string, Facts> };

async function lookAtUpstream(
  world: DoctorWorld,
  upstream: ConfiguredUpstream,
  { config, running }: LocalFront,
  options: ExamineOptions & Known,
): Promise<Part> {
  let endpoint: Endpoint;
  try {
    endpoint = await inManner(parseEndpoint(upstream.address), upstream.manner ?? {});
  } catch (error) {
    return { steps: [], findings: [unreadable(upstream, (error as Error).message)] };
  }
  const { hosts = [], pathBefore = null, check = null } = upstream.manner ?? {};
  const upgrades = !upstream.settings.upgrades;
  const before = options.known.get(upstream.address) ?? null;
  const asked = { ...options, upgrades, hosts, pathBefore, check, before };
  const facts = await examine(seenByFront(world, upstream), endpoint, asked);
  if (before === null) options.known.set(upstream.address, facts);
  const access = await frontAccess(world, config, running, upstream, facts);
  const chain = [
    ...asksItself(upstream, facts, running),
    ...chainRules(upstream, facts),
    ...mannerRules(upstream, facts),
    ...access,
  ];
  const ours = chain.some(({ cause }) => cause === "not_for_this_user") ? OF_THIS_USER : [];
  // Findings about its own name servers replace those about the system's.
  const asks = upstream.nameServers !== undefined;
  const reported = new Set([...JUDGED_BY_CHAIN, ...ours, ...chain.map(({ cause }) => cause)]);
  const own = diagnose(facts, world.clock)
    .findings.filter(({ cause, layer }) => !reported.has(cause) && !(asks && layer === "resolve"))
    .map((finding) => inPlace(inDialect(finding, config.front, upstream), upstream));
  const of = `${endpoint.text}, ${upstream.context}`;
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
