/**
 * http-proxy-middleware 3 and 4 through a gateway: the options for `createProxyMiddleware` whose
 * plugin puts the pipe between its routing and its engine.
 *
 * Everything of the application is left in place: `router`, `pathRewrite`, `pathFilter`, plugins
 * and handlers run as they always did. Only `web` and `ws` of the engine are entered through the
 * pipe, what throws fails its own request, and no error text of others is ever added to an answer.
 * What it cannot do is to repeat: the engine sends a request as it comes in.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { PolicyDescription } from "../../core/pipe.js";
import type { UpstreamCore } from "../../gateway/upstream.js";
import { type Upstream, upstreamInside } from "../../gateway/upstream-handle.js";
import { checkProxyOptions } from "../../options/check-proxy-options.js";
import { emitTo } from "./hpm-contain.js";
import { NOTHING } from "./hpm-headers.js";
import {
  checkHpmOptions,
  checkThroughOptions,
  type HpmErrorHandler,
  type HpmOptions,
  type HpmPlugin,
  type HpmServer,
  NO_TARGET,
  type ThroughGateway,
  type ThroughGatewayOptions,
} from "./hpm-options.js";
import {
  createLanes,
  createRouting,
  type HpmAsked,
  type HpmParts,
  warnOfHook,
} from "./hpm-parts.js";
import { servesUntaken, watchServers } from "./hpm-untaken.js";
import { hpmUpgrade, untakenUpgrades } from "./hpm-upgrade.js";
import { hpmWeb } from "./hpm-web.js";

export function createThroughGateway<Options extends object>(
  upstream: Upstream,
  given: Options,
  options: ThroughGatewayOptions,
): Options & ThroughGateway {
  checkHpmOptions(given);
  const hpm: HpmOptions = given;
  checkThroughOptions(options);
  checkProxyOptions(options);
  const inside = upstreamInside(upstream);
  checkAgent(inside.core, hpm.agent);
  const { error: onError = null } = Object(hpm.on) as { readonly error?: HpmErrorHandler };
  const lanes = createLanes(inside, options);
  const routing = createRouting(hpm);
  const parts: HpmParts = { lanes, routing, options, onError, engaged: new WeakMap() };
  return {
    ...given,
    ...routing.options,
    target: NO_TARGET,
    // That of the application is called by the pipe; that there is one keeps the default answers
    // out.
    on: { ...hpm.on, error: ignore },
    plugins: [intoGateway(parts), ...(hpm.plugins ?? [])],
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

function intoGateway(parts: HpmParts): HpmPlugin {
  const web = hpmWeb(parts);
  const upgrade = hpmUpgrade(parts);
  const untaken = untakenUpgrades(parts);
  watchServers(untaken);
  return function goodGateway(engine) {
    const send = engine.web.bind(engine) as (...args: unknown[]) => unknown;
    const join = engine.ws.bind(engine) as (...args: unknown[]) => unknown;
    const emit = (event: unknown, ...args: unknown[]) => report(parts, engine, event, args);
    Object.assign(engine, {
      web(req: IncomingMessage, res: ServerResponse, asked: HpmAsked) {
        servesUntaken(req, untaken);
        return web(req, res, asked, (options) => send(req, res, options));
      },
      // Version 3 has the bytes before the options, version 4 behind them.
      ws(req: IncomingMessage, socket: Duplex, third: unknown, fourth: unknown) {
        const head = (isBytes(third) ? third : fourth) as Buffer;
        const asked = (isBytes(third) ? fourth : third) as HpmAsked;
        servesUntaken(req, untaken);
        const engage = (options: object): unknown =>
          isBytes(third)
            ? join(req, socket, NOTHING, options)
            : join(req, socket, options, NOTHING);
        return upgrade({ req, socket, head, asked, engine: engage, emit });
      },
      emit,
    });
  };
}

/** What the engine reports, to those whose request it is about, and to the hooks. */
function report(
  { engaged }: HpmParts,
  engine: HpmServer,
  event: unknown,
  args: readonly unknown[],
): boolean {
  const [first] = args;
  const whose = args.map((one) => engaged.get(one as object)).find((known) => known !== undefined);
  const makes = event === "proxyReq" || event === "proxyReqWs";
  if (event === "error") whose?.failed(first);
  if (makes) whose?.making(first as ClientRequest);
  const heard = emitTo(engine, event, args, (error) => {
    if (whose === undefined) warnOfHook(`a listener for ${String(event)} threw`, error);
    else whose.fault(error);
  });
  if (makes) whose?.made(first as ClientRequest);
  return heard;
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function ignore(): void {}
