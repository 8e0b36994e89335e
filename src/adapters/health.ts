/**
 * `healthHandler`: answers the probes of load balancers and orchestrators, for Express 4 and 5 and
 * for `node:http`.
 *
 * Guarantee: 200 or 503 for GET and HEAD, with Content-Length and never cached; no probe waits
 * longer than its slowest check may take. No policy applies, so it waits in no queue.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Gateway, gatewayCore } from "../gateway/gateway-handle.js";
import type { ReportOptions } from "../lifecycle/health/health.js";
import {
  type HealthView,
  healthAnswer,
  type VerdictOf,
} from "../lifecycle/health/health-answer.js";
import {
  type HealthHandlerOptions,
  type HealthPaths,
  readHealthPaths,
} from "../lifecycle/health/health-paths.js";
import { writeHead } from "../wire/write-response.js";

export type { HealthHandlerOptions } from "../lifecycle/health/health-paths.js";

/** A listener that passes other requests on; `next` may be omitted if nothing follows. */
export type HealthHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

/** Answers at the paths of the options, below the mount, and passes everything else on. */
export function healthHandler(gateway: Gateway, options: HealthHandlerOptions = {}): HealthHandler {
  const paths = readHealthPaths(options);
  const answer = probeAnswerer(gateway, paths);
  return function goodGatewayHealth(req, res, next) {
    const view = paths.viewOf(req.url as string);
    if (view !== null) answer(req, res, view);
    else if (next !== undefined) next();
    else write(req, res, 404, [], EMPTY);
  };
}

/** Answers one probe; for adapters that have determined the view themselves. */
export function probeAnswerer(gateway: Gateway, paths: HealthPaths) {
  const { name, health, behind, diagnose } = gatewayCore(gateway);
  const verdictOf: VerdictOf = (upstream) => diagnose(upstream).verdict;
  // The nearest front makes the health checks.
  const drainStatus = behind?.fronts[0]?.health?.drainStatus ?? null;
  return (req: IncomingMessage, res: ServerResponse, view: HealthView): void => {
    // A body is discarded, so that the connection can be reused.
    if (!req.complete) req.resume();
    if (req.method !== "GET" && req.method !== "HEAD") {
      write(req, res, 405, ["allow", "GET, HEAD"], EMPTY);
      return;
    }
    const details = paths.detailsFor(req, req.url as string);
    void health.report({ checks: ASKED[view] }).then((report) => {
      if (res.destroyed || res.headersSent) return;
      const { status, body } = healthAnswer(name, view, report, details, verdictOf, drainStatus);
      write(req, res, status, ["content-type", "application/health+json"], body);
    });
  };
}

/** Liveness runs no checks, so that nothing outside the process can fail or delay it. */
const ASKED = {
  live: "none",
  ready: "critical",
  health: "all",
} as const satisfies Readonly<Record<HealthView, ReportOptions["checks"]>>;

const EMPTY = Buffer.alloc(0);

function write(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  fields: readonly string[],
  body: Buffer,
): void {
  writeHead(res, status, undefined, [
    ...fields,
    // RFC 9111 §5.2.2.6: intermediaries must not compress or change it either.
    "cache-control",
    "no-store, no-transform",
    "x-content-type-options",
    "nosniff",
    "content-length",
    String(body.byteLength),
  ]);
  res.end(req.method === "HEAD" ? undefined : body);
}
