/**
 * What a gateway knows of the fleet that it belongs to, as its lower parts see it.
 *
 * The fleet itself is made by `good-gateway/fleet`; without one nothing of it is loaded.
 */

/** What `fleet()` makes. */
export interface Fleet {
  /** Joins for one gateway, whose inside it is given. */
  readonly join: (parts: never) => FleetMembership;
}

/** One gateway's place in its fleet. */
export interface FleetMembership {
  state(): FleetState;
  /** An upstream takes part until it stops; it says when what it sees has changed. */
  watch(witness: TargetsWitness): { changed(): void; stop(): void };
  /** Members that limits are divided by: those seen within a minute, this one included. */
  readonly members: number;
  leave(): void;
}

/** A target that has failed, by what was seen here alone. */
export interface IllTarget {
  readonly target: string;
  /** Losses so far, which only grow. */
  readonly losses: number;
  /** More than one loss: it is out, or fails again and again. */
  readonly out: boolean;
  /** Nothing was lost yet, but an answer takes longer than usual while others are there. */
  readonly late: boolean;
}

/** What an upstream sees of its targets, and what it does about what others see. */
export interface TargetsWitness {
  readonly upstream: string;
  readonly targets: readonly string[];
  /** A target takes longer with an answer than it usually does. */
  readonly someLate: boolean;
  /** By evidence of its own. */
  ill(): readonly IllTarget[];
  /** Others lost something there: what cannot be repeated goes elsewhere. */
  doubt(target: string, forMs: number, isNews: boolean): void;
  /** Enough others find it out of order: it goes out as far as others are left. */
  confirm(target: string, forMs: number, isNews: boolean): void;
  /** Another one finds out whether it is well again. */
  leaveTrial(target: string): void;
  /** They see it well again. */
  clear(target: string): void;
}

/** A fleet at one moment, as this member sees it. */
export interface FleetState {
  readonly name: string;
  /** This member. */
  readonly member: string;
  readonly bus: { readonly kind: string; readonly up: boolean };
  /** The others that are there, the longest known first. */
  readonly others: readonly FleetPeer[];
  /** Members that limits are divided by. */
  readonly dividedBy: number;
}

export interface FleetPeer {
  readonly member: string;
  readonly host: string;
  /** When it was heard last, in milliseconds since 1970. */
  readonly heardAt: number;
  /** Targets that have failed there, by upstream. */
  readonly ill: Readonly<Record<string, readonly IllTarget[]>>;
}
