/**
 * http-proxy-middleware 3 and 4. Version 4 asks for a newer Node than ours, and runs on ours, too.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import * as three from "http-proxy-middleware";
import * as four from "http-proxy-middleware4";

export interface HpmMiddleware {
  (req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void): Promise<void>;
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface Hpm {
  createProxyMiddleware(options: object): HpmMiddleware;
  fixRequestBody(...args: never[]): void;
  responseInterceptor(
    change: (body: Buffer, ...args: never[]) => Promise<Buffer | string>,
  ): (...args: never[]) => unknown;
}

export const HPM_VERSIONS: readonly (readonly [string, Hpm])[] = [
  ["http-proxy-middleware 3", three as unknown as Hpm],
  ["http-proxy-middleware 4", four as unknown as Hpm],
];
