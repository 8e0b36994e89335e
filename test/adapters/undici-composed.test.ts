/**
 * `gatewayInterceptor` beside undici's own interceptors, in both orders: what the upstream was
 * asked, and how often.
 */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type CallRecord, createGateway } from "good-gateway";
import { gatewayInterceptor } from "good-gateway/undici";
import { Agent, type Dispatcher, interceptors, request } from "undici";
import { afterEach, describe, expect, it } from "vitest";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Interceptor = Dispatcher.DispatcherComposeInterceptor;

/** The later one is the outer one: it is asked first. */
async function world(
  theirs: () => Interceptor,
  outer: "theirs" | "ours",
  listener: RequestListener,
  retry: false | { readonly backoffBaseMs: number } = false,
) {
  const asked: string[] = [];
  const server = createServer((req, res) => {
    asked.push(String(req.url));
    listener(req, res);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const gateway = createGateway({ upstreams: { app: { targets: origin, retry, breaker: false } } });
  const records: CallRecord[] = [];
  gateway.on("call:end", (record) => void records.push(record));
  const ours = gatewayInterceptor(gateway) as unknown as Interceptor;
  const order = outer === "theirs" ? [ours, theirs()] : [theirs(), ours];
  const agent = new Agent().compose(...order);
  closing.push(
    () => server.close(),
    () => server.closeAllConnections(),
    () => gateway.close(),
    () => agent.close(),
  );
  const ask = async (path: string, options: object = {}) => {
    const { statusCode, body } = await request(origin + path, { dispatcher: agent, ...options });
    return { status: statusCode, text: await body.text() };
  };
  return { asked, records, ask };
}

const ORDERS = ["theirs", "ours"] as const;

describe.each(ORDERS)("with %s outside", (outer) => {
  const isSeen = outer === "theirs";

  it("redirect follows: calls of their own where it is asked first, else one call", async () => {
    const { asked, records, ask } = await world(
      () => interceptors.redirect({ maxRedirections: 3 }),
      outer,
      (req, res) => {
        if (req.url === "/old") res.writeHead(302, { location: "/new" }).end();
        else res.end("new");
      },
    );
    const { status, text } = await ask("/old");
    expect([status, text]).toEqual([200, "new"]);
    expect(asked).toEqual(["/old", "/new"]);
    const calls = isSeen ? ["/old", "/new"] : ["/old"];
    await expect.poll(() => records.map(({ path }) => path)).toEqual(calls);
  });

  it("retry repeats: whole calls where it is asked first, else within one", async () => {
    let failures = 2;
    const { asked, records, ask } = await world(
      () => interceptors.retry({ maxRetries: 3, minTimeout: 1, timeoutFactor: 1 }),
      outer,
      (_req, res) => {
        failures -= 1;
        res.writeHead(failures >= 0 ? 503 : 200).end("end");
      },
    );
    const answer = await ask("/");
    expect(answer.status).toBe(200);
    expect(asked).toHaveLength(3);
    await expect.poll(() => records.length).toBe(isSeen ? 3 : 1);
  });

  it("cache answers: without a call where it is asked first, else as the upstream", async () => {
    const { asked, records, ask } = await world(
      () => interceptors.cache(),
      outer,
      (_req, res) => res.writeHead(200, { "cache-control": "max-age=60" }).end("kept"),
    );
    for (let call = 0; call < 2; call += 1) expect((await ask("/")).text).toBe("kept");
    expect(asked).toHaveLength(1);
    await expect.poll(() => records.length).toBe(isSeen ? 1 : 2);
  });

  it("deduplicate asks once for what is asked at the same time", async () => {
    let answer = (): void => {};
    const { asked, records, ask } = await world(
      () => interceptors.deduplicate(),
      outer,
      (_req, res) => {
        const before = answer;
        answer = () => {
          before();
          res.end("one");
        };
      },
    );
    const all = [ask("/"), ask("/"), ask("/")];
    await expect.poll(() => asked.length).toBe(1);
    answer();
    expect((await Promise.all(all)).map(({ text }) => text)).toEqual(["one", "one", "one"]);
    expect(asked).toHaveLength(1);
    await expect.poll(() => records.length).toBe(isSeen ? 1 : 3);
  });

  it("dns asked first makes the call one of the address, not of the upstream", async () => {
    const { asked, records, ask } = await world(
      () => interceptors.dns({ dualStack: false, affinity: 4 }),
      outer,
      (req, res) => res.end(String(req.headers.host)),
    );
    const { status } = await ask("/where");
    expect([status, asked]).toEqual([200, ["/where"]]);
    await expect.poll(() => records.length).toBe(1);
    const upstream = records[0]?.upstream;
    if (isSeen) expect(upstream).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    else expect(upstream).toBe("app");
  });
});
