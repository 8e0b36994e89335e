/**
 * `metricsHandler`: the metrics of a gateway over HTTP, for Prometheus and all that read its
 * format. For Express 4 and 5, `node:http`, and the admin server; it needs no other package.
 *
 * Guarantee: GET and HEAD only, never from a cache; counting begins when the handler is made.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Gateway } from "../gateway/gateway-handle.js";
import { hostsProblem, hostTest } from "../options/operators.js";
import { CONTENT_TYPES, expose, formatFor } from "./exposition.js";
import { meterOf } from "./meter.js";

export interface MetricsHandlerOptions {
  /**
   * Answers at this path only and hands on everything else; without it every request is answered,
   * for a route that leads here alone.
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
export type MetricsHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

export function metricsHandler(
  gateway: Gateway,
  options: MetricsHandlerOptions = {},
): MetricsHandler {
  const { path, hosts } = options;
  const unknown = Object.keys(options).find((name) => name !== "path" && name !== "hosts");
  if (unknown !== undefined) {
    throw new TypeError(`${unknown}: unknown option; there are path and hosts`);
  }
  if (path !== undefined && !String(path).startsWith("/")) {
    throw new TypeError(`path: ${JSON.stringify(path)} is not a path such as "/metrics"`);
  }
  const problem = hostsProblem(hosts);
  if (problem !== null) throw new TypeError(`hosts: ${JSON.stringify(hosts)} ${problem}`);
  const asksForUs = hostTest(hosts);
  const meter = meterOf(gateway);
  return function goodGatewayMetrics(req, res, next) {
    if (path !== undefined && pathOf(req) !== path) {
      if (next !== undefined) next();
      else answer(req, res, 404, [], "");
    } else if (req.method !== "GET" && req.method !== "HEAD") {
      answer(req, res, 405, ["allow", "GET, HEAD"], "");
    } else if (!asksForUs(req)) {
      answer(req, res, 403, ["content-type", "text/plain; charset=utf-8"], REFUSED);
    } else {
      const format = formatFor(req.headers.accept);
      const fields = ["content-type", CONTENT_TYPES[format], "vary", "accept"];
      answer(req, res, 200, fields, expose(meter.collect(), format));
    }
  };
}

const REFUSED =
  "Host is no name of this server. Name the one by which metrics are asked for in hosts " +
  "(docs/metrics.md).\n";

function pathOf({ url = "" }: IncomingMessage): string {
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

function answer(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  fields: readonly string[],
  text: string,
): void {
  // What comes of a body is thrown away, so that the connection can go on.
  if (!req.complete) req.resume();
  const length = String(Buffer.byteLength(text));
  res.writeHead(status, [...fields, "cache-control", "no-store", "content-length", length]);
  res.end(req.method === "HEAD" ? undefined : text);
}
