/**
 * A door: one way into a gateway, as a column of the table of promises.
 *
 * A driver opens it in front of one upstream, asks it in one form, and tells in one form what the
 * caller was given: an answer with its bytes, or an error. To add a door is to write one driver and
 * to name it in `all-doors.ts`; every promise is then asked of it.
 */
import type { Server } from "node:http";
import type { Blame, FailureCode, Gateway, ProxyOptions } from "good-gateway";
import type { GatewayCallOptions, GatewayFetchOptions } from "good-gateway/fetch";
import type { RawOptions, RawRequest, Received } from "../gallery/tools/raw-client.js";

/** `proxy`: clients ask it; `upgrade`: the same for upgrades; `caller`: an application asks. */
export type DoorKind = "proxy" | "upgrade" | "caller";

/** Who moves the bytes: our connections, or something else that we only watch. */
export type DoorEngine = "own" | "http-proxy-middleware" | "foreign fetch" | "dispatcher";

/** Whose kinds of bodies it takes: bytes of a client, or those of an interface. */
export type BodyTaker = "wire" | "fetch" | "undici's fetch" | "a fetch" | "send" | "undici";

export interface Door {
  readonly name: string;
  readonly kind: DoorKind;
  readonly engine: DoorEngine;
  readonly bodies: BodyTaker;
  /** Requests of clients come over HTTP/2. */
  readonly http2?: true;
  /** It is given Requests, by a server that is not ours. */
  readonly requests?: true;
  /** The first of those over one engine, which is asked for more than the others. */
  readonly first?: true;
  /** It can send a request again. */
  readonly repeats: boolean;
  /** Why this process cannot have it; such a column is asked where it can. */
  readonly absent?: string;
  open(place: Place): Promise<OpenDoor>;
}

/** What a door is opened in front of. */
export interface Place {
  readonly gateway: Gateway<"app">;
  /** What proxies take. */
  readonly proxy: ProxyOptions;
  /** What a fetch takes. */
  readonly fetch: GatewayFetchOptions;
  /** What http-proxy-middleware itself takes. */
  readonly hpm: object;
}

/**
 * A request; `body` may also be what only an application can give, such as a form. `version` and
 * `bytes` are for doors that are asked by bytes of HTTP/1.1.
 */
export interface Asked extends Omit<RawRequest, "body"> {
  readonly body?: unknown;
  /** What an application sets for this one call. */
  readonly call?: GatewayCallOptions;
}

export interface AskOptions extends Omit<RawOptions, "kept"> {
  /** Over the connection of the request before, where it has one to its client. */
  readonly kept?: boolean;
}

/** What the caller was told of a failure. */
export interface Told {
  readonly code: FailureCode;
  readonly blame: Blame;
  readonly attempts: number | null;
}

export interface Answered extends Received {
  /** Null when the caller was told of none. */
  readonly failure: Told | null;
  /** What was thrown at the caller. */
  readonly thrown: unknown;
}

export interface OpenDoor {
  ask(asked?: Asked, how?: AskOptions): Promise<Answered>;
  close(): Promise<void>;
  /** Of a door that listens. */
  readonly server?: Server;
}

/** A Request, whose body is among its properties. */
export class RequestBody {
  readonly of: (url: string, init: object) => unknown;

  constructor(of: (url: string, init: object) => unknown) {
    this.of = of;
  }
}

/** The limit against hanging. */
export const ASK_MS = 8_000;
