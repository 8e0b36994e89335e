/**
 * What the tests of `gatewayFetch` share: gateways over scripted upstreams, closed after each test.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  createGateway,
  type Gateway,
  type GatewayOptions,
  type Upstream,
  type UpstreamOptions,
} from "good-gateway";
import {
  type Script,
  type ScriptedUpstream,
  type ScriptedUpstreamOptions,
  scriptedUpstream,
} from "good-gateway/testing";
import { afterEach } from "vitest";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Runs after the test, the last one first. */
export function afterwards(cleanUp: () => unknown): void {
  cleanUps.push(cleanUp);
}

export async function play(
  scripts: readonly Script[],
  options?: ScriptedUpstreamOptions,
): Promise<ScriptedUpstream> {
  const upstream = await scriptedUpstream(scripts, options);
  cleanUps.push(() => upstream.close());
  return upstream;
}

export type Settings = Omit<UpstreamOptions, "targets" | "discover">;

export interface World {
  readonly gateway: Gateway<"orders">;
  readonly orders: Upstream<"orders">;
  /** Name and status of every attempt whose body is over, as they end. */
  readonly ended: readonly (string | number | null)[];
  /** Resolves when so many attempts have ended. */
  attemptsEnded(count: number): Promise<void>;
}

/** A gateway with one upstream at these targets. */
export function worldOf(
  targets: NonNullable<UpstreamOptions["targets"]>,
  settings: Settings = {},
  rest: Partial<GatewayOptions<"orders">> = {},
): World {
  const gateway = createGateway({
    upstreams: { orders: { targets, ...settings } },
    onWarning: () => {},
    ...rest,
  });
  cleanUps.push(() => gateway.close());
  const ended: (string | number | null)[] = [];
  const waiting: (() => void)[] = [];
  gateway.on("attempt:end", ({ attempt }) => {
    ended.push(attempt.code ?? attempt.status);
    for (const look of waiting.splice(0)) look();
  });
  const attemptsEnded = async (count: number): Promise<void> => {
    while (ended.length < count) await new Promise<void>((look) => void waiting.push(look));
  };
  return { gateway, orders: gateway.upstream("orders"), ended, attemptsEnded };
}

/** Collects what cannot be reached any more. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error("it did not reject");
    },
    (error: unknown) => error,
  );
}
