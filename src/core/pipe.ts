/**
 * The whole of the machinery: policies around a transport, in request order.
 *
 * A call goes down once, an outcome comes up once. Each policy states by its types what it takes
 * and what it passes on, so a pipe in the wrong order does not compile. A policy that is switched
 * off is a `bypass`: it keeps its place in the description and costs nothing.
 */
import type { Outcome } from "./outcome.js";

/** What a policy is for. */
export type Role =
  | "upstream_for"
  | "mirror"
  | "cache"
  | "fallback"
  | "routes"
  | "drain_gate"
  | "priority"
  | "load_shed"
  | "total_deadline"
  | "bulkhead"
  | "retry"
  | "hedge"
  | "pace"
  | "quota"
  | "throttle"
  | "pick_target"
  | "breaker"
  | "attempt_timeout"
  | "record"
  | "chaos";

export type PipeStep<In, Body> = (input: In) => Promise<Outcome<Body>>;

/** One concern around all that comes below it. */
export interface Policy<In, Out = In> {
  readonly role: Role;
  /** Effective values, for `describe()`, doctor and dashboard. */
  readonly settings: Readonly<Record<string, unknown>>;
  // Written as a property: the compiler lets a method take a narrower input than it was promised.
  readonly run: <Body>(input: In, next: PipeStep<Out, Body>) => Promise<Outcome<Body>>;
}

export interface PolicyDescription {
  readonly role: Role;
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface Pipe<In, Out> {
  through<Next>(policy: Policy<Out, Next>): Pipe<In, Next>;
  to<Body>(transport: PipeStep<Out, Body>): PipeStep<In, Body>;
  describe(): readonly PolicyDescription[];
}

// Inside the pipe the types have done their work; this is the one place that forgets them.
type AnyPolicy = Policy<unknown, unknown>;
type AnyStep = PipeStep<unknown, unknown>;

const bypasses = new Map<Role, AnyPolicy>();

/** A policy that is switched off; the same for all pipes. */
export function bypass<In, Out>(role: Role): Policy<In, Out> {
  const known = bypasses.get(role) ?? {
    role,
    settings: OFF,
    run: (input, next) => next(input),
  };
  bypasses.set(role, known);
  return known as Policy<In, Out>;
}

const OFF = { enabled: false };

/** Starts a pipe. */
export function pipe<In>(): Pipe<In, In> {
  return extend<In, In>([]);
}

function extend<In, Out>(policies: readonly AnyPolicy[]): Pipe<In, Out> {
  return {
    through: <Next>(policy: Policy<Out, Next>) =>
      extend<In, Next>([...policies, policy as unknown as AnyPolicy]),
    to: <Body>(transport: PipeStep<Out, Body>) =>
      policies.reduceRight<AnyStep>(
        (next, policy) =>
          bypasses.get(policy.role) === policy ? next : (input) => policy.run(input, next),
        transport as AnyStep,
      ) as PipeStep<In, Body>,
    describe: () => policies.map(({ role, settings }) => ({ role, settings })),
  };
}
