/**
 * The same request through a bare agent and through one with the gateway composed around it: what
 * the upstream saw and what the caller got must be the same, word for word.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createGateway, type UpstreamOptions } from "good-gateway";
import { gatewayInterceptor } from "good-gateway/undici";
import { expect } from "vitest";
import type { Undici, UndiciAgent } from "./undici-versions.js";

export type Interceptor = (dispatch: Dispatch) => Dispatch;
export type Dispatch = (options: object, handler: object) => boolean;
type Run = (agent: UndiciAgent) => Promise<unknown>;

export interface Compared {
  readonly settings?: Omit<UpstreamOptions, "targets">;
  /** Composed between the agent and the gateway. */
  readonly beneath?: readonly unknown[];
  /** Composed around the gateway. */
  readonly around?: readonly unknown[];
}

// To be composed at all changes an agent, so the other one is, too.
const nothing: Interceptor = (dispatch) => (options, handler) => dispatch(options, handler);

/** Runs twice, and expects the same; gives what it was. */
export async function same(
  undici: Undici,
  origin: string,
  run: Run,
  { settings, beneath = [], around = [] }: Compared = {},
): Promise<unknown> {
  const targets = { targets: origin, retry: false, ...settings } as const;
  const gateway = createGateway({
    upstreams: { app: targets },
    defaults: { retry: false },
    onWarning: () => {},
  });
  const outcomes: unknown[] = [];
  for (const one of [nothing, gatewayInterceptor(gateway)]) {
    const agent = new undici.Agent();
    const all = [...beneath, one, ...around];
    const composed = all.reduce<UndiciAgent>((below, next) => below.compose(next), agent);
    outcomes.push(await run(composed).catch(wordsOf));
    await agent.destroy();
  }
  gateway.close();
  const [bare, through] = outcomes;
  // An error of the gateway's own has more to say, and the code of the other one.
  if (isNamed(through)) expect(bare).toMatchObject(through);
  else expect(through).toEqual(bare);
  return bare;
}

function isNamed(outcome: unknown): outcome is { readonly code: unknown } {
  return Object.keys(Object(outcome)).join() === "code";
}

/** What a caller tells errors apart by. */
export function wordsOf(error: unknown): unknown {
  const { name, code, message, cause } = Object(error) as Error & { readonly code?: unknown };
  if (name === "GatewayError") return { code };
  const { code: caused } = Object(cause) as { readonly code?: unknown };
  return caused === undefined ? { name, code, message } : { name, message, caused };
}

export interface Served {
  readonly origin: string;
  close(): void;
}

export async function serve(
  listener: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<Served> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Answers with what it saw: request line, fields as they came, and every byte. */
export function echo(): Promise<Served> {
  return serve(async (req, res) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of req) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const { method, url, rawHeaders, trailers } = req;
    const body = Buffer.concat(chunks).toString("latin1").replace(BOUNDARY, "boundary");
    const fields = rawHeaders.map((text) => text.replace(BOUNDARY, "boundary"));
    res.end(JSON.stringify({ method, url, fields, trailers, bytes: body.length, body }));
  });
}

const BOUNDARY = /-*form-?data-[\w-]+/g;
