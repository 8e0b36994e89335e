/**
 * `controlHandler`: what operators switch by hand, over HTTP: targets, breakers, weights and
 * maintenance. For the admin server, `node:http` and Express; `good-gateway control` speaks to it.
 *
 * Guarantee: nothing is done without the token, by anything but a POST of JSON, or under a foreign
 * name; a wrong word does nothing and is answered with the nearest right one.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { CONTROL } from "../catalog/health-defaults.js";
import { type Gateway, gatewayCore } from "../gateway/gateway-handle.js";
import type { Upstream } from "../gateway/upstream-handle.js";
import { shown } from "../options/findings.js";
import { nearest } from "../options/nearest.js";
import { hostsProblem, hostTest } from "../options/operators.js";
import { writeHead } from "../wire/write-response.js";

export interface ControlHandlerOptions {
  /** What `Authorization: Bearer` must hold, of at least 16 characters; from a secret store. */
  readonly token: string;
  /**
   * The path at which it answers.
   * @default "/control"
   */
  readonly path?: string;
  /**
   * Names allowed in `Host`, such as "ops.example", beside addresses and names outside the public
   * DNS; "any" for all.
   * @default []
   */
  readonly hosts?: readonly string[] | "any";
}

/** A listener that hands on what is not its own, where something follows. */
export type ControlHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

export function controlHandler(gateway: Gateway, options: ControlHandlerOptions): ControlHandler {
  const { token, path = CONTROL.path, hosts } = checkOptions(options);
  const asksForUs = hostTest(hosts);
  const secret = digest(`Bearer ${token}`);
  gatewayCore(gateway);
  return function goodGatewayControl(req, res, next) {
    const [asked] = (req.url ?? "").split("?");
    if (asked !== path) {
      if (next === undefined) answer(req, res, 404, { problem: `nothing but ${path} is here` });
      else next();
      return;
    }
    const refusal = refusalOf(req, secret, asksForUs);
    if (refusal !== null) {
      answer(req, res, ...refusal);
      return;
    }
    readBody(req, (text) => {
      if (text === null) answer(req, res, 413, { problem: "the body is too long" });
      else void act(gateway, text).then((result) => answer(req, res, ...result));
    });
  };
}

function checkOptions(options: ControlHandlerOptions): ControlHandlerOptions {
  const { token, path, hosts, ...others } = Object(options) as ControlHandlerOptions;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new TypeError(`${unknown}: unknown option; there are token, path and hosts`);
  }
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
    throw new TypeError(
      "token: missing, or not printable ASCII; write a secret of this deployment",
    );
  }
  if (token.length < CONTROL.tokenCharsMin) {
    throw new TypeError(`token: is shorter than ${CONTROL.tokenCharsMin} characters`);
  }
  if (path !== undefined && !String(path).startsWith("/")) {
    throw new TypeError(`path: ${shown(path)} is not a path such as "/control"`);
  }
  const problem = hostsProblem(hosts);
  if (problem !== null) throw new TypeError(`hosts: ${shown(hosts)} ${problem}`);
  return options;
}

type ControlAnswer = readonly [status: number, body: object];

/** JSON alone: a form of another site cannot send it without asking first. */
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

function refusalOf(
  req: IncomingMessage,
  secret: Buffer,
  asksForUs: (req: IncomingMessage) => boolean,
): ControlAnswer | null {
  if (!asksForUs(req)) return [403, { problem: "Host is no name of this server; see hosts" }];
  if (!timingSafeEqual(digest(req.headers.authorization ?? ""), secret)) {
    return [401, { problem: "the token is missing or wrong: Authorization: Bearer …" }];
  }
  if (req.method !== "POST") return [405, { problem: "only POST is understood" }];
  if (!JSON_TYPE.test(req.headers["content-type"] ?? "")) {
    return [415, { problem: "the body must be application/json" }];
  }
  return null;
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Calls back with the text, or with null for one that is too long. */
function readBody(req: IncomingMessage, done: (text: string | null) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  req.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= CONTROL.bodyBytesMax) chunks.push(chunk);
  });
  req.on("end", () => {
    done(bytes > CONTROL.bodyBytesMax ? null : Buffer.concat(chunks).toString("utf8"));
  });
}

