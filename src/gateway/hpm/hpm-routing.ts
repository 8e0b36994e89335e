/**
 * The options by which http-proxy-middleware chooses requests, paths and targets, with the
 * application's own functions contained: one that throws fails its request and no other.
 *
 * http-proxy-middleware runs them before its engine is asked, so what came of them is kept here
 * until then.
 */
import type { IncomingMessage } from "node:http";
import type { Failure } from "../../core/failure.js";
import { NamedError } from "../../core/named-error.js";
import { type ReadTarget, readTarget, rewrittenPath } from "../../wire/request-target.js";
import type { HpmOptions } from "./hpm-options.js";
import { failureBehind } from "./hpm-words.js";

type Hook = (...args: unknown[]) => unknown;

export interface Routing {
  /** In place of those that were given. */
  readonly options: Pick<HpmOptions, "pathFilter" | "pathRewrite" | "router">;
  /** What a request asks for, rewritten, or what a function has failed with. */
  targetOf(req: IncomingMessage): ReadTarget;
}

export function createRouting({ pathFilter, pathRewrite, router }: HpmOptions): Routing {
  const failures = new WeakMap<IncomingMessage, Failure>();
  const targets = new WeakMap<IncomingMessage, ReadTarget>();
  const failed = (req: IncomingMessage, error: unknown): void => {
    if (!failures.has(req)) failures.set(req, failureBehind(error));
  };
  const guarded = (hook: Hook, req: IncomingMessage, args: readonly unknown[]): unknown => {
    try {
      const result = hook(...args);
      if (result instanceof Promise) return result.catch((error: unknown) => failed(req, error));
      return result;
    } catch (error) {
      return failed(req, error);
    }
  };
  const filter = (path: unknown, req: IncomingMessage): unknown => {
    const passes = guarded(pathFilter as Hook, req, [path, req]);
    // It is ours to answer what it could not decide.
    return failures.has(req) || passes;
  };
  const route = async (req: IncomingMessage, ...more: unknown[]): Promise<unknown> => {
    const to = await guarded(router as Hook, req, [req, ...more]);
    if (typeof to !== "string" || URL.canParse(to)) return to;
    return failed(req, new NamedError("proxy_configuration_error", "the router gave no address"));
  };
  const rewrite = rewriterOf(pathRewrite);
  const rewriting = async (url: string, req: IncomingMessage, ...more: unknown[]) => {
    // In origin-form before the hook sees it; the authority stands in the place of Host.
    const target = readTarget(req, url, null);
    targets.set(req, target);
    if ("failure" in target) return;
    const { path } = target;
    const result = await guarded(rewrite as Hook, req, [path, req, ...more]);
    if (typeof result !== "string") return;
    const sentPath = rewrittenPath(path, result);
    if (typeof sentPath !== "string") {
      targets.set(req, sentPath);
      return;
    }
    targets.set(req, { path, sentPath, bare: target.bare && sentPath === path });
    return sentPath;
  };
  return {
    options: {
      ...(typeof pathFilter === "function" ? { pathFilter: filter } : {}),
      ...(rewrite === null ? {} : { pathRewrite: rewriting }),
      ...(typeof router === "function" ? { router: route } : {}),
    },
    targetOf(req) {
      const failure = failures.get(req);
      if (failure !== undefined) return { failure };
      return targets.get(req) ?? readTarget(req, req.url as string, null);
    },
  };
}

/** A table as the function that it stands for; null for what is left to http-proxy-middleware. */
function rewriterOf(given: unknown): Hook | null {
  if (typeof given === "function") return given as Hook;
  const rules = isTable(given) ? Object.entries(given) : [];
  if (rules.length === 0) return null;
  const table = rules.map(([pattern, to]) => [new RegExp(pattern), to as string] as const);
  return (path) => {
    const rule = table.find(([pattern]) => pattern.test(path as string));
    return rule === undefined ? path : (path as string).replace(...rule);
  };
}

function isTable(given: unknown): given is object {
  if (typeof given !== "object" || given === null) return false;
  const prototype: unknown = Object.getPrototypeOf(given);
  return prototype === Object.prototype || prototype === null;
}
