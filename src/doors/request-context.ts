/**
 * Contexts for requests that a server receives, and for work that has no request.
 *
 * Guarantee: what a caller says of its time and its attempts is believed of a trusted one only; a
 * context that is made within another one never has more time than that.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { isPriority, type Priority } from "../catalog/priorities.js";
import { NEVER } from "../core/deadline.js";
import type { CallerHints } from "../core/layers.js";
import {
  type ContextFacts,
  LiveContext,
  linkContext,
  liveContext,
  type RequestContext,
  runIn,
} from "../core/request-context.js";
import { type Gateway, gatewayCore } from "../gateway/gateway-handle.js";
import { readContextInit, readContextOptions } from "../options/context-options.js";
import { hintsOf, layerNames } from "../wire/caller-hints.js";
import { createForwarder } from "../wire/forwarding.js";
import { sentWhole } from "../wire/http2.js";
import type { Trust } from "../wire/trust.js";

/** What a context takes from a request. */
export interface RequestContextOptions {
  /**
   * Which peers are trusted: `true` for all, a list of addresses, ranges and groups, or a
   * function of the address; `forwarded.trust` of the proxies takes the same.
   * @default false
   */
  readonly trust?: Trust;
  /**
   * How long a request may take, in milliseconds from its arrival. The caller's own deadline counts
   * where it is sooner.
   * @default Infinity
   */
  readonly timeoutMs?: number;
  /**
   * The field with the number of the caller's attempt, beside those that are always known.
   * @default "x-envoy-attempt-count"
   */
  readonly attemptHeader?: string | false;
  /**
   * The field with the milliseconds that the caller waits, beside those that are always known.
   * @default "x-envoy-expected-rq-timeout-ms"
   */
  readonly deadlineHeader?: string | false;
  /** How much a request matters; what is no priority counts as nothing said. */
  readonly priority?: (req: IncomingMessage) => Priority | undefined;
}

/** What work without a request says of itself. */
export interface ContextInit {
  /**
   * How long it may take.
   * @default Infinity
   */
  readonly timeoutMs?: number;
  /** How much it matters; that of the surrounding context unless given. */
  readonly priority?: Priority;
  /** Once it aborts, no caller waits for the answer. */
  readonly signal?: AbortSignal;
}

/** The context of the request that is being served; null outside of any. */
export function currentContext(): RequestContext | null {
  return liveContext();
}

/**
 * Runs a function, and all that it starts, in a context of its own within the surrounding one.
 * With `null` it runs outside of any: for work that goes on after the answer.
 */
export function runInContext<Result>(
  gateway: Gateway,
  init: ContextInit | null,
  fn: () => Result,
): Result {
  const { clock } = gatewayCore(gateway);
  if (init === null) return runIn(null, fn);
  const { timeoutMs, priority, signal } = readContextInit(init);
  const outer = liveContext();
  const context = new LiveContext(clock, {
    deadline: Math.min(outer?.deadline ?? NEVER, clock.now() + timeoutMs),
    priority: priority ?? outer?.priority ?? null,
    attempt: outer?.attempt ?? 1,
  });
  const unlink = linkContext(context, outer, signal);
  return untilDone(() => runIn(context, fn), unlink);
}

/** Calls `over` when a function is done: with its promise where it returns one. */
function untilDone<Result>(fn: () => Result, over: () => void): Result {
  let result: Result;
  try {
    result = fn();
  } catch (error) {
    over();
    throw error;
  }
  if (result instanceof Promise) result.then(over, over);
  else over();
  return result;
}

/** Makes the context of a request that has just arrived. */
export type ContextMaker = (req: IncomingMessage, res: ServerResponse) => LiveContext;

export function contextMaker(gateway: Gateway, options: RequestContextOptions): ContextMaker {
  const { clock } = gatewayCore(gateway);
  const { trust, timeoutMs, priority, layers } = readContextOptions(options);
  const { trusts } = createForwarder({ trust });
  const names = layerNames(layers);

  const factsOf = (req: IncomingMessage): ContextFacts => {
    const trusted = trusts(req.socket.remoteAddress ?? "unknown");
    const hints: CallerHints | null = trusted ? hintsOf(req.headers, names) : null;
    return {
      deadline: clock.now() + Math.min(timeoutMs, hints?.deadlineMs ?? NEVER),
      priority: priorityOf(req, priority),
      attempt: hints?.attempt ?? 1,
    };
  };

  return (req, res) => {
    const context = new LiveContext(clock, factsOf(req));
    res.once("close", () => {
      if (!sentWhole(res)) context.leave();
    });
    return context;
  };
}

function priorityOf(req: IncomingMessage, ask: RequestContextOptions["priority"]): Priority | null {
  const given: unknown = ask?.(req);
  return isPriority(given) ? given : null;
}
