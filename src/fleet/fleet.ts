/**
 * `fleet`: gateways that know of each other.
 *
 * Each says now and then that it is there. Guarantee: nothing on a request's way waits for the bus;
 * a bus that is frozen, killed or absent means that this member is alone, and an event; a message
 * that cannot be read does nothing.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Clock, Timer } from "../base/clock.js";
import { epochMs } from "../base/clock.js";
import type { Emitter } from "../base/emitter.js";
import type { Random } from "../base/random.js";
import { FLEET } from "../catalog/fleet-defaults.js";
import { FLEET_OPTIONS } from "../catalog/options/fleet.js";
import { createFindings, isRecord, shown } from "../options/findings.js";
import { nearest } from "../options/nearest.js";
import { GatewayOptionsError } from "../options/options-error.js";
import { readOptions } from "../options/read-option.js";
import type { GatewayEvents } from "../records/events.js";
import type { Fleet, FleetMembership, FleetState } from "../targets/fleet-link.js";
import type { FleetBus } from "./bus.js";
import { FleetSender } from "./fleet-sender.js";
import { type KnownMember, Roster } from "./roster.js";

export interface FleetOptions {
  /** The fleet's name on the bus; gateways of the same name belong together. */
  readonly name: string;
  /** What carries messages: `clusterBus()`, `redisBus(client)`, or an object of your own. */
  readonly bus: FleetBus;
  /**
   * Which machine this is. Members of one machine see through one network.
   * @default the host name
   */
  readonly host?: string;
}

/** For `createGateway({ fleet })`. */
export function fleet(options: FleetOptions): Fleet {
  const read = readFleet(options);
  return { join: (parts: FleetParts) => new Member(parts, read) };
}

interface FleetParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Emitter<GatewayEvents>;
}

interface ReadFleet {
  readonly name: string;
  readonly bus: FleetBus;
  readonly host: string;
}

function readFleet(options: unknown): ReadFleet {
  const findings = createFindings();
  const given = isRecord(options) ? options : {};
  const known = Object.keys(FLEET_OPTIONS);
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const close = nearest(name, known);
    const advice = close === null ? `there are ${known.join(", ")}` : `did you mean "${close}"?`;
    findings.problem(name, `unknown option; ${advice}`);
  }
  if (given["name"] === undefined) findings.problem("name", "is missing");
  const bus = Object(given["bus"]) as Partial<FleetBus>;
  if (typeof bus.send !== "function" || typeof bus.listen !== "function") {
    const advice = "write clusterBus() or redisBus(client)";
    findings.problem("bus", `${shown(given["bus"])} is no bus; ${advice}`);
  }
  const { name, host = hostname() } = readOptions(findings, "", FLEET_OPTIONS, given);
  if (findings.problems.length > 0) throw new GatewayOptionsError(findings.problems);
  return { name: String(name), bus: bus as FleetBus, host: String(host) };
}

/** What a message says. */
interface Message {
  readonly v: 1;
  readonly member: string;
  readonly host: string;
  readonly says: "here" | "bye";
}

class Member implements FleetMembership {
  readonly #parts: FleetParts;
  readonly #read: ReadFleet;
  readonly #id = `${process.pid}-${randomBytes(6).toString("hex")}`;
  readonly #roster = new Roster<Message>();
  readonly #sender: FleetSender;
  readonly #epochMs: number;
  #beat: Timer | null = null;
  #greeting: Timer | null = null;
  #deafen: (() => unknown) | null = null;
  #left = false;

  constructor(parts: FleetParts, read: ReadFleet) {
    const { clock, events } = parts;
    this.#parts = parts;
    this.#read = read;
    this.#epochMs = epochMs(clock);
    const channel = `good-gateway:fleet:${read.name}`;
    this.#sender = new FleetSender(read.bus, channel, clock, (change) => {
      if (events.has("fleet:bus")) events.emit("fleet:bus", { fleet: read.name, ...change });
    });
    this.#listen(channel);
    this.#next();
  }

  get members(): number {
    return this.#roster.dividedBy;
  }

  state(): FleetState {
    const others = this.#roster.present().map(({ member, host, heardAt }) => ({
      ...{ member, host },
      heardAt: Math.round(heardAt + this.#epochMs),
    }));
    const { name, bus } = this.#read;
    return {
      ...{ name, member: this.#id, others },
      bus: { kind: bus.kind, up: this.#sender.up },
      dividedBy: this.members,
    };
  }

  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#beat?.cancel();
    this.#greeting?.cancel();
    this.#say("bye");
    this.#deafen?.();
  }

  #listen(channel: string): void {
    const { bus } = this.#read;
    const listening = new Promise<() => unknown>((resolve) => {
      resolve(bus.listen(channel, (text) => this.#heard(text)));
    });
    listening.then(
      (deafen) => {
        if (this.#left) deafen();
        else {
          this.#deafen = deafen;
          // From now on it hears those that greet it.
          this.#say("here");
        }
      },
      // What it sends fails as well, which is told.
      () => {},
    );
  }

  #say(says: Message["says"]): void {
    const { host } = this.#read;
    this.#sender.send(JSON.stringify({ v: 1, member: this.#id, host, says } satisfies Message));
  }

  #next(): void {
    this.#beat = this.#parts.clock.after(FLEET.beatMs, () => {
      this.#say("here");
      const now = this.#parts.clock.now();
      for (const gone of this.#roster.lapse(now)) this.#tell(gone, false);
      this.#next();
    });
    this.#beat.unref();
  }

  #heard(text: string): void {
    const message = this.#left ? null : readMessage(text);
    if (message === null || message.member === this.#id) return;
    const { member, host, says } = message;
    if (says === "bye") {
      const gone = this.#roster.left(member);
      if (gone !== null) this.#tell(gone, false);
      return;
    }
    const heard = this.#roster.heard(member, host, message, this.#parts.clock.now());
    if (heard?.isNew !== true) return;
    this.#tell(heard.known, true);
    this.#greet();
  }

  /** A newcomer learns at once who is there, and not from all at the same moment. */
  #greet(): void {
    if (this.#greeting !== null) return;
    const { clock, random } = this.#parts;
    this.#greeting = clock.after(random.next() * FLEET.greetMs, () => {
      this.#greeting = null;
      this.#say("here");
    });
    this.#greeting.unref();
  }

  #tell({ member, host }: KnownMember<Message>, isPresent: boolean): void {
    const { events } = this.#parts;
    if (!events.has("fleet:member")) return;
    const { name } = this.#read;
    events.emit("fleet:member", { fleet: name, member, host, present: isPresent });
  }
}

const ID = /^[\w.-]{1,64}$/;

/** Null for what is none of ours. */
function readMessage(text: unknown): Message | null {
  if (typeof text !== "string" || text.length > FLEET.messageCharsMax) return null;
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return null;
  }
  const { v, member, host, says } = Object(message) as Record<string, unknown>;
  const isRight = v === 1 && ID.test(String(member)) && (says === "here" || says === "bye");
  if (!isRight || typeof host !== "string" || !FLEET_OPTIONS.host.pattern.test(host)) return null;
  return message as Message;
}
