/**
 * The undici versions that are installed, and what one sends requests with. Version 8 cannot be
 * loaded on our oldest Node, so only the run of the packed package on a newer one has it, and must.
 */
import type { Duplex } from "node:stream";
import * as seven from "undici";

export interface Undici {
  readonly Agent: new (options?: object) => UndiciAgent;
  readonly MockAgent: new () => UndiciMock;
  readonly FormData: typeof FormData;
  readonly interceptors: Readonly<Record<string, (options?: object) => unknown>>;
  readonly fetch: typeof fetch;
  readonly setGlobalDispatcher: (dispatcher: unknown) => void;
  readonly getGlobalDispatcher: () => unknown;
  readonly stream: (url: string, options: object, factory: unknown) => Promise<unknown>;
  readonly pipeline: (url: string, options: object, handler: unknown) => Duplex;
  readonly request: (url: string, options: object) => Promise<UndiciAnswer>;
}

export interface UndiciAgent {
  dispatch(options: object, handler: object): boolean;
  compose(interceptor: unknown): UndiciAgent;
  close(): Promise<void>;
  destroy(): Promise<void>;
}

export interface UndiciMock extends UndiciAgent {
  disableNetConnect(): void;
  enableNetConnect(host?: string): void;
  get(origin: string): { intercept(expected: object): MockedAnswer };
  assertNoPendingInterceptors(): void;
}

export interface MockedAnswer {
  reply(status: number, body?: unknown, options?: object): unknown;
  replyWithError(error: Error): unknown;
}

export interface UndiciAnswer {
  readonly statusCode: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly context: unknown;
  readonly body: AsyncIterable<Uint8Array> & { text(): Promise<string>; dump(): Promise<void> };
}

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const canRun8 = major > 22 || (major === 22 && minor >= 19);

async function load(name: string): Promise<Undici | null> {
  try {
    return (await import(name)) as Undici;
  } catch (error) {
    if (!canRun8 || (error as { code?: unknown }).code === "ERR_MODULE_NOT_FOUND") return null;
    throw error;
  }
}

const eight = await load("undici8");
if (eight === null && canRun8 && process.env["GOOD_GATEWAY_BUILT"] === "1") {
  throw new Error("undici8 is missing: see test/tools/built-manifest.mjs");
}

/** Who asks, through which agent. */
export interface Caller {
  readonly undici: Undici;
  readonly fetch: (url: string, init: object) => Promise<Response>;
}

const builtIn = (url: string, init: object): Promise<Response> => fetch(url, init);
const of = (undici: Undici, caller: Caller["fetch"]): Caller => ({ undici, fetch: caller });
const theSeven = seven as unknown as Undici;
const SKIPPED = "(skipped: the run of the package on Node 22.19 or later has it)";

/** The versions themselves. */
export const UNDICIS: readonly (readonly [string, Undici | null])[] = [
  ["undici 7", theSeven],
  [eight === null ? `undici 8 ${SKIPPED}` : "undici 8", eight],
];

export const CALLERS: readonly (readonly [string, Caller | null])[] = [
  ["the built-in fetch, through an agent of undici 7", of(theSeven, builtIn)],
  ["the fetch of undici 7", of(theSeven, theSeven.fetch as Caller["fetch"])],
  eight === null
    ? [`the fetch of undici 8 ${SKIPPED}`, null]
    : ["the fetch of undici 8", of(eight, eight.fetch as Caller["fetch"])],
];
