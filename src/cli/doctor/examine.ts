/**
 * Walks the layers of an endpoint, one after the other, and writes down what was seen. Each step is
 * bounded; the first that fails ends the walk, since what lies behind it cannot be seen.
 */

import type { DiagnosisStep } from "../../diagnosis/diagnosis-report.js";
import type { FrontHealthCheck } from "./config/front-config.js";
import type { Facts } from "./facts/facts.js";
import { exchangeStep, healthStep, idleStep, keptMsOf, processStep } from "./facts/steps.js";
import { askPool, askScript, readPoolStatus } from "./fastcgi/ask.js";
import { beforeAsking, isLocal, isLoopback, lookLocally } from "./local/look.js";
import { dial, placesOf } from "./probes/connect.js";
import type { Exchanged, ProbeConnection } from "./probes/exchange.js";
import { type Line, onceMore, open } from "./probes/line.js";
import { type Resolved, resolve } from "./probes/resolve.js";
import { routeTo } from "./probes/route.js";
import type { Secured } from "./probes/secure.js";
import { askSpoken, type SpokenAsked } from "./probes/spoken.js";
import { upgradeStatus } from "./probes/upgrade.js";
import { frontsCheck, otherAnswers, otherProtocol } from "./second-looks.js";
import { type Endpoint, SPOKEN, type Spoken } from "./world/endpoint.js";
import type { DoctorLimits } from "./world/limits.js";
import type { DoctorWorld } from "./world/world.js";

export interface ExamineOptions {
  readonly limits: DoctorLimits;
  /** A path that reports whether the application is well; null to ask for none. */
  readonly healthPath: string | null;
  /** Whether to try a WebSocket handshake. */
  readonly upgrades: boolean;
  /** Names of the site, to be tried where the application does not know the first one. */
  readonly hosts?: readonly string[];
  /** The path before the front changed it, to be tried where the changed one is not found. */
  readonly pathBefore?: string | null;
  /** What is known of the same address already: it is not watched again, nor is its process. */
  readonly before?: Facts | null;
  /** The front's own request, by which it decides who is alive. */
  readonly check?: FrontHealthCheck | null;
}

/** What is known after the walk, without the look at this machine. */
type Walked = Omit<Facts, "local" | "endpoint" | "limits">;

export async function examine(
  world: DoctorWorld,
  endpoint: Endpoint,
  options: ExamineOptions,
): Promise<Facts> {
  const { limits } = options;
  const resolved = await resolve(world, endpoint, limits);
  const local = isLocal(endpoint, resolved.addresses);
  const known = options.before ?? null;
  if (known !== null) {
    const again = await walk(world, endpoint, { ...options, limits: notWatched(limits) }, resolved);
    if (isWell(again)) {
      const { idleCloseMs, local: seen } = known;
      return { endpoint, limits, ...again, idleCloseMs, local: seen };
    }
  }
  const before = local ? await beforeAsking(world, endpoint) : null;
  const walked = await walk(world, endpoint, options, resolved);
  const here = before === null ? null : await lookLocally(world, endpoint, before);
  const step = here === null ? null : processStep(here, world.clock.wallNow());
  const steps = step === null ? walked.steps : [...walked.steps, step];
  return { endpoint, limits, ...walked, steps, local: here };
}

function notWatched(limits: DoctorLimits): DoctorLimits {
  return { ...limits, idleMs: 0 };
}

/** Nothing in it that the process behind it could explain. */
function isWell({ first, third, spoken, pool, secured, dialled }: Walked): boolean {
  if (!dialled.some(({ step }) => step.result === "ok")) return false;
  if (secured?.step.result === "failed" || third?.code != null) return false;
  if (pool !== null) return pool.ping.code === null && pool.ran?.code == null;
  if (spoken !== null) return spoken.code === null;
  return first?.answer != null && first.code === null && first.answer.status < 500;
}

