/**
 * `dashboard(gateway)`: the page for operators, its data, and its live stream, as one handler for
 * Express 4 and 5, `node:http`, `startAdmin`, and Fastify through `reply.hijack()`.
 *
 * Guarantee: it reads and never acts; the gateway is listened to from here until it is closed, or
 * until `close`, and nothing is kept without bounds. The page asks only this handler.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { DASHBOARD } from "../catalog/dashboard-defaults.js";
import { type Gateway, gatewayCore } from "../gateway/gateway-handle.js";
import { lookTest } from "./access.js";
import { collect } from "./collector.js";
import { type DashboardOptions, readDashboardOptions } from "./dashboard-options.js";
import { pageFields, pageHtml } from "./page/page.js";
import { errorReference } from "./page/reference.js";
import { changesOf, wholeState } from "./state.js";
import { type Viewers, viewers } from "./viewers.js";

export type { DashboardAccess } from "./access.js";
export type { Change, ChangeKind } from "./collector.js";
export type { DashboardOptions } from "./dashboard-options.js";
export type { FailedCall } from "./failed-call.js";
export type { ReferenceEntry } from "./page/reference.js";
export type { DashboardState, DashboardUpdate, TrafficShown } from "./state.js";
export type { TrafficNow, TrafficSlot } from "./traffic.js";

/** A listener that hands on what is not its own, where something follows. */
export interface DashboardHandler {
  (req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void): void;
  /** Ends the open streams and stops listening to the gateway; closing the gateway does it, too. */
  close(): void;
}

/** Makes the handler; what it shows begins now. */
export function dashboard(gateway: Gateway, options: DashboardOptions = {}): DashboardHandler {
  const { path, access, hosts, viewersMax } = readDashboardOptions(options);
  const mayLook = lookTest(access, hosts);
  const core = gatewayCore(gateway);
  const collector = collect(gateway, core.clock);
  const look = changesOf(gateway, collector);
  const whole = (): string => JSON.stringify(wholeState(gateway, collector));
  const feed = { whole, update: () => JSON.stringify(look()) };
  const watching = viewers(core.clock, feed, viewersMax);
  const life = { over: false };
  const forgetDrain = gateway.on("lifecycle:change", ({ to }) => {
    // A stream is never over by itself: a server that waits for its answers would wait for ever.
    if (to === "draining" || to === "closed") watching.end(to);
  });
  const close = (): void => {
    if (life.over) return;
    life.over = true;
    forgetDrain();
    forgetClose();
    collector.stop();
    watching.end("closed");
  };
  const forgetClose = core.onClose(close);

  const answers: Readonly<Record<string, PageHandler>> = {
    "/": (req, res) => send(req, res, 200, pageFields(), pageHtml()),
    "/snapshot.json": (req, res) => sendJson(req, res, JSON.stringify(gateway.snapshot())),
    "/state.json": (req, res) => sendJson(req, res, whole()),
    "/reference.json": (req, res) => sendJson(req, res, JSON.stringify(errorReference())),
    "/events": (req, res) => {
      const { state } = core.lifecycle;
      const ending = life.over || state === "draining" || state === "closed";
      stream(req, res, watching, ending);
    },
  };

  const handler = (
    req: IncomingMessage,
    res: ServerResponse,
    next?: (error?: unknown) => void,
  ): void => {
    const at = placeOf(req, path);
    const answer = at === null ? undefined : answers[at];
    if (at === null || answer === undefined) {
      if (next !== undefined) next();
      else sendText(req, res, 404, "There is nothing here.");
      return;
    }
    const respond = (allowed: boolean): void => {
      if (res.destroyed || res.headersSent) return;
      if (!allowed) sendText(req, res, 403, REFUSED);
      else if (req.method !== "GET" && req.method !== "HEAD") {
        sendText(req, res, 405, "Only GET and HEAD.", ["allow", "GET, HEAD"]);
      } else if (at === "/" && !endsWithSlash(req)) redirect(req, res);
      else answer(req, res);
    };
    // What comes of a body is thrown away, so that the connection can go on.
    if (!req.complete) req.resume();
    void asked(() => mayLook(req)).then(respond);
  };
  return Object.assign(handler, { close });
}

type PageHandler = (req: IncomingMessage, res: ServerResponse) => void;

const REFUSED =
  "This page names addresses, so it is shown to the machine that it runs on only, on a port " +
  'of startAdmin. To show it to others, put it behind authentication, set access: "any" and name ' +
  "the host under which it is asked for in hosts (docs/dashboard.md).";

/** A check that throws, now or later, allows nothing. */
async function asked(check: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return (await check()) === true;
  } catch {
    return false;
  }
}

/** The path below the dashboard, from its first slash; null for what is none of it. */
function placeOf({ url = "" }: IncomingMessage, path: string): string | null {
  const at = pathOf(url);
  if (at === path) return "/";
  return at.startsWith(`${path}/`) ? at.slice(path.length) : null;
}

function pathOf(url: string): string {
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

/** The path as the client wrote it; Express takes the mount off `url` and keeps it here. */
function originalPath(req: IncomingMessage): string {
  const { originalUrl } = req as { readonly originalUrl?: unknown };
  return pathOf(typeof originalUrl === "string" ? originalUrl : (req.url ?? ""));
}

/** The page's own addresses are relative, so its address must end as a folder's does. */
function endsWithSlash(req: IncomingMessage): boolean {
  return originalPath(req).endsWith("/");
}

/** A relative one is right behind any proxy that has taken a prefix off, too. */
function redirect(req: IncomingMessage, res: ServerResponse): void {
  const last = originalPath(req).split("/").at(-1) ?? "";
  send(req, res, 308, ["location", `./${last}/`, "cache-control", "no-store"], "");
}

function stream(
  req: IncomingMessage,
  res: ServerResponse,
  watching: Viewers,
  ending: boolean,
): void {
  const later = ["retry-after", String(DASHBOARD.retryAfterSeconds)];
  if (ending) sendText(req, res, 503, "The gateway is shutting down.", later);
  else if (watching.full) sendText(req, res, 503, "Too many people are watching.", later);
  else if (req.method === "HEAD") send(req, res, 200, ["content-type", "text/event-stream"], "");
  else watching.add(res);
}

function sendJson(req: IncomingMessage, res: ServerResponse, json: string): void {
  send(req, res, 200, [...JSON_FIELDS], json);
}

const JSON_FIELDS = [
  ...["content-type", "application/json; charset=utf-8", "cache-control", "no-store"],
  ...["x-content-type-options", "nosniff", "cross-origin-resource-policy", "same-origin"],
];

function sendText(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  text: string,
  fields: readonly string[] = [],
): void {
  const own = ["content-type", "text/plain; charset=utf-8", "cache-control", "no-store"];
  send(req, res, status, [...own, ...fields], `${text}\n`);
}

function send(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  fields: readonly string[],
  text: string,
): void {
  res.writeHead(status, [...fields, "content-length", String(Buffer.byteLength(text))]);
  res.end(req.method === "HEAD" ? undefined : text);
}
