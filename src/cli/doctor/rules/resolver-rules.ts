/**
 * Name servers that a front asks by itself (`resolver` of nginx): those that do not answer, that
 * answer with an error, and that do not know a name which the system knows. The front answers 502,
 * and its log says that a name "could not be resolved".
 */
import { fault, said, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { DiagnosisStep, Finding } from "../../../diagnosis/diagnosis-report.js";
import type { NameQuestion } from "../config/front-config.js";
import { askNameServers, type NameServerReply } from "../probes/name-server.js";
import type { DoctorWorld } from "../world/world.js";

export interface Answered {
  readonly findings: readonly Finding[];
  readonly steps: readonly DiagnosisStep[];
}

/** Asks what the front would ask, each question once. */
export async function askQuestions(
  world: DoctorWorld,
  questions: readonly NameQuestion[],
): Promise<Answered> {
  const seen = new Map(questions.map((one) => [keyOf(one), one] as const));
  const answered = await Promise.all([...seen.values()].map((one) => ask(world, one)));
  return {
    findings: answered.flatMap(({ findings }) => findings),
    steps: answered.flatMap(({ steps }) => steps),
  };
}

function keyOf({ nameServers: { where }, host }: NameQuestion): string {
  return `${where.file}:${where.line} ${host ?? ""}`;
}

async function ask(world: DoctorWorld, question: NameQuestion): Promise<Answered> {
  const startedAt = world.clock.now();
  const asked = await askNameServers(world, question.nameServers, question.host);
  const durationMs = world.clock.now() - startedAt;
  const finding = await findingOf(world, question, asked);
  const failed = finding?.severity === "fault";
  const step: DiagnosisStep = {
    layer: "resolve",
    name: `ask the front's name servers${question.host === null ? "" : ` for ${question.host}`}`,
    result: failed ? "failed" : finding === null ? "ok" : "warning",
    durationMs,
    limitMs: null,
    detail: asked.map(inWords).join("; "),
    code: failed ? finding.code : null,
    of: question.context,
  };
  return { findings: finding === null ? [] : [finding], steps: [step] };
}

async function findingOf(
  world: DoctorWorld,
  question: NameQuestion,
  asked: readonly NameServerReply[],
): Promise<Finding | null> {
  const of = (kind: NameServerReply["reply"]["kind"]) =>
    asked.filter(({ reply }) => reply.kind === kind);
  if (of("silent").length === asked.length) return unreachable(question, asked);
  if (of("known").length === 0 && question.host !== null) {
    if (of("unknown").length > 0) return unknown(world, question, question.host, asked);
    return fails(question, asked);
  }
  return of("silent").length > 0 ? someUnreachable(question, asked) : null;
}

/** Docker's own name server: another place has another one, or none, at this address. */
const OF_A_CONTAINER = "127.0.0.11";

function unreachable(question: NameQuestion, asked: readonly NameServerReply[]): Finding {
  const { nameServers, host, context } = question;
  const servers = asked.map(({ server }) => server);
  const inContainer = servers.some((one) => one.split(":")[0] === OF_A_CONTAINER);
  const refused = asked.every((one) => isRefused(one));
  return fault({
    cause: "resolver_unreachable",
    layer: "resolve",
    blame: "proxy",
    code: refused ? "dns_error" : "dns_timeout",
    confidence: refused && !inContainer ? "certain" : "likely",
    title: `No name server of \`resolver\` answers: ${servers.join(", ")}.`,
    evidence: said(
      context,
      ...asked.map(inWords),
      `nginx answers 502: ${host ?? "NAME"} could not be resolved`,
      inContainer && `${OF_A_CONTAINER} is Docker's name server: only containers reach it`,
    ),
    fix: inContainer
      ? "Ask from inside the container of nginx, or name a server that this machine reaches:"
      : "Name a server that answers (see nameserver in /etc/resolv.conf), and try it with dig:",
    write: "resolver 127.0.0.53 valid=10s;",
    where: nameServers.where,
  });
}

function someUnreachable(question: NameQuestion, asked: readonly NameServerReply[]): Finding {
  const silent = asked.filter(({ reply }) => reply.kind === "silent");
  const names = silent.map(({ server }) => server).join(", ");
  const share = `${silent.length} of ${asked.length}`;
  const alive = asked.filter(({ reply }) => reply.kind !== "silent").map(({ server }) => server);
  return warning({
    cause: "one_resolver_unreachable",
    impact: "some",
    layer: "resolve",
    blame: "proxy",
    code: silent.every((one) => isRefused(one)) ? "dns_error" : "dns_timeout",
    title: `${share} name servers of \`resolver\` do not answer: ${names}.`,
    evidence: [
      question.context,
      ...asked.map(inWords),
      "nginx asks them in turns, and waits 5 s before it asks the next one",
    ],
    fix: "Take out those that do not answer:",
    write: `resolver ${alive.join(" ")};`,
    where: question.nameServers.where,
  });
}

function fails(question: NameQuestion, asked: readonly NameServerReply[]): Finding {
  const name = question.host ?? "a name";
  return fault({
    cause: "name_server_fails",
    layer: "resolve",
    code: "dns_error",
    title: `The name servers of \`resolver\` answer with an error for ${name}.`,
    evidence: [question.context, ...asked.map(inWords)],
    fix: "Look at the log of the name server: it may not be meant for this client or domain.",
    where: question.nameServers.where,
  });
}

async function unknown(
  world: DoctorWorld,
  question: NameQuestion,
  host: string,
  asked: readonly NameServerReply[],
): Promise<Finding> {
  const [bySystem] = await world.lookup(host).catch(() => []);
  const short = !host.includes(".");
  return fault({
    cause: bySystem === undefined ? "name_does_not_exist" : "name_unknown_to_resolver",
    layer: "resolve",
    blame: "proxy",
    code: "dns_name_not_found",
    title:
      bySystem === undefined
        ? `The name ${host} does not exist for the name servers of \`resolver\`.`
        : `The system knows ${host}, and the name servers of \`resolver\` do not.`,
    evidence: said(
      question.context,
      ...asked.map(inWords),
      bySystem !== undefined && `the system resolves it to ${bySystem.address}`,
      "nginx reads neither /etc/hosts nor the search domains of /etc/resolv.conf for it",
    ),
    fix: short
      ? "Write the whole name, with its domain (Kubernetes: NAME.NAMESPACE.svc.cluster.local)."
      : "Compare the spelling, or name the server that knows it in `resolver`.",
    where: question.nameServers.where,
  });
}

function isRefused({ reply }: NameServerReply): boolean {
  return reply.kind === "silent" && reply.errno === "ECONNREFUSED";
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "cannot be reached (ECONNREFUSED)",
  ETIMEOUT: "no answer in time (ETIMEOUT)",
  ECANCELLED: "no answer in time (ECANCELLED)",
  ENOTFOUND: "no such name (ENOTFOUND)",
};

function inWords({ server, reply }: NameServerReply): string {
  if (reply.kind === "known") {
    return `${server}: ${reply.addresses.map(({ address }) => address).join(", ")}`;
  }
  return `${server}: ${WORDS[reply.errno] ?? reply.errno}`;
}
