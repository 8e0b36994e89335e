/**
 * Fifteen minutes of a shop's life in a few seconds, for the pictures of the documentation: the
 * clock of its gateway is moved on between calls that are real.
 */
import type { Clock } from "good-gateway/testing";
import { openShop, type Shop } from "./shop.js";

const STEP_MS = 5_000;
const STEPS = 179;

/** What happens, by the step at which it begins. */
const STORY: Readonly<Record<number, (shop: Shop) => unknown>> = {
  40: ({ services }) => {
    services.payments.manner = "slow";
  },
  58: ({ services }) => {
    services.payments.manner = "fine";
  },
  100: ({ services }) => services.orders2.goAway(),
  112: ({ services }) => services.orders2.comeBack(),
  130: ({ services }) => {
    services.search.manner = "busy";
  },
  140: ({ services }) => {
    services.search.manner = "fine";
  },
  172: ({ services }) => services.search.goAway(),
  174: ({ services }) => {
    services.payments.manner = "hangs_up";
  },
  177: ({ services }) => {
    services.payments.manner = "fine";
  },
};

/** A shop that has been open for a quarter of an hour, by its own clock; it ends at the present. */
export async function longOpenShop(): Promise<Shop> {
  const shift = { ms: -STEP_MS * STEPS };
  const shop = await openShop({ clock: shifted(shift) });
  for (let step = 0; step < STEPS; step += 1) {
    await STORY[step]?.(shop);
    const busy = 3 + Math.round(2 * Math.sin(step / 12) + 2 * Math.sin(step / 5));
    await Promise.all([
      ...times(busy + 2, (n) => shop.call("orders", `/${step * 10 + n}`)),
      ...times(Math.ceil(busy / 2), () =>
        shop.call("payments", "/charges", step % 3 === 0 ? "POST" : "GET"),
      ),
      ...times(busy, () => shop.call("search", "/products")),
    ]);
    shift.ms += STEP_MS;
  }
  return shop;
}

function times(count: number, one: (n: number) => Promise<void>): readonly Promise<void>[] {
  return Array.from({ length: Math.max(1, count) }, (_, n) => one(n));
}

/** The clock of the machine, beside the present by so much. */
function shifted(shift: { readonly ms: number }): Clock {
  const after: Clock["after"] = (ms, fn) => {
    const timer = setTimeout(fn, ms);
    return {
      cancel: () => clearTimeout(timer),
      pause: () => clearTimeout(timer),
      refresh: () => void timer.refresh(),
      unref: () => void timer.unref(),
    };
  };
  const start = -shift.ms;
  return {
    // Never below zero: slots are counted from there.
    now: () => performance.now() + start + shift.ms,
    wallNow: () => Date.now() + shift.ms,
    sleep: (ms) => new Promise((resolve) => void after(ms, resolve)),
    after,
    turn(fn) {
      const turn = setImmediate(fn);
      const cancel = (): void => clearImmediate(turn);
      return { cancel, pause: cancel, refresh: () => {}, unref: () => {} };
    },
  };
}
