/**
 * http-proxy-middleware in the versions that are installed. Version 4 needs a newer Node than ours,
 * so only the run of the packed package on such a Node has it, and must have it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

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

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const canRun4 = major > 22 || (major === 22 && minor >= 15);

async function load(name: string): Promise<Hpm | null> {
  try {
    return (await import(name)) as Hpm;
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_MODULE_NOT_FOUND") return null;
    throw error;
  }
}

const four = await load("http-proxy-middleware4");
if (four === null && canRun4 && process.env["GOOD_GATEWAY_BUILT"] === "1") {
  throw new Error("http-proxy-middleware4 is missing: see test/tools/built-manifest.mjs");
}

export const HPM_VERSIONS: readonly (readonly [string, Hpm | null])[] = [
  ["http-proxy-middleware 3", await load("http-proxy-middleware")],
  [
    four === null
      ? "http-proxy-middleware 4 (skipped: the run of the package on Node 22.15 or later has it)"
      : "http-proxy-middleware 4",
    four,
  ],
];
