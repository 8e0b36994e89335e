/**
 * One choice: from the tiers of targets, the one that the call goes to.
 *
 * A target that was not tried by this call comes before one that was. The balancer looks at a few
 * targets only; all of them are looked at when it finds none, which is when many are out.
 */
import type { BalanceField, BalanceRequest, BalanceTarget } from "./balance/balancer.js";
import type { Stickiness } from "./balance/sticky.js";
import type { Target } from "./target.js";
import { firstTier, type Homes, lastNeeded, type Tier, type TierOptions } from "./tiers.js";

export interface ChooserParts {
  readonly clock: { now(): number };
  readonly random: { next(): number };
}

const NONE: readonly string[] = [];

/** One choice at a time; what it asks for stands in `call`, so that no choice makes an object. */
export function createChooser(
  { clock, random }: ChooserParts,
  { balancer, sticky }: Pick<TierOptions, "balancer" | "sticky">,
  pending: () => number,
) {
  const call = { tried: NONE, place: -1 };
  const draw = (): number => (call.place >= 0 ? call.place : random.next());
  const takes = (target: Target): boolean =>
    deniedForMs(target) === 0 && (call.tried.length === 0 || !call.tried.includes(target.id));
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

  const fromTier = ({ picker, targets }: Tier, request: BalanceRequest): Target | null => {
    const picked = picker.pick(request) as Target | null;
    return picked !== null && takes(picked) ? picked : anyOf(targets, takes, draw);
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

  const home = (
    tiers: readonly Tier[],
    homes: Homes,
    { tokenIn }: Stickiness,
    request: BalanceRequest,
  ): Target | null => {
    const known = homes.get(tokenIn(request) ?? "");
    if (known === undefined || !takes(known.target)) return null;
    return known.tier <= lastNeeded(tiers) ? known.target : null;
  };

  return {
    field,
    choose(
      tiers: readonly Tier[],
      homes: Homes | null,
      request: BalanceRequest,
      tried: readonly string[],
    ): Target | null {
      call.place = balancer.place?.(request) ?? -1;
      call.tried = tried;
      const led = homes && sticky && home(tiers, homes, sticky, request);
      if (led !== null) return led;
      const untried = fromTiers(tiers, request);
      if (untried !== null || tried.length === 0) return untried;
      call.tried = NONE;
      return fromTiers(tiers, request);
    },
  };
}

/** How long a target takes no call; Infinity while that is not known. */
export function deniedForMs({ breaker, health, draining }: Target): number {
  if (draining) return Number.POSITIVE_INFINITY;
  return Math.max(breaker?.deniedForMs() ?? 0, health.deniedForMs());
}

/** Any that is fit, by weight and slow start; all of them are looked at. */
function anyOf(
  targets: readonly Target[],
  takes: (target: Target) => boolean,
  draw: () => number,
): Target | null {
  const fitting = targets.filter(takes);
  const shares = fitting.map((target) => target.weight * target.health.share());
  let left = draw() * shares.reduce((sum, share) => sum + share, 0);
  const index = shares.findIndex((share) => {
    left -= share;
    return left < 0;
  });
  return fitting[index] ?? fitting.at(-1) ?? null;
}
