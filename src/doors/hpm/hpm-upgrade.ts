/**
 * An upgrade that http-proxy-middleware has routed: taken as at every other door, but that its own
 * engine asks the upstream.
 *
 * Both versions of the engine know WebSockets alone, without a body. So they are shown one, and the
 * request that they make is given what was asked for before anything of it is written.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Duplex, Readable } from "node:stream";
import { TIMEOUTS } from "../../catalog/defaults.js";
import type { Call } from "../../core/call.js";
import { NamedError } from "../../core/named-error.js";
import type { ForeignRun } from "../../transports/foreign-run.js";
import { serveWithoutUpgrade } from "../../wire/unasked-upgrade.js";
import {
  allowedUpgrades,
  refuseUpgrade,
  serveUpgrade,
  type UpgradeDoor,
} from "../proxy-upgrade.js";
import { contain, takeOver } from "./hpm-contain.js";
import { dropAliases, engineBody, engineFields, inOtherWords, WaitingBody } from "./hpm-headers.js";
import type { Lane } from "./hpm-parts.js";
import {
  type Engaged,
  type Engine,
  engineOptions,
  findRoute,
  type HpmAsked,
  type HpmParts,
  notifyUser,
  setWords,
  warnOfHook,
} from "./hpm-parts.js";
import type { Untaken } from "./hpm-untaken.js";

/** What the engine is asked for. */
export interface HpmUpgrade {
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly asked: HpmAsked;
  readonly engine: Engine;
  /** Notifies the hooks, as the engine does. */
  readonly emit: (event: string, ...args: unknown[]) => unknown;
}

/** A handshake with the engine, until the sockets are joined or there is an answer. */
interface Shaking extends HpmUpgrade {
  readonly lane: Lane;
  readonly call: Call;
  readonly run: ForeignRun;
  readonly body: Readable | null;
  request: ClientRequest | null;
}

/** The engine speaks of no other protocol, and would only hang up. */
const SHOWN = { method: "GET", upgrade: "websocket" } as const;

/** Takes the place of the engine's `ws`, which is called with other options. */
export function hpmUpgrade(parts: HpmParts) {
  const allowed = allowedUpgrades(parts.options);
  return (upgrade: HpmUpgrade): Promise<void> =>
    new Promise((resolve) => {
      const { req, socket, head } = upgrade;
      const over = (): void => {
        socket.off("close", over);
        resolve();
      };
      socket.on("close", over);
      serveUpgrade(doorOf(parts, allowed, upgrade, over), req, socket, head);
    });
}

/** Refuses upgrades that no listener of a server has taken. */
export function untakenUpgrades(parts: HpmParts): Untaken {
  const { own } = parts.lanes;
  return {
    clock: own.gateway.clock,
    ms: Math.min(own.core.options.timeouts.totalMs, TIMEOUTS.tunnelIdleMs),
    refuse(req, socket) {
      const failure = { code: "bad_request", details: "an upgrade that is not served" } as const;
      const failed = (): void => notifyUser(parts, failure, req, socket);
      refuseUpgrade({ own, failed }, req, socket, failure);
    },
  };
}

function doorOf(
  parts: HpmParts,
  allowed: ReadonlySet<string>,
  upgrade: HpmUpgrade,
  over: () => void,
): UpgradeDoor {
  const { socket, asked, emit } = upgrade;
  return {
    allowed,
    own: parts.lanes.own,
    giveBack(req, _socket, head) {
      // As its own server serves it: with the path that the client has asked for.
      const target = parts.routing.targetOf(req);
      if ("failure" in target) return false;
      req.url = target.path;
      const isGivenBack = serveWithoutUpgrade(req, socket, head);
      // The connection may ask for more.
      if (isGivenBack) over();
      return isGivenBack;
    },
    find: (req, found) =>
      findRoute(parts, req, asked, (route) => {
        if ("failure" in route) {
          found(route);
          return;
        }
        const { lane, target, overrides } = route;
        const execute = (call: Call) =>
          lane.execute(call, {
            side: { broken: ignore },
            send: (run) => begin(parts, shakingOf(upgrade, lane, call, run)),
          });
        found({ way: lane, target, overrides, execute });
      }),
    failed: (failure) => notifyUser(parts, failure, upgrade.req, socket),
    joined({ socket: tunnel }) {
      emit("open", tunnel);
      // As both versions of the engine still say it.
      emit("proxySocket", tunnel);
    },
  };
}

function shakingOf(upgrade: HpmUpgrade, lane: Lane, call: Call, run: ForeignRun): Shaking {
  const { body } = call.request;
  return { ...upgrade, lane, call, run, body: body && engineBody(body), request: null };
}

function begin(parts: HpmParts, shaking: Shaking): void {
  const { req, socket, asked, engine, lane, run, call, body } = shaking;
  const { request } = call;
  const engaged = engagedWith(shaking);
  parts.engaged.set(req, engaged);
  contain(socket, engaged.fault);
  const fields = engineFields(lane.core.transport.fieldsOf, run.exchange);
  fields["upgrade"] = SHOWN.upgrade;
  if (asked.changeOrigin === true) fields["host"] = run.exchange.target.authority;
  const before = new Set(socket.rawListeners("error"));
  inOtherWords(req, { headers: fields, url: request.path, method: SHOWN.method }, () => {
    const sent = engine({ method: request.method, ...engineOptions(lane, asked, run) });
    Promise.resolve(sent).catch((error: unknown) => run.fail(error));
  });
  // The engine listens by now. It takes an error of the client for one of the upstream.
  for (const listener of socket.rawListeners("error")) {
    if (!before.has(listener)) socket.off("error", listener as () => void);
  }
  if (shaking.request === null) return;
  watch(parts, shaking, shaking.request, engaged);
  if (body !== null) sendBody(shaking.request, body, run);
}

function engagedWith(shaking: Shaking): Engaged {
  const { run, asked, call, body } = shaking;
  return {
    making(request) {
      setWords(request, run, asked);
      request.setHeader("connection", "Upgrade");
      request.setHeader("upgrade", call.request.upgrade as string);
    },
    made(request) {
      dropAliases(request, call.request);
      shaking.request = request;
      run.sending(request);
      // Engines end a request for an upgrade at once.
      if (body !== null) request.end = () => request;
    },
    failed: (error) => run.broke(error),
    fault(cause) {
      if (run.over) warnOfHook("a hook threw behind a tunnel", cause);
      else run.fail(new NamedError("proxy_internal_error", undefined, cause));
    },
  };
}

function sendBody(request: ClientRequest, body: Readable, run: ForeignRun): void {
  Reflect.deleteProperty(request, "end");
  body.on("error", (error) => run.fail(error));
  body.on("data", run.progress);
  if (body instanceof WaitingBody) body.release(false);
  body.pipe(request);
}

/** What becomes of the request is reported here instead of to the engine. */
function watch(parts: HpmParts, shaking: Shaking, request: ClientRequest, engaged: Engaged): void {
  const { run, req, socket, emit } = shaking;
  for (const event of ["upgrade", "response", "error"]) takeOver(request, event);
  contain(request, engaged.fault);
  request.on("error", (error) => emit("error", error, req, socket));
  request.on("response", (answer: IncomingMessage) => run.answered(answer));
  request.on("upgrade", (answer: IncomingMessage, tunnel: Duplex, head: Buffer) => {
    parts.engaged.set(tunnel, engaged);
    contain(tunnel, engaged.fault);
    if (head.length > 0) tunnel.unshift(head);
    tunnel.once("end", () => emit("close", answer, tunnel, head));
    run.switched(answer, tunnel);
  });
}

function ignore(): void {}
