/**
 * http-proxy-middleware 3 and 4 through a gateway: the options for `createProxyMiddleware` whose
 * plugin puts the pipe between its routing and its engine.
 *
 * Everything of the user's is left in place: `router`, `pathRewrite`, `pathFilter`, plugins and
 * handlers run as they always did. Only `web` and `ws` of the engine are entered through the pipe,
 * and no error text of others is ever added to an answer. What it cannot do is to repeat: the
 * engine sends a request as it comes in.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { PolicyDescription } from "../../core/pipe.js";
import { checkProxyOptions } from "../options/check-proxy-options.js";
import type { UpstreamCore } from "../upstream.js";
import { type Upstream, upstreamInside } from "../upstream-handle.js";
import { createLanes } from "./hpm-lane.js";
import {
  checkHpmOptions,
  type HpmErrorHandler,
  type HpmOptions,
  type HpmPlugin,
  NO_TARGET,
  type ThroughGateway,
  type ThroughGatewayOptions,
} from "./hpm-options.js";
import { type HpmUpgrade, hpmUpgrade } from "./hpm-upgrade.js";
import { type HpmAsked, type HpmParts, type HpmWeb, hpmWeb } from "./hpm-web.js";

export function createThroughGateway<Options extends object>(
  upstream: Upstream,
  given: Options,
  options: ThroughGatewayOptions,
): Options & ThroughGateway {
  checkHpmOptions(given);
  const hpm: HpmOptions = given;
  checkProxyOptions(options);
  const inside = upstreamInside(upstream);
  checkAgent(inside.core, hpm.agent);
  const { error, proxyRes } = Object(hpm.on) as UserHandlers;
  const lanes = createLanes(inside, options);
  const parts: HpmParts = { lanes, options, onError: error ?? null };
  const web = hpmWeb(parts);
  const upgrade = hpmUpgrade(parts);
  return {
    ...given,
    target: NO_TARGET,
    on: {
      ...hpm.on,
      // The user's is called by the pipe; that there is one keeps the default answers out.
      error: ignore,
      // Before that of the user, which shall see and may change what is passed on.
      proxyRes(...args: readonly unknown[]) {
        web.onAnswer(...(args as unknown as Parameters<HpmWeb["onAnswer"]>));
        return proxyRes?.(...args);
      },
    },
    plugins: [
      first(web, upgrade),
      ...(hpm.plugins ?? []),
      // Behind all others: what they write to the request is seen here, and their answers count.
      last(web, upgrade),
    ],
    describe: () => describe(inside.core),
  };
}

/** The words for what cannot be done. */
const NO_REPEAT = "http-proxy-middleware sends a request as it comes in, and only once";

function describe(core: UpstreamCore): readonly PolicyDescription[] {
  return core
    .describe()
    .map((policy) =>
      policy.role === "retry"
        ? { ...policy, settings: { enabled: false, why: NO_REPEAT } }
        : policy,
    );
}

function checkAgent({ targets, name }: UpstreamCore, agent: unknown): void {
  if (agent === undefined || agent === null || agent === false) return;
  const own = targets.targets.find(({ tls, socketPath }) => tls !== null || socketPath !== null);
  if (own === undefined) return;
  throw new TypeError(
    `agent: cannot be used through a gateway with the target ${own.id} of "${name}", which has ` +
      "tls or a socket of its own; leave agent out",
  );
}

function first(web: HpmWeb, upgrade: HpmUpgrade): HpmPlugin {
  return function goodGateway(engine) {
    const send = engine.web.bind(engine) as (...args: unknown[]) => unknown;
    const join = engine.ws.bind(engine) as (...args: unknown[]) => unknown;
    Object.assign(engine, {
      web: (req: IncomingMessage, res: ServerResponse, asked: HpmAsked) =>
        web.web(req, res, asked, (options) => send(req, res, options)),
      // Version 3 has the bytes before the options, version 4 behind them.
      ws(req: IncomingMessage, socket: Duplex, third: unknown, fourth: unknown) {
        const head = isBytes(third) ? third : fourth;
        const asked = (isBytes(third) ? fourth : third) as HpmAsked;
        return upgrade.ws(req, socket, asked, (options) =>
          isBytes(third) ? join(req, socket, head, options) : join(req, socket, options, head),
        );
      },
    });
    engine.on("proxyRes", web.onAnswer);
    engine.on("proxyReqWs", upgrade.onRequest);
  };
}

function last(web: HpmWeb, upgrade: HpmUpgrade): HpmPlugin {
  return function goodGatewayErrors(engine) {
    engine.on("proxyReq", web.onRequest);
    engine.on("error", (error: unknown, req?: IncomingMessage, res?: ServerResponse | Duplex) => {
      if (req === undefined || res === undefined) throw error;
      if (web.onError(error, req) || upgrade.onError(error, req)) return;
      // What was thrown while a handshake was routed; a request has `next` for that.
      if (!("writeHead" in res)) upgrade.refuse(error, req, res);
    });
  };
}

interface UserHandlers {
  readonly error?: HpmErrorHandler;
  readonly proxyRes?: (...args: readonly unknown[]) => unknown;
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function ignore(): void {}
