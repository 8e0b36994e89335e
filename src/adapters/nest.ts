/**
 * `GatewayModule` for NestJS 11 and later, on Express and on Fastify: the gateway, its upstreams
 * and a fetch function for each as providers, an indicator for Terminus, and an orderly end.
 *
 * Nest is not imported: a dynamic module is a plain object.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { GatewayError } from "../core/failure.js";
import { createGateway } from "../gateway/gateway.js";
import type { Gateway } from "../gateway/gateway-handle.js";
import type { Upstream } from "../gateway/upstream-handle.js";
import type { GatewayOptions } from "../options/options.js";
import { expressErrorHandler } from "./express.js";
import { type GatewayFetch, gatewayFetch } from "./fetch.js";

/** Where Nest keeps what a filter catches, and the token of filters for all routes. */
const CAUGHT_BY_FILTER = "__filterCatchExceptions__";
const APP_FILTER = "APP_FILTER";

/** Token of the gateway: `@Inject(GATEWAY) gateway: Gateway`. */
export const GATEWAY = "good-gateway";

/** Token of an upstream: `@Inject(upstreamToken("orders")) orders: Upstream`. */
export function upstreamToken(name: string): string {
  return `${GATEWAY}:upstream:${name}`;
}

/** Token of an upstream's fetch function: `@Inject(fetchToken("orders")) fetch: GatewayFetch`. */
export function fetchToken(name: string): string {
  return `${GATEWAY}:fetch:${name}`;
}

/** What `forRoot` takes beside the options of the gateway. */
export interface GatewayModuleOptions {
  /**
   * Whether a failed call of a controller is answered with its own 502, 503 or 504, `Retry-After`
   * and problem details. Without it Nest answers with the status alone.
   *
   * @default true
   */
  readonly filter?: boolean;
}

/** `forRootAsync`: options that come from other providers. */
export interface GatewayModuleAsyncOptions<
  Names extends string,
  Injected extends unknown[],
  Import = never,
> extends GatewayModuleOptions {
  readonly imports?: Import[];
  readonly inject?: NestInject[];
  readonly useFactory: (
    ...injected: Injected
  ) => GatewayOptions<Names> | Promise<GatewayOptions<Names>>;
  /** The upstreams that are injected, which have to be known before the options are. */
  readonly upstreams: readonly Names[];
}

/** A token, or a class, of Nest's container. */
export type NestInject = string | symbol | (abstract new (...given: never[]) => unknown);

interface NestProvider {
  readonly provide: NestInject;
  useFactory(...given: unknown[]): unknown;
  readonly inject: NestInject[];
}

/** A dynamic module of Nest. */
export interface NestModule<Import = never> {
  readonly module: typeof GatewayModule;
  readonly global: true;
  readonly imports?: Import[];
  readonly providers: NestProvider[];
  readonly exports: NestInject[];
}

/** The module: `imports: [GatewayModule.forRoot({ upstreams: { … } })]`. It is global. */
// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows a module by its class.
export class GatewayModule {
  /** Makes a gateway with these options, which are checked when the application is created. */
  static forRoot<const Names extends string>(
    options: GatewayOptions<Names>,
    more: GatewayModuleOptions = {},
  ): NestModule {
    const names = Object.keys(options.upstreams ?? {});
    return moduleOf(names, { provide: OPTIONS, useFactory: () => options, inject: [] }, more);
  }

  /** The same with options that other providers give, such as a ConfigService. */
  static forRootAsync<const Names extends string, Injected extends unknown[], Import = never>(
    options: GatewayModuleAsyncOptions<Names, Injected, Import>,
  ): NestModule<Import> {
    const { useFactory, inject = [], imports = [], upstreams } = options;
    const given = { provide: OPTIONS, useFactory, inject };
    return { ...moduleOf(upstreams, given, options), imports };
  }
}

/**
 * Ends with the application, on `app.close()` and, after `enableShutdownHooks()`, on signals. What
 * `installShutdown(app.getHttpServer(), gateway)` does for connections is beyond a provider.
 */
export class GatewayShutdown {
  readonly #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** Calls under way end before Nest closes its server. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#gateway.drain();
  }

  onApplicationShutdown(): void {
    this.#gateway.close();
  }
}

/** What Terminus takes from an indicator. */
export type NestHealth = Readonly<
  Record<string, { readonly status: "up" | "down"; readonly state: string }>
>;

/**
 * An indicator for Terminus: `() => indicator.check("orders")`. Every instance shares the upstream,
 * so let readiness depend on it only where no instance can serve without it.
 */
export class GatewayHealthIndicator {
  readonly #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** Down while the upstream accepts no calls; a name that was not configured throws. */
  check(name: string): NestHealth {
    const { state } = this.#gateway.upstream(name);
    return { [name]: { status: state === "down" ? "down" : "up", state } };
  }
}

interface NestHost {
  switchToHttp(): { getRequest<T>(): T; getResponse<T>(): T };
}
type RawOf<T> = T & { readonly raw?: T; hijack?(): unknown };

/** Answers failed calls of controllers; rethrows what is none, for Nest's own filter. */
export class GatewayExceptionFilter {
  readonly #answer: ReturnType<typeof expressErrorHandler>;

  constructor(gateway: Gateway) {
    this.#answer = expressErrorHandler(gateway);
  }

  catch(error: GatewayError, host: NestHost): void {
    const http = host.switchToHttp();
    const req = http.getRequest<RawOf<IncomingMessage>>();
    const res = http.getResponse<RawOf<ServerResponse>>();
    res.hijack?.(); // Fastify's reply
    this.#answer(error, req.raw ?? req, res.raw ?? res, () => (res.raw ?? res).destroy());
  }
}

const OPTIONS = `${GATEWAY}:options`;

function moduleOf(
  names: readonly string[],
  options: NestProvider,
  { filter = true }: GatewayModuleOptions,
): NestModule {
  const byGateway = (provide: NestInject, useFactory: (gateway: Gateway) => unknown) => ({
    provide,
    useFactory,
    inject: [GATEWAY],
  });
  const shared = [
    { provide: GATEWAY, useFactory: createGateway, inject: [OPTIONS] },
    byGateway(GatewayHealthIndicator, (gateway) => new GatewayHealthIndicator(gateway)),
    ...names.flatMap((name) => [
      byGateway(upstreamToken(name), (gateway): Upstream => gateway.upstream(name)),
      byGateway(fetchToken(name), (gateway): GatewayFetch => gatewayFetch(gateway.upstream(name))),
    ]),
  ];
  const internal = [byGateway(GatewayShutdown, (gateway) => new GatewayShutdown(gateway))];
  if (filter) {
    catches(GatewayExceptionFilter, GatewayError);
    internal.push(byGateway(APP_FILTER, (gateway) => new GatewayExceptionFilter(gateway)));
  }
  return {
    module: GatewayModule,
    global: true,
    providers: [options, ...shared, ...internal],
    exports: shared.map(({ provide }) => provide),
  };
}

/** What `@Catch` writes. Nest loads reflect-metadata before any module is made. */
function catches(filter: object, error: object): void {
  const { defineMetadata } = Reflect as {
    defineMetadata?: (key: string, value: unknown, target: object) => void;
  };
  defineMetadata?.(CAUGHT_BY_FILTER, [error], filter);
}
