/**
 * Asks a target once whether it is well, over a connection of its own.
 *
 * A pool would answer from a connection that already works; the next call may need a new one.
 * Guarantee: `done` is called once at most, not after `cancel`, and the socket is gone by then; it
 * keeps no process alive. A timer that fires late, since our own event loop stood still, first
 * looks at the socket.
 */
import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import type { Readable } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { Clock, Timer } from "../base/clock.js";
import { PROBE } from "../catalog/defaults.js";
import type { Dialled } from "../targets/target.js";
import { tlsNow } from "../targets/target-options.js";
import { checkRequest, GRPC_FIELDS, GRPC_PATH, judgeGrpc } from "./grpc-health.js";
import { FAMILIES, guarded } from "./open-socket.js";
import { type AgentSays, askAgent } from "./probe-agent.js";
import { askAll } from "./probe-checks.js";
import { commandTurn, runCommand } from "./probe-command.js";
import { askHttp2, type ProbeAnswered, type ProbeFields } from "./probe-http2.js";
import { standIn } from "./stand-in.js";

/** What one check asks, and what has to come back. */
export interface CheckQuestion {
  /** Null to be content with a connection, through TLS where the target speaks it. */
  readonly path: string | null;
  /** Statuses that are good, as ranges of both ends. */
  readonly statuses: readonly (readonly [from: number, to: number])[];
  /** What the beginning of the body has to contain. */
  readonly body: string | RegExp | null;
  /** Null for the port of the target. */
  readonly port?: number | null;
  /** @default "GET" */
  readonly method?: string;
  /** In place of the address that is asked. */
  readonly host?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly requestBody?: string | null;
  /** The service to ask for by the gRPC health protocol, "" for the server; null for none. */
  readonly grpc?: string | null;
  /** To ask an agent. */
  readonly agent?: boolean;
  /** A program and its arguments, which is run in place of a question. */
  readonly command?: readonly string[] | null;
}

export interface ProbeQuestion extends CheckQuestion {
  readonly timeoutMs: number;
  readonly userAgent: string;
  /** As for calls: offered with TLS, and with `"h2c"` also spoken without. */
  readonly allowH2: boolean | "h2c";
  readonly allowBareLineFeeds?: boolean;
  /** Further checks, by their names. */
  readonly checks?: readonly (CheckQuestion & { readonly name: string })[];
  /** There are only these. */
  readonly onlyChecks?: boolean;
}

/**
 * Null for a target that is well, else what was wrong, in a few words; `said` is what an agent said
 * of it.
 */
export type ProbeDone = (wrong: string | null, said?: AgentSays) => void;

export interface RunningProbe {
  cancel(): void;
}

type ProbeClock = Pick<Clock, "after" | "turn">;

export function probeTarget(
  clock: ProbeClock,
  target: Dialled,
  question: ProbeQuestion,
  done: ProbeDone,
): RunningProbe {
  const { checks = [], onlyChecks = false } = question;
  if (checks.length === 0) return checkTarget(clock, target, question, done);
  const unnamed = onlyChecks ? [] : [{ ...question, name: null }];
  const all = [...unnamed, ...checks].map((check) => ({
    name: check.name,
    ask: (settle: ProbeDone) => checkTarget(clock, target, { ...question, ...check }, settle),
  }));
  return askAll(all, done);
}

/** One check. A program first waits for its turn. */
function checkTarget(
  clock: ProbeClock,
  target: Dialled,
  question: ProbeQuestion,
  done: ProbeDone,
): RunningProbe {
  if (!question.command) return checkNow(clock, target, question, done);
  let running: RunningProbe | null = null;
  const turn = commandTurn(() => {
    running = checkNow(clock, target, question, (wrong) => {
      turn.leave();
      done(wrong);
    });
  });
  return {
    cancel() {
      running?.cancel();
      turn.leave();
    },
  };
}

function checkNow(
  clock: ProbeClock,
  given: Dialled,
  { port = null, ...question }: ProbeQuestion,
  done: ProbeDone,
): RunningProbe {
  const target = port === null ? given : atPort(given, port, question.agent === true);
  let timer: Timer | null = null;
  let asked: { destroy(): void } | null = null;
  const settle: ProbeDone = (wrong, said) => {
    if (timer === null) return;
    timer.cancel();
    timer = null;
    asked?.destroy();
    done(wrong, said);
  };
  const turn = (then: () => void) => () => {
    if (timer !== null) timer = clock.turn(then);
  };
  timer = clock.after(
    question.timeoutMs,
    turn(turn(() => settle(`no answer within ${question.timeoutMs} ms`, late(question)))),
  );
  timer.unref();
  if (standIn() !== null) {
    // No probe could reach what stands in for the network, which is always there.
    timer.cancel();
    timer = clock.turn(() => settle(null));
    return {
      cancel() {
        timer?.cancel();
        timer = null;
      },
    };
  }
  try {
    asked = begin(target, question, settle);
  } catch (error) {
    // A certificate that cannot be read, say; reported like all else, after the return.
    timer.cancel();
    timer = clock.turn(() => settle(codeOf(error)));
  }
  return {
    cancel() {
      timer?.cancel();
      timer = null;
      asked?.destroy();
    },
  };
}

/** An agent that is silent says nothing of its target. */
function late({ agent }: CheckQuestion): AgentSays | undefined {
  return agent === true ? "nothing" : undefined;
}

function begin(target: Dialled, question: ProbeQuestion, settle: ProbeDone): { destroy(): void } {
  if (question.command) return runCommand(target, question.command, settle);
  if (question.agent === true) return askAgent(target, settle);
  const isRequest = question.path !== null || isGrpc(question);
  return isRequest ? ask(target, question, settle) : connectOnly(target, settle);
}