async function walk(
  world: DoctorWorld,
  endpoint: Endpoint,
  options: ExamineOptions,
  resolved: Resolved,
): Promise<Walked> {
  const { limits, upgrades } = options;
  const places = placesOf(endpoint, resolved.addresses);
  const dialled = await Promise.all(places.map((place) => dial(world, place, limits)));
  const [at] = resolved.addresses;
  const route =
    endpoint.socketPath !== null || at === undefined || isLoopback(at)
      ? null // Nothing can be said of the way to this machine itself.
      : await routeTo(world, at);
  const walked: Walked = {
    resolved,
    route,
    dialled,
    secured: null,
    otherProtocol: null,
    first: null,
    second: null,
    third: null,
    idleCloseMs: null,
    health: null,
    upgradeStatus: null,
    pool: null,
    spoken: null,
    otherHost: null,
    otherPath: null,
    withoutProxyLine: null,
    checked: null,
    steps: [
      resolved.step,
      ...(route === null ? [] : [route.step]),
      ...dialled.map(({ step }) => step),
    ],
  };
  const place = places[dialled.findIndex(({ step }) => step.result === "ok")];
  if (place === undefined) return walked;
  const line = { world, endpoint, limits, place };
  if (endpoint.protocol === "fastcgi") return talkFastcgi(line, walked);
  if (isSpoken(endpoint.protocol)) return talkSpoken(line, endpoint.protocol, walked);
  const talked = await talk(line, options, walked);
  return upgrades ? { ...talked, upgradeStatus: await tryUpgrade(line, talked) } : talked;
}

/** A pool is asked for its ping and its status page; PHP-FPM has both where its settings say. */
async function talkFastcgi(line: Line, walked: Walked): Promise<Walked> {
  const { world, place, limits } = line;
  const ping = await askPool(world, place, limits, "/ping");
  const page = ping.code === null ? await askPool(world, place, limits, "/status", "json") : null;
  const step: DiagnosisStep = {
    layer: "head",
    name: "FastCGI ping",
    result: ping.code === null ? "ok" : "failed",
    durationMs: ping.durationMs,
    limitMs: limits.responseMs,
    detail: ping.detail,
    code: ping.code,
  };
  const ran =
    line.endpoint.script === null || ping.code !== null
      ? null
      : await askScript(world, place, limits, line.endpoint.script);
  const pool = { ping, status: readPoolStatus(page?.answer ?? null), ran };
  const http = MISUNDERSTOOD.has(ping.code ?? "") && (await speaksHttp(line)) !== null;
  const otherProtocol = http ? "http" : null;
  return { ...walked, pool, otherProtocol, steps: [...walked.steps, step] };
}

/** A server of HTTP waits for the end of a line in what it does not understand, or closes. */
const MISUNDERSTOOD: ReadonlySet<string> = new Set([
  "http_response_timeout",
  "connection_terminated",
]);
const SECOND_LOOK_MS_MAX = 2_000;

async function speaksHttp(line: Line): Promise<number | null> {
  const { responseMs } = line.limits;
  const limits = { ...line.limits, responseMs: Math.min(responseMs, SECOND_LOOK_MS_MAX) };
  const plain = await onceMore({ ...line, limits }, { protocol: "http" });
  return plain?.answer?.status ?? null;
}

/** A few words of a protocol that is not HTTP/1: enough to learn whether a server is there. */
async function talkSpoken(line: Line, protocol: Spoken, walked: Walked): Promise<Walked> {
  if (protocol === "tcp") return walked;
  const asked = await askSpoken(line, protocol);
  const unsure = asked.status === BAD_REQUEST || MISUNDERSTOOD.has(asked.code ?? "");
  const spoken = unsure ? await unlessHttp(line, asked) : asked;
  return { ...walked, spoken, steps: [...walked.steps, ...spoken.steps] };
}

const BAD_REQUEST = 400;

/** A server of HTTP calls what it does not understand a bad request, in the words of uwsgi. */
async function unlessHttp(line: Line, asked: SpokenAsked): Promise<SpokenAsked> {
  const status = await speaksHttp(line);
  if (status === null) return asked;
  const detail = `${asked.detail}, and it answers HTTP with ${status}`;
  return { ...asked, code: "http_protocol_error", status: null, detail };
}

function isSpoken(protocol: Endpoint["protocol"]): protocol is Spoken {
  return SPOKEN.some((one) => one === protocol);
}

