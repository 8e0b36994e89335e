/**
 * Who is there: the members that were heard lately, each by what it said last.
 *
 * Times are of this process, so clocks that differ do not matter. Guarantee: at most so many are
 * remembered, and each is forgotten after its time.
 */
import { FLEET } from "../catalog/fleet-defaults.js";

export interface KnownMember<Said> {
  readonly member: string;
  readonly host: string;
  heardAt: number;
  /** It has said that it leaves, or was not heard for too long. */
  isPresent: boolean;
  said: Said;
}

export class Roster<Said> {
  readonly #members = new Map<string, KnownMember<Said>>();

  /** Those that are there. */
  present(): readonly KnownMember<Said>[] {
    return [...this.#members.values()].filter(({ isPresent }) => isPresent);
  }

  /** Those that limits are divided by, this one included. */
  get dividedBy(): number {
    return this.#members.size + 1;
  }

  /** The member, and whether it is one that was not there before; null where there are too many. */
  heard(
    member: string,
    host: string,
    said: Said,
    now: number,
  ): { readonly known: KnownMember<Said>; readonly isNew: boolean } | null {
    const known = this.#members.get(member);
    if (known === undefined) {
      if (this.#members.size >= FLEET.membersMax) return null;
      const made = { member, host, heardAt: now, isPresent: true, said };
      this.#members.set(member, made);
      return { known: made, isNew: true };
    }
    const isNew = !known.isPresent;
    Object.assign(known, { heardAt: now, isPresent: true, said });
    return { known, isNew };
  }

  /** It leaves; its part of limits stays for a while, since its calls may still be under way. */
  left(member: string): KnownMember<Said> | null {
    const known = this.#members.get(member);
    if (known?.isPresent !== true) return null;
    known.isPresent = false;
    return known;
  }

  /** Those that are not there any more since the last look. */
  lapse(now: number): readonly KnownMember<Said>[] {
    const gone: KnownMember<Said>[] = [];
    for (const [name, known] of this.#members) {
      const silentMs = now - known.heardAt;
      if (known.isPresent && silentMs >= FLEET.presentMs) {
        known.isPresent = false;
        gone.push(known);
      }
      if (silentMs >= FLEET.absentMs) this.#members.delete(name);
    }
    return gone;
  }
}
