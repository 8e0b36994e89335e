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
  /** Members that limits are divided by: those seen within a minute, this one included. */
  readonly members: number;
  leave(): void;
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
}