/** What a request may say. */
interface Command {
  readonly action: string;
  readonly upstream: string;
  readonly target?: string;
  readonly weight?: number;
  readonly forMs?: number;
  readonly path?: string;
  readonly retryAfterMs?: number;
}

const MEMBERS = {
  action: true,
  upstream: true,
  target: true,
  weight: true,
  forMs: true,
  path: true,
  retryAfterMs: true,
} satisfies Readonly<Record<keyof Command, true>>;

type Action = (upstream: Upstream, command: Command) => unknown;

const withTarget = (does: (upstream: Upstream, target: string, command: Command) => unknown) => {
  return (upstream: Upstream, command: Command): unknown => {
    const { target } = command;
    if (typeof target !== "string") throw new TypeError("target: is missing");
    return does(upstream, target, command);
  };
};

/** By their names on the command line. */
const ACTIONS: Readonly<Record<string, Action>> = {
  disable: withTarget(({ targets }, target) => targets.disable(target)),
  enable: withTarget(({ targets }, target) => targets.enable(target)),
  drain: withTarget(({ targets }, target) => targets.drain(target)),
  weight: withTarget(({ targets }, target, { weight }) =>
    targets.setWeight(target, weight ?? Number.NaN),
  ),
  "open-breaker": withTarget(({ targets }, target, { forMs }) =>
    targets.openBreaker(target, forMs === undefined ? {} : { forMs }),
  ),
  "close-breaker": withTarget(({ targets }, target) => targets.closeBreaker(target)),
  "start-maintenance": (upstream, { path, retryAfterMs }) =>
    upstream.startMaintenance({
      ...(path === undefined ? {} : { path }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    }),
  "end-maintenance": (upstream, { path }) =>
    upstream.endMaintenance(path === undefined ? {} : { path }),
  show: () => undefined,
};

async function act(gateway: Gateway, text: string): Promise<ControlAnswer> {
  try {
    const command = readCommand(text);
    const action = find(ACTIONS, "action", command.action);
    const upstream = gateway.upstream(command.upstream);
    const doing = action(upstream, command);
    // What is wrong is known at once; what it waits for else are exchanges under way.
    await Promise.race([doing, null]);
    const { name, state, maintenance } = upstream;
    const now = { upstream: name, state, maintenance, targets: [...upstream.targets] };
    return [200, { action: command.action, ...now }];
  } catch (error) {
    return [400, { problem: error instanceof Error ? error.message : String(error) }];
  }
}

function readCommand(text: string): Command {
  let command: unknown;
  try {
    command = JSON.parse(text);
  } catch {
    throw new TypeError("the body is not JSON");
  }
  if (typeof command !== "object" || command === null || Array.isArray(command)) {
    throw new TypeError('the body is no object such as { "action": "show", "upstream": "orders" }');
  }
  for (const name of Object.keys(command)) find(MEMBERS, "member", name);
  return command as Command;
}

function find<Value>(table: Readonly<Record<string, Value>>, what: string, name: unknown): Value {
  const found = Object.hasOwn(table, String(name)) ? table[String(name)] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(table);
  const close = nearest(String(name), known);
  const advice = close === null ? `there are ${known.join(", ")}` : `did you mean "${close}"?`;
  throw new TypeError(`${what}: ${shown(name)} is not known; ${advice}`);
}

function answer(req: IncomingMessage, res: ServerResponse, status: number, body: object): void {
  // What comes of a body is thrown away, so that the connection can go on.
  if (!req.complete) req.resume();
  const text = `${JSON.stringify(body)}\n`;
  const fields = [
    ...["content-type", "application/json", "cache-control", "no-store"],
    ...["content-length", String(Buffer.byteLength(text))],
    ...(status === 401 ? ["www-authenticate", 'Bearer realm="good-gateway"'] : []),
    ...(status === 405 ? ["allow", "POST"] : []),
  ];
  writeHead(res, status, undefined, fields);
  res.end(req.method === "HEAD" ? undefined : text);
}
