/**
 * `behind: "auto"`: which front is it, by the fields of its requests and by the age at which it
 * closes connections that rest.
 *
 * Only what is safe when the guess is wrong is set unasked: a longer keep-alive time costs idle
 * sockets, and only for peers with addresses of such a front. Fields that any client can write
 * are not trusted because of it, no deadline is moved and no status. What else it would set is
 * reported once, as a warning and an event.
 */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { FRONT } from "../../catalog/front-defaults.js";
import { FRONT_AGES, FRONT_SIGNS, FRONTS, type FrontName } from "../../catalog/fronts.js";
import { type Front, responseLimit, serverTimes } from "../../options/behind.js";
import { literal } from "../../options/findings.js";
import { addressTest } from "../../wire/trust.js";
import type { ConnectionWatch, RestingConnection } from "./behind-connections.js";
import type { Preparing } from "./behind-preparing.js";

export function recogniseFront(preparing: Preparing, watch: ConnectionWatch): void {
  const { server } = preparing;
  let left: number = FRONT.autoRequestsMax;
  let known = false;
  server.prependListener("request", (req: IncomingMessage) => {
    if (known) return;
    const connection = watch.of(req.socket);
    connection.forwarded ||= req.headers["x-forwarded-for"] !== undefined;
    if (left === 0) return;
    left -= 1;
    const fronts = frontsOf(req.headers, req.socket.remoteAddress);
    if (fronts === null) return;
    known = true;
    const [nearest] = fronts;
    preparing.raise(serverTimes(nearest));
    announce(preparing, fronts, "fields", evidenceOf(fronts));
  });
  const byAge = ageCounter(preparing);
  watch.onEnd((connection, restedMs) => {
    if (!known) known = byAge(connection, restedMs);
  });
}

type Fronts = readonly [Front, ...Front[]];

/** The fronts that a request shows, the nearest first; null when none, or from a wrong address. */
function frontsOf(headers: IncomingHttpHeaders, address: string | undefined): Fronts | null {
  const names = new Set<FrontName>();
  for (const { front, fields } of FRONT_SIGNS) {
    if (fields.every(([name, value]) => shows(headers[name], value))) names.add(front);
  }
  if (names.size === 0) return null;
  const fronts = [...names].map(frontOf);
  const peer = (address ?? "unknown").replace(/^::ffff:(?=.*\.)/, "");
  const nearest = fronts.find((front) => addressTest(front.addresses)(peer));
  if (nearest === undefined) return null;
  return [nearest, ...fronts.filter((front) => front !== nearest)];
}

function shows(value: string | string[] | undefined, pattern: RegExp | undefined): boolean {
  return value !== undefined && (pattern === undefined || pattern.test(String(value)));
}

function frontOf(name: FrontName): Front {
  return { ...FRONTS[name], name };
}

function evidenceOf(fronts: Fronts): readonly string[] {
  const names = new Set(fronts.map(({ name }) => name));
  const signs = FRONT_SIGNS.filter(({ front }) => names.has(front));
  return [...new Set(signs.flatMap(({ fields }) => fields.map(([name]) => name)))];
}

/** Steps of our own time: each lets the next age be seen. */
const LADDER = [FRONTS.caddy, FRONTS["gcp-lb"], FRONTS.cloudflare];

/** Counts ends of connections by their age; true when that has shown which front it is. */
function ageCounter(preparing: Preparing): (one: RestingConnection, restedMs: number) => boolean {
  const counts = new Map<number, number>();
  let outlasted = 0;
  return (connection, restedMs) => {
    if (!connection.forwarded) return false;
    if (connection.outlasted) {
      // We were the first to close: a front that keeps it longer may send a request just then.
      outlasted += 1;
      if (outlasted < FRONT.agesMin) return false;
      outlasted = 0;
      const { keepAliveTimeout } = preparing.server;
      const next = LADDER.find((front) => serverTimes(front).keepAliveTimeout > keepAliveTimeout);
      if (next !== undefined) preparing.raise(serverTimes(next));
      return false;
    }
    const [ageMs, names] =
      FRONT_AGES.find(([age]) => restedMs >= age && restedMs < age + FRONT.ageToleranceMs) ?? [];
    if (ageMs === undefined || names === undefined) return false;
    const count = (counts.get(ageMs) ?? 0) + 1;
    counts.set(ageMs, count);
    if (count < FRONT.agesMin) return false;
    preparing.raise(serverTimes({ keepAliveMs: ageMs }));
    const fronts = names.map(frontOf) as unknown as Fronts;
    announce(preparing, fronts, "ages", [`${count} connections at ${literal(ageMs)} ms`]);
    return true;
  };
}

function announce(
  { core, changed }: Preparing,
  fronts: Fronts,
  by: "fields" | "ages",
  evidence: readonly string[],
): void {
  const names = fronts.map(({ name }) => name);
  core.events.emit("front:recognised", { fronts: names, by, evidence, set: { ...changed } });
  const set = Object.entries(changed).map(([name, ms]) => `server.${name} ${literal(ms)}`);
  const joint = by === "ages" ? " or " : " behind ";
  const more = by === "ages" ? fronts.slice(0, 1) : fronts;
  const total = responseLimit({ auto: false, fronts: more })?.totalMs;
  const would = [
    ...(total === undefined ? [] : [`timeouts.totalMs ${literal(total)}`]),
    `belief in ${more[0]?.fields.join(", ")} from where it connects`,
    ...(more.some(({ replacedBodies }) => replacedBodies.length > 0)
      ? ["statuses whose bodies arrive"]
      : []),
  ];
  const option = names.map((name) => `"${name}"`);
  core.warn(
    `behind: "auto" takes the front for ${fronts.map(({ title }) => title).join(joint)} ` +
      `(${evidence.join(", ")}); set: ${set.length === 0 ? "nothing" : set.join(", ")}; not set ` +
      `unasked: ${would.join(", ")}; write behind: ` +
      (by === "ages" || option.length === 1 ? option.join(" or ") : `[${option.join(", ")}]`),
  );
}
