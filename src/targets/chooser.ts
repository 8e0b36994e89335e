/**
 * One choice: from the tiers of targets, the one that the call goes to.
 *
 * A target that was not tried by this call comes before one that was, and one with a connection to
 * spare before one where the call would wait in line. The balancer looks at a few
 * targets only; all of them are looked at when it finds none, which is when many are out.
 */
import type { BalanceField, BalanceRequest, BalanceTarget } from "./balance/balancer.js";
import type { Stickiness } from "./balance/sticky.js";
import type { Routed } from "./route-ledger.js";
import type { Target } from "./target.js";
import { firstTier, type Homes, lastNeeded, type Tier, type TierOptions } from "./tiers.js";

export interface ChooserParts {
  readonly clock: { now(): number };
  readonly random: { next(): number };
}

const NONE: readonly string[] = [];
const NOTHING: Routed = { method: "", path: "" };

/** A call as a balancer sees it, and an upgrade as one. */
export type ChoiceRequest = BalanceRequest & Routed;

/** The call that looks for a target now, and who would be fit for it. */
function createSearch({ clock, random }: ChooserParts, pending: () => number) {
  const call = {
    ...{ tried: NONE, place: -1, careful: false, request: NOTHING },
    /** Passes over those that refuse or fail, and over those whose connections are all in use. */
    ...{ choosy: false, spills: false },
    /** One was passed over for its connections. */
    sawFull: false,
  };
  const draw = (): number => (call.place >= 0 ? call.place : random.next());
  const isRefusing = ({ refusing }: Target): boolean => refusing?.holds(clock.now()) === true;
  const isFull = ({ pending: underWay, exchangesMax }: Target): boolean => {
    if (underWay < exchangesMax) return false;
    call.sawFull = true;
    return true;
  };
  const takes = (target: Target): boolean =>
    deniedForMs(target, call.request) === 0 &&
    (call.tried.length === 0 || !call.tried.includes(target.id)) &&
    !(call.choosy && (isRefusing(target) || isDoubtful(target, call.careful, call.request))) &&
    !(call.spills && isFull(target));
  const field: BalanceField = {
    accepts(one: BalanceTarget) {
      const target = one as Target;
      if (!takes(target)) return false;
      const share = target.health.share();
      return share >= 1 || draw() < share;
    },
    pending,
    now: () => clock.now(),
    random: () => random.next(),
  };
  return { call, draw, takes, field };
}

/** One choice at a time; what it asks for stands in `call`, so that no choice makes an object. */
export function createChooser(
  parts: ChooserParts,
  { balancer, sticky }: Pick<TierOptions, "balancer" | "sticky">,
  pending: () => number,
) {
  const { call, draw, takes, field } = createSearch(parts, pending);

  const pickFrom = ({ picker, targets }: Tier, request: BalanceRequest): Target | null => {
    const picked = picker.pick(request) as Target | null;
    return picked !== null && takes(picked) ? picked : anyOf(targets, takes, draw);
  };
  const fromTier = (tier: Tier, request: BalanceRequest): Target | null => {
    call.choosy = true;
    call.spills = true;
    call.sawFull = false;
    let wished = pickFrom(tier, request);
    call.spills = false;
    // To wait for a connection of one that is well is better than to go to one that is not.
    if (wished === null && call.sawFull) wished = pickFrom(tier, request);
    call.choosy = false;
    return wished ?? pickFrom(tier, request);
  };
  const fromTiers = (tiers: readonly Tier[], request: BalanceRequest): Target | null => {
    const first = tiers.length > 1 ? firstTier(tiers, draw) : 0;
    for (let step = 0; step < tiers.length; step += 1) {
      // The first one, then the others in their order.
      const index = step === 0 ? first : step - (step <= first ? 1 : 0);
      const found = fromTier(tiers[index] as Tier, request);
      if (found !== null) return found;
    }
    return null;
  };

  const fromAll = (
    tiers: readonly Tier[],
    homes: Homes | null,
    request: BalanceRequest,
  ): Target | null => {
    const led = homes && sticky && homeOf(tiers, homes, sticky, request);
    if (led !== null && takes(led)) return led;
    const untried = fromTiers(tiers, request);
    if (untried !== null) return untried;
    const again = call.tried.length > 0;
    call.tried = NONE;
    const found = again ? fromTiers(tiers, request) : null;
    if (found !== null) return found;
    return lastResort(tiers) ? fromTiers(tiers, request) : null;
  };

  return {
    field,
    choose(
      tiers: readonly Tier[],
      homes: Homes | null,
      request: ChoiceRequest,
      tried: readonly string[],
      careful: boolean,
    ): Target | null {
      call.request = request;
      call.place = balancer.place?.(request) ?? -1;
      call.tried = tried;
      call.careful = careful;
      const found = fromAll(tiers, homes, request);
      if (careful) found?.health.monitor?.suspicion.tried();
      found?.refusing?.tried(parts.clock.now());
      return found;
    },
  };
}

/** Where the client is led back to; null when it has no home, or that is not asked now. */
function homeOf(
  tiers: readonly Tier[],
  homes: Homes,
  { tokenIn }: Stickiness,
  request: BalanceRequest,
): Target | null {
  const known = homes.get(tokenIn(request) ?? "");
  return known !== undefined && known.tier <= lastNeeded(tiers) ? known.target : null;
}

/**
 * It is out for failures that may be the fault of what was asked, or this route fails there; its
 * answers are overdue; or it lost something lately, and this call could not be repeated.
 */
function isDoubtful({ health, breaker }: Target, careful: boolean, request: Routed): boolean {
  const { monitor } = health;
  if (breaker !== null) {
    if (breaker.deniedForMs() > 0 || breaker.suspects?.avoids(request) === true) return true;
  }
  if (monitor === null) return false;
  return monitor.overdue || (careful && monitor.suspicion.holds(breaker?.openUntil ?? 0));
}

/**
 * With no target left, breakers stay open for their first open time only: longer ones are to
 * spare calls that others would take. A single target is spared all the same.
 */
function lastResort(tiers: readonly Tier[]): boolean {
  if (tiers.length === 1 && (tiers[0] as Tier).targets.length < 2) return false;
  for (const { targets } of tiers) {
    for (const { breaker } of targets) breaker?.lastResort();
  }
  return true;
}

/** How long a target takes no call; Infinity while that is not known. */
export function deniedForMs({ breaker, health, draining }: Target, request?: Routed): number {
  if (draining) return Number.POSITIVE_INFINITY;
  return Math.max(breaker?.deniedForMs(request) ?? 0, health.deniedForMs());
}

/** Any that is fit, by weight and slow start; all of them are looked at. */
function anyOf(
  targets: readonly Target[],
  takes: (target: Target) => boolean,
  draw: () => number,
): Target | null {
  // One draw for each look, whatever comes of it, so that a seed gives the same history.
  const at = draw();
  if (!targets.some(takes)) return null;
  const fitting = targets.filter(takes);
  const shares = fitting.map((target) => target.weight * target.health.share());
  let left = at * shares.reduce((sum, share) => sum + share, 0);
  const index = shares.findIndex((share) => {
    left -= share;
    return left < 0;
  });
  return fitting[index] ?? fitting.at(-1) ?? null;
}
