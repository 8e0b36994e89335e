/**
 * Walks the layers of an endpoint, one after the other, and writes down what was seen. Each step is
 * bounded; the first that fails ends the walk, since what lies behind it cannot be seen.
 */

import type { Step } from "../../gateway/diagnosis-report.js";
import type { Endpoint } from "./endpoint.js";
import type { Facts, OtherProtocol } from "./facts.js";
import { askPool, readPoolStatus } from "./fastcgi/ask.js";
import type { DoctorLimits } from "./limits.js";
import type { ProcessFacts } from "./local/local-facts.js";
import { holderOf, isLocal, lookLocally } from "./local/look.js";
import { processFacts } from "./local/processes.js";
import { dial, openSocket, type Place, placesOf } from "./probes/connect.js";
import { type Exchanged, type ProbeConnection, probeConnection } from "./probes/exchange.js";
import { type Resolved, resolve } from "./probes/resolve.js";
import { type Secured, secure } from "./probes/secure.js";
import { upgradeStatus } from "./probes/upgrade.js";
import { exchangeStep, healthStep, idleStep, keptMsOf } from "./steps.js";
import type { DoctorWorld } from "./world.js";

export interface ExamineOptions {
  readonly limits: DoctorLimits;
  /** A path that tells whether the application is well; null to ask for none. */
  readonly healthPath: string | null;
  /** Whether to try a WebSocket handshake. */
  readonly upgrades: boolean;
}

/** What is known after the walk, without the look at this machine. */
type Walked = Omit<Facts, "local" | "endpoint" | "limits">;

export async function examine(
  world: DoctorWorld,
  endpoint: Endpoint,
  { limits, ...options }: ExamineOptions,
): Promise<Facts> {
  const resolved = await resolve(world, endpoint, limits);
  const local = isLocal(endpoint, resolved.addresses);
  const before = local ? await holderFacts(world, endpoint) : null;
  const walked = await walk(world, endpoint, limits, options, resolved);
  return {
    endpoint,
    limits,
    ...walked,
    local: local ? await lookLocally(world, endpoint, before) : null,
  };
}

async function holderFacts(world: DoctorWorld, endpoint: Endpoint): Promise<ProcessFacts | null> {
  const pid = await holderOf(world, endpoint);
  return pid === null ? null : processFacts(world, pid);
}

async function walk(
  world: DoctorWorld,
  endpoint: Endpoint,
  limits: DoctorLimits,
  { healthPath, upgrades }: Pick<ExamineOptions, "healthPath" | "upgrades">,
  resolved: Resolved,
): Promise<Walked> {
  const places = placesOf(endpoint, resolved.addresses);
  const dialled = await Promise.all(places.map((place) => dial(world, place, limits)));
  const walked: Walked = {
    resolved,
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
    steps: [resolved.step, ...dialled.map(({ step }) => step)],
  };
  const place = places[dialled.findIndex(({ step }) => step.result === "ok")];
  if (place === undefined) return walked;
  const line = { world, endpoint, limits, place };
  if (endpoint.protocol === "fastcgi") return talkFastcgi(line, walked);
  const talked = await talk(line, healthPath, walked);
  return upgrades ? { ...talked, upgradeStatus: await tryUpgrade(line, talked) } : talked;
}

interface Line {
  readonly world: DoctorWorld;
  readonly endpoint: Endpoint;
  readonly limits: DoctorLimits;
  readonly place: Place;
}

/** A pool is asked for its ping and its status page; PHP-FPM has both where its settings say. */
async function talkFastcgi(line: Line, walked: Walked): Promise<Walked> {
  const { world, place, limits } = line;
  const ping = await askPool(world, place, limits, "/ping");
  const page = ping.code === null ? await askPool(world, place, limits, "/status", "json") : null;
  const step: Step = {
    layer: "head",
    name: "FastCGI ping",
    result: ping.code === null ? "ok" : "failed",
    durationMs: ping.durationMs,
    limitMs: limits.responseMs,
    detail: ping.detail,
    code: ping.code,
  };
  const pool = { ping, status: readPoolStatus(page?.answer ?? null) };
  return { ...walked, pool, steps: [...walked.steps, step] };
}

/** Asked only of what answers at all. */
async function tryUpgrade(line: Line, { first }: Walked): Promise<number | null> {
  if (first?.answer == null) return null;
  const { connection } = await open(line);
  if (connection === null) return null;
  return upgradeStatus(line.world, line.endpoint, connection.socket, line.limits);
}

/** From an accepted connection on. */
async function talk(line: Line, healthPath: string | null, walked: Walked): Promise<Walked> {
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
    return await reuse(line, connection, healthPath, answered);
  } finally {
    connection.close();
  }
}

/** No answer came: is it the protocol, or does another path answer? */
async function unanswered(line: Line, healthPath: string | null, walked: Walked): Promise<Walked> {
  const protocol = await otherProtocol(line);
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
  if (!connection.closed) {
    second = await connection.get(endpoint.path);
    steps = [...steps, exchangeStep(line, second, "kept")];
  }
  const health = healthPath === null ? null : await askHealth(line, healthPath);
  if (health !== null) steps = [...steps, healthStep(line, health)];
  const third = await onceMore(line);
  if (third !== null && third.code !== null) {
    steps = [...steps, exchangeStep(line, third, "new")];
  }
  // A server that tells its time need not be watched.
  if (second?.code === null && !connection.closed && keptMsOf(walked.first) === null) {
    idleCloseMs = await idleClose(world, connection, limits.idleMs);
    steps = [...steps, idleStep(idleCloseMs, limits)];
  }
  return { ...walked, second, third, idleCloseMs, health, steps };
}

/** Opens a connection as the endpoint wants it. */
async function open(
  line: Line,
): Promise<{ readonly secured: Secured | null; readonly connection: ProbeConnection | null }> {
  const { world, endpoint, limits, place } = line;
  if (endpoint.protocol === "https") {
    const secured = await secure(world, endpoint, place, limits);
    const { socket } = secured;
    const connection = socket === null ? null : probeConnection(world, endpoint, socket, limits);
    return { secured, connection };
  }
  const socket = await openSocket(world, place, limits.connectMs).catch(() => null);
  const connection = socket === null ? null : probeConnection(world, endpoint, socket, limits);
  return { secured: null, connection };
}

function withoutSocket({ socket: _, ...rest }: Secured): Omit<Secured, "socket"> {
  return rest;
}

/** A request of its own on a new connection; null when there was no connection. */
async function onceMore(line: Line, path = line.endpoint.path): Promise<Exchanged | null> {
  const { connection } = await open(line);
  if (connection === null) return null;
  try {
    return await connection.get(path);
  } finally {
    connection.close();
  }
}

async function askHealth(line: Line, path: string): Promise<Facts["health"]> {
  const exchanged = await onceMore(line, path);
  return exchanged === null ? null : { path, exchanged };
}

/** Speaks the other of HTTP and TLS to a port that did not understand the first. */
async function otherProtocol(line: Line): Promise<OtherProtocol> {
  const { world, endpoint, limits, place } = line;
  if (endpoint.protocol === "http") {
    const secured = await secure(world, endpoint, place, limits);
    secured.socket?.destroy();
    return secured.socket === null ? null : "tls";
  }
  const plain = await onceMore({ ...line, endpoint: { ...endpoint, protocol: "http" } });
  return plain?.answer == null ? null : "http";
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
