/**
 * A kind of attack: who makes it, at which doors it can be made, and the attempt itself, which
 * throws what got through. To add a kind is to add one; it is then tried at every door.
 */
import type { Door } from "../doors/door.js";

export interface HostileKind {
  /** What is tried, in some words. */
  readonly name: string;
  readonly from: "client" | "upstream" | "application's user" | "web site";
  /** Where the world has seen it, such as a CVE of another proxy. */
  readonly seen?: string;
  /** Why it cannot be held off here, and what limits it; what is limited is what is tried then. */
  readonly inherent?: string;
  /** Where it is tried if not at doors. */
  readonly where?: string;
  /** Whether it can be made at a door at all. */
  at(door: Door): boolean;
  attempt(door: Door): Promise<void>;
}

/** Doors whose clients write bytes of HTTP/1.1. */
export const overWire = ({ kind, bodies, http2 }: Door): boolean =>
  kind !== "caller" && bodies === "wire" && http2 !== true;

export const overHttp2 = ({ http2 }: Door): boolean => http2 === true;

export const atProxies = (door: Door): boolean => door.kind === "proxy" && overWire(door);

export const atUpgrades = ({ kind }: Door): boolean => kind === "upgrade";

export const atCallers = ({ kind }: Door): boolean => kind === "caller";

export const anywhere = (): boolean => true;

/** Where answers are read whose connections are ours to judge. */
export const notUpgrades = ({ kind }: Door): boolean => kind !== "upgrade";

/** Whose engine speaks HTTP/2 to upstreams, because we asked it to. */
export const ownEngine = ({ kind, engine }: Door): boolean =>
  engine === "own" && kind !== "upgrade";