/** Asked only of what answers at all. */
async function tryUpgrade(line: Line, { first }: Walked): Promise<number | null> {
  if (first?.answer == null) return null;
  const { connection } = await open(line);
  if (connection === null) return null;
  return upgradeStatus(line.world, line.endpoint, connection.socket, line.limits);
}

/** From an accepted connection on. */
async function talk(line: Line, options: ExamineOptions, walked: Walked): Promise<Walked> {
  const { healthPath } = options;
  const opened = await open(line);
  const { secured, connection } = opened;
  const steps = secured === null ? walked.steps : [...walked.steps, secured.step];
  const known = { ...walked, secured: secured === null ? null : withoutSocket(secured), steps };
  if (connection === null) return { ...known, otherProtocol: await otherProtocol(line) };
  try {
    const first = await connection.get(line.endpoint.path);
    const answered = { ...known, first, steps: [...steps, exchangeStep(line, first, "new")] };
    if (first.answer === null) return await unanswered(line, healthPath, answered);
    if (first.code !== null) return answered;
    const others = await otherAnswers(line, first, {
      hosts: options.hosts ?? [],
      pathBefore: options.pathBefore ?? null,
    });
    const checked = await frontsCheck(line, options.check ?? null);
    return await reuse(line, connection, healthPath, { ...answered, ...others, checked });
  } finally {
    connection.close();
  }
}

/** No answer came: is it the protocol, or does another path answer? */
async function unanswered(line: Line, healthPath: string | null, walked: Walked): Promise<Walked> {
  const protocol = await otherProtocol(line, walked.first);
  if (protocol !== null || healthPath === null) return { ...walked, otherProtocol: protocol };
  const health = await askHealth(line, healthPath);
  const steps = health === null ? walked.steps : [...walked.steps, healthStep(line, health)];
  return { ...walked, health, steps };
}

async function reuse(
  line: Line,
  connection: ProbeConnection,
  healthPath: string | null,
  walked: Walked,
): Promise<Walked> {
  const { world, endpoint, limits } = line;
  let steps = walked.steps;
  let second: Exchanged | null = null;
  let idleCloseMs: number | null = null;
  if (!connection.closed && !saysClose(walked.first)) {
    second = await connection.get(endpoint.path);
    steps = [...steps, exchangeStep(line, second, "kept")];
  }
  const endless = walked.first?.endless === true;
  const health = healthPath === null ? null : await askHealth(line, healthPath);
  if (health !== null) steps = [...steps, healthStep(line, health)];
  const third = endless ? null : await onceMore(line);
  if (third !== null && third.code !== null) {
    steps = [...steps, exchangeStep(line, third, "new")];
  }
  // A server that announces its idle time need not be watched, nor one whose fault is known.
  const shows = (walked.first?.answer?.status ?? 0) >= 500 || third?.code != null;
  if (
    second?.code === null &&
    !connection.closed &&
    keptMsOf(walked.first) === null &&
    limits.idleMs > 0 &&
    !shows
  ) {
    idleCloseMs = await idleClose(world, connection, limits.idleMs);
    steps = [...steps, idleStep(idleCloseMs, limits)];
  }
  return { ...walked, second, third, idleCloseMs, health, steps };
}

/** A server that says that it closes may be a moment late with it. */
function saysClose(first: Exchanged | null): boolean {
  return /close/i.test(String(first?.answer?.headers.connection ?? ""));
}

function withoutSocket({ socket: _, ...rest }: Secured): Omit<Secured, "socket"> {
  return rest;
}

async function askHealth(line: Line, path: string): Promise<Facts["health"]> {
  const exchanged = await onceMore(line, { path });
  return exchanged === null ? null : { path, exchanged };
}

/** How long the server keeps an idle connection; null when longer than it is watched. */
function idleClose(
  { clock }: DoctorWorld,
  { socket }: ProbeConnection,
  watchMs: number,
): Promise<number | null> {
  const startedAt = clock.now();
  return new Promise((resolve) => {
    const timer = clock.after(watchMs, () => resolve(null));
    socket.once("close", () => {
      timer.cancel();
      resolve(clock.now() - startedAt);
    });
  });
}
