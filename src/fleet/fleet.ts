/**
 * `fleet`: gateways that know of each other, and of the targets that failed at one of them.
 *
 * Each says now and then that it is there and what it sees, and news at once. Guarantee: nothing on
 * a request's way waits for the bus; a bus that is frozen, killed or absent means that this member
 * is alone, and an event; a message that cannot be read does nothing.
 */
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
import type { Fleet, FleetMembership, FleetState, TargetsWitness } from "../targets/fleet-link.js";
import type { FleetBus } from "./bus.js";
import { FleetSender } from "./fleet-sender.js";
import { Observations, readSees, type SeenUpstream, type Witnessing } from "./observations.js";
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
  /**
   * Members that must find a target out of order, on two hosts where there are two, before it goes
   * out here without a failure here.
   * @default 2
   */
  readonly quorum?: number;
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
  readonly quorum: number;
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
  const {
    name,
    host = hostname(),
    quorum = FLEET.quorum,
  } = readOptions(findings, "", FLEET_OPTIONS, given);
  if (findings.problems.length > 0) throw new GatewayOptionsError(findings.problems);
  return { name: String(name), bus: bus as FleetBus, host: String(host), quorum: Number(quorum) };
}

/** What a message says. */
interface Message extends Witnessing {
  readonly v: 1;
  readonly says: "here" | "bye";
}

class Member implements FleetMembership {
  readonly #parts: FleetParts;
  readonly #read: ReadFleet;
  readonly #id: string;
  readonly #roster = new Roster<Message>();
  readonly #sender: FleetSender;
  readonly #observations: Observations;
  /** What it said last of targets, as text. */
  #said = "";
  #news: Timer | null = null;
  #looking: Timer | null = null;
  readonly #epochMs: number;
  #beat: Timer | null = null;
  #greeting: Timer | null = null;
  #deafen: (() => unknown) | null = null;
  #left = false;

  constructor(parts: FleetParts, read: ReadFleet) {
    const { clock, random, events } = parts;
    this.#parts = parts;
    this.#read = read;
    this.#id = Math.floor(random.next() * 2 ** 48).toString(16);
    this.#epochMs = epochMs(clock);
    this.#observations = new Observations(read.quorum);
    const channel = `good-gateway:fleet:${read.name}`;
    this.#sender = new FleetSender(read.bus, channel, clock, (change) => {
      if (events.has("fleet:bus")) events.emit("fleet:bus", { fleet: read.name, ...change });
    });
    this.#listen(channel);
    this.#next();
    this.#look();
  }

  get members(): number {
    return this.#roster.dividedBy;
  }

  state(): FleetState {
    const others = this.#roster.present().map(({ member, host, heardAt, said }) => ({
      ...{ member, host },
      heardAt: Math.round(heardAt + this.#epochMs),
      ill: Object.fromEntries(
        said.sees.flatMap(({ upstream, ill }) => (ill.length === 0 ? [] : [[upstream, ill]])),
      ),
    }));
    const { name, bus } = this.#read;
    return {
      ...{ name, member: this.#id, others },
      bus: { kind: bus.kind, up: this.#sender.up },
      dividedBy: this.members,
    };
  }

  watch(witness: TargetsWitness): { changed(): void; stop(): void } {
    this.#observations.add(witness);
    return {
      changed: () => this.#newsOf(),
      stop: () => this.#observations.remove(witness),
    };
  }

  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#beat?.cancel();
    this.#greeting?.cancel();
    this.#news?.cancel();
    this.#looking?.cancel();
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
    const sees = says === "bye" ? [] : this.#observations.own();
    this.#said = illOf(sees);
    const message = { v: 1, member: this.#id, host, says, sees } satisfies Message;
    this.#sender.send(JSON.stringify(message));
  }

  /** News goes at once, and what follows it within a moment goes together. */
  #newsOf(): void {
    if (this.#news !== null || this.#left) return;
    if (illOf(this.#observations.own()) === this.#said) return;
    this.#say("here");
    this.#consider();
    this.#news = this.#parts.clock.after(FLEET.newsMs, () => {
      this.#news = null;
      this.#newsOf();
    });
    this.#news.unref();
  }

  #consider(): void {
    const sees = this.#observations.own();
    const self = { member: this.#id, host: this.#read.host, sees };
    this.#observations.consider(
      self,
      this.#roster.present().map(({ said }) => said),
    );
  }

  #next(): void {
    this.#beat = this.#parts.clock.after(FLEET.beatMs, () => {
      this.#say("here");
      const now = this.#parts.clock.now();
      for (const gone of this.#roster.lapse(now)) this.#tell(gone, false);
      this.#consider();
      this.#next();
    });
    this.#beat.unref();
  }

  /** What is late changes without an event. */
  #look(): void {
    this.#looking = this.#parts.clock.after(FLEET.lookMs, () => {
      if (this.#said !== "" || this.#observations.someLate) this.#newsOf();
      this.#look();
    });
    this.#looking.unref();
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
    if (heard === null) return;
    this.#consider();
    if (!heard.isNew) return;
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

/** Which targets are ill and how; how often each was lost is no news. */
function illOf(sees: readonly SeenUpstream[]): string {
  return sees
    .flatMap(({ upstream, ill }) => ill.map(({ target, out }) => `${upstream} ${target} ${out}`))
    .join("\n");
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
  const sees = readSees((message as Partial<Message>).sees ?? []);
  return sees === null ? null : { ...(message as Message), sees };
}
