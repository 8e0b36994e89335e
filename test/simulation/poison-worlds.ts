/**
 * Poison by chance: a world of callers and poison from a seed, each of which must cost the others
 * next to nothing.
 */
import { type Random, seededRandom } from "../../src/base/random.js";
import type { Callers, PoisonedOptions, Reaction } from "./poisoned.js";

const KINDS: readonly Reaction[] = [
  ...([
    "connection_terminated",
    "http_protocol_error",
    "http_response_header_section_size",
  ] as const),
  ...[500, 502, 503],
  ...(["503, closing", "hang"] as const),
];
const MANY = ["/orders/17", "/orders", "/users/3", "/cart"];
const ONE = ["/graphql"];
/** Where poison is sent, against the routes that the others ask for. */
const PLACES: readonly ((routes: readonly string[]) => readonly string[])[] = [
  () => ["/boom"],
  () => Array.from({ length: 500 }, (_, at) => `/${at.toString(36)}-boom/${at}`),
  () => Array.from({ length: 7 }, (_, at) => `/boom-${"abcdefg"[at]}`),
  (routes) => routes,
  (routes) => [routes[0] as string],
  (routes) => routes.flatMap((route) => [route, `${route}?q=1`, `${route}/not-there`]),
  () => ["/boom", ...MANY],
];
const RATES = [1, 2, 5, 10, 20, 50, 100];
const RATIOS = [0.5, 1, 2, 4];
const BURSTS = [1, 1, 5, 6, 20];
/** Of the calls of who sends poison, so many are none. */
const GOOD = [0, 0, 0.2, 0.5, 0.9];

export function poisonWorld(seed: number): PoisonedOptions {
  const random = seededRandom(seed);
  const perSecond = one(random, RATES);
  const paths = one(random, [MANY, MANY, ONE]);
  const others: Callers = { perSecond, paths, method: one(random, ["GET", "POST"] as const) };
  const upgrade = random.next() < 0.1;
  const reaction = upgrade ? "connection_terminated" : one(random, KINDS);
  const poison = {
    perSecond: perSecond * one(random, RATIOS),
    burst: one(random, BURSTS),
    paths: one(random, PLACES)(paths),
    method: one(random, ["GET", "POST"] as const),
    upgrade,
    reaction,
    good: one(random, GOOD),
  };
  return { seed, targets: one(random, [1, 1, 2, 2, 3, 3, 4, 6]), seconds: 20, others, poison };
}

function one<Item>(random: Random, items: readonly Item[]): Item {
  return items[Math.floor(random.next() * items.length)] as Item;
}