function isGrpc({ grpc }: CheckQuestion): boolean {
  return typeof grpc === "string";
}

function connectOnly(target: Dialled, settle: ProbeDone): Socket {
  const secure = target.protocol === "https:";
  const socket = secure ? connectTls(tlsOf(target)) : connectTcp(whereOf(target));
  socket.unref();
  socket.once(secure ? "secureConnect" : "connect", () => settle(null));
  socket.on("error", (error) => settle(codeOf(error)));
  socket.once("close", () => settle("the connection was closed"));
  return socket;
}

/** Over a connection that is closed again, in the version that calls would use. */
function ask(target: Dialled, question: ProbeQuestion, settle: ProbeDone): { destroy(): void } {
  const grpc = isGrpc(question);
  // gRPC is spoken over HTTP/2 only.
  const allowH2 = grpc ? "h2c" : question.allowH2;
  const answered: ProbeAnswered = (status, body, head) =>
    grpc ? judgeGrpc(status, body, head, settle) : judge(status, body, question, settle);
  if (target.protocol === "http:") {
    const socket = connectTcp(whereOf(target)).unref();
    if (allowH2 !== "h2c") return askHttp1(target, socket, question, answered, settle);
    return askHttp2(target, socket, fieldsOf(question, target), answered, settle);
  }
  const offered = allowH2 === false ? {} : { ALPNProtocols: ["h2", "http/1.1"] };
  const socket = connectTls({ ...tlsOf(target), ...offered });
  socket.unref();
  socket.on("error", (error) => settle(codeOf(error)));
  const closed = (): void => settle("the connection was closed");
  socket.once("close", closed);
  socket.once("secureConnect", () => {
    socket.off("close", closed);
    if (socket.alpnProtocol === "h2") {
      askHttp2(target, socket, fieldsOf(question, target), answered, settle);
    } else if (grpc) settle("gRPC needs HTTP/2, which the target does not offer");
    else askHttp1(target, socket, question, answered, settle);
  });
  return socket;
}

/** RFC 9110 §7.2: another port is another authority. */
function atPort(target: Dialled, port: number, beside: boolean): Dialled {
  const { hostname, socketPath } = target;
  // The agent of a target of a Unix socket has a port on this machine.
  if (socketPath !== null && !beside) return target;
  const name = hostname.includes(":") ? `[${hostname}]` : hostname;
  return { ...target, port, authority: `${name}:${port}` };
}

/** What is asked for, with the fields by their names. */
function fieldsOf(question: ProbeQuestion, target: Dialled): ProbeFields {
  const { path, userAgent, method = "GET", host, headers = {}, requestBody = null } = question;
  const { grpc = null } = question;
  if (grpc !== null) {
    return {
      method: "POST",
      // Methods of gRPC have no prefix: the path is their name.
      path: GRPC_PATH,
      authority: host ?? target.authority,
      headers: { "user-agent": userAgent, ...headers, ...GRPC_FIELDS },
      body: checkRequest(grpc),
    };
  }
  const length =
    requestBody === null ? {} : { "content-length": `${Buffer.byteLength(requestBody)}` };
  return {
    method,
    path: `${target.pathPrefix}${path}`,
    // RFC 9110 §7.2: a target may serve several names, and answers for the one that it is asked by.
    authority: host ?? target.authority,
    headers: { "user-agent": userAgent, accept: "*/*", ...headers, ...length },
    body: requestBody,
  };
}

function askHttp1(
  target: Dialled,
  socket: Socket,
  question: ProbeQuestion,
  answered: ProbeAnswered,
  settle: ProbeDone,
): ClientRequest {
  const { method, path, authority, headers, body } = fieldsOf(question, target);
  const req = requestHttp({
    // Without an agent the connection is closed again.
    createConnection: () => socket,
    method,
    path,
    headers: { host: authority, ...headers },
    setHost: false,
    // The only leniency of Node's parser that takes them; what else it takes harms no probe.
    insecureHTTPParser: question.allowBareLineFeeds === true,
  });
  req.on("error", (error) => settle(codeOf(error)));
  req.once("response", (res: IncomingMessage) => answered(res.statusCode ?? 0, res, {}));
  req.end(body ?? undefined);
  return req;
}

function judge(
  status: number,
  answer: Readable,
  { statuses, body }: ProbeQuestion,
  settle: ProbeDone,
): void {
  if (!statuses.some(([from, to]) => status >= from && status <= to)) {
    settle(`status ${status}`);
    return;
  }
  if (body === null) {
    settle(null);
    return;
  }
  const parts: Buffer[] = [];
  let bytes = 0;
  const decide = (): void => {
    const text = Buffer.concat(parts).subarray(0, PROBE.bodyBytesMax).toString();
    const found = typeof body === "string" ? text.includes(body) : body.test(text);
    settle(found ? null : "another body than expected");
  };
  answer.on("data", (part: Buffer) => {
    parts.push(part);
    bytes += part.length;
    if (bytes >= PROBE.bodyBytesMax) decide();
  });
  answer.once("end", decide);
  answer.once("error", (error) => settle(codeOf(error)));
  answer.once("aborted", () => settle("the answer broke off"));
}

function whereOf(target: Dialled) {
  const { socketPath, hostname, port } = target;
  if (socketPath !== null) return { path: socketPath, socketPath };
  return { host: hostname, port, ...FAMILIES, ...guarded(target) };
}

function tlsOf(target: Dialled) {
  const { hostname, tls } = target;
  const servername = tls?.servername ?? (isIP(hostname) === 0 ? hostname : "");
  return { ...tlsNow(tls), ...whereOf(target), servername };
}

function codeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === "string" ? code : String(message);
}
