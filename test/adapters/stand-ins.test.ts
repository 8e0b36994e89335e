/**
 * What stands in for the network in tests of applications is asked by every door: undici's
 * MockAgent, msw and nock. What they do not answer is sent, or refused, as they say.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createGateway, type Gateway, type Upstream } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { nodeProxy } from "good-gateway/node";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import nock from "nock";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { echo, type Served, serve } from "./undici-compared.js";
import { UNDICIS, type Undici, type UndiciMock } from "./undici-versions.js";

nock.restore();

const MOCKED = "http://api.example";

/** A door as an application uses it: asks an upstream for a path, and tells status and text. */
type Door = (upstream: Upstream, path: string, body?: string) => Promise<readonly unknown[]>;

async function throughProxy(upstream: Upstream, path: string, body?: string) {
  const proxy = createServer(nodeProxy(upstream)).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${path}`;
  const answer = await asClient(url, body);
  proxy.closeAllConnections();
  proxy.close();
  return answer;
}

/** A client that no stand-in knows: these are about what the gateway sends. */
async function asClient(url: string, body?: string): Promise<readonly unknown[]> {
  const { Agent, request } = await import("undici");
  const dispatcher = new Agent();
  const method = body === undefined ? "GET" : "POST";
  const answer = await request(url, { method, body: body ?? null, dispatcher });
  const told = [answer.statusCode, await answer.body.text()];
  await dispatcher.destroy();
  return told;
}

const DOORS: readonly (readonly [string, Door])[] = [
  [
    "gatewayFetch",
    async (upstream, path, body) => {
      const init = body === undefined ? {} : { method: "POST", body };
      const answer = await gatewayFetch(upstream, { onFailure: "respond" })(path, init);
      return [answer.status, await answer.text()];
    },
  ],
  ["nodeProxy", throughProxy],
  [
    "send",
    async (upstream, path, body) => {
      const outcome = await upstream.send({
        ...{ method: body === undefined ? "GET" : "POST", path, body: body ?? null },
      });
      if (outcome.kind === "no_response") return [500, outcome.failure.code];
      return [outcome.response.status, await outcome.response.body.text()];
    },
  ],
];

let server: Served;
let gateway: Gateway<"mocked" | "real">;

beforeAll(async () => {
  server = await echo();
});
afterAll(() => server.close());
beforeEach(() => {
  const upstreams = { mocked: { targets: MOCKED }, real: { targets: server.origin } };
  gateway = createGateway({ upstreams, defaults: { retry: false }, onWarning: () => {} });
});
afterEach(() => gateway.close());

/** What every stand-in is told to answer, and what it does. */
async function isAsked(door: Door): Promise<void> {
  const mocked = gateway.upstream("mocked");
  expect(await door(mocked, "/a")).toEqual([200, "mocked"]);
  expect(await door(mocked, "/posted", "data")).toEqual([201, "as expected"]);
  // Whatever the stand-in makes of it, it does not come from there.
  const [status] = await door(mocked, "/unknown");
  expect(status).not.toBe(200);
}

describe.each(UNDICIS)("a MockAgent of %s, as the global dispatcher", (_name, undici) => {
  const test = it.skipIf(undici === null);
  const own = undici as Undici;
  let mock: UndiciMock;
  let before: unknown;

  beforeEach(() => {
    if (undici === null) return;
    before = own.getGlobalDispatcher();
    mock = new own.MockAgent();
    mock.disableNetConnect();
    own.setGlobalDispatcher(mock);
    const pool = mock.get(MOCKED);
    pool.intercept({ path: "/a", method: "GET" }).reply(200, "mocked");
    const expected = { path: "/posted", method: "POST", body: "data" };
    pool.intercept(expected).reply(201, "as expected");
  });
  afterEach(async () => {
    if (undici === null) return;
    own.setGlobalDispatcher(before);
    await mock.close();
  });

  test.each(DOORS)("is asked by %s, and nothing else leaves", async (_door, door) => {
    await isAsked(door);
    mock.assertNoPendingInterceptors();
    const [status, text] = await door(gateway.upstream("real"), "/left");
    expect([status, String(text).includes("/left")]).toEqual([500, false]);
  });

  test.each(DOORS)("lets %s through to what it allows", async (_door, door) => {
    mock.enableNetConnect(new URL(server.origin).host);
    const [status, text] = await door(gateway.upstream("real"), "/real", "body");
    expect([status, JSON.parse(String(text))]).toMatchObject([200, { url: "/real", bytes: 4 }]);
  });

  test("is believed to be there: a probe that asks for a path asks nobody", async () => {
    let probed = 0;
    const app = await serve((_req, res) => {
      probed += 1;
      res.end();
    });
    const probe = { path: "/up", intervalMs: 20, timeoutMs: 500 };
    const probing = createGateway({ upstreams: { app: { targets: app.origin, probe } } });
    const ended = new Promise((resolve) => probing.once("probe:end", resolve));
    await probing.upstream("app").send({ path: "/" });
    expect(await ended).toMatchObject({ passed: true });
    expect(probed).toBe(0);
    probing.close();
    app.close();
  });
});

describe("nock", () => {
  beforeEach(() => {
    nock.activate();
    nock.disableNetConnect();
    nock.enableNetConnect("127.0.0.1");
    nock(MOCKED).get("/a").reply(200, "mocked").post("/posted", "data").reply(201, "as expected");
  });
  afterEach(() => {
    nock.cleanAll();
    nock.restore();
  });

  it.each(DOORS)("is asked by %s, and lets through what it allows", async (_door, door) => {
    await isAsked(door);
    expect(nock.isDone()).toBe(true);
    const [status, text] = await door(gateway.upstream("real"), "/real", "body");
    expect([status, JSON.parse(String(text))]).toMatchObject([200, { url: "/real", bytes: 4 }]);
  });
});

describe("msw", () => {
  const worker = setupServer(
    http.get(`${MOCKED}/a`, () => new HttpResponse("mocked")),
    http.post(`${MOCKED}/posted`, async ({ request }) => {
      const isExpected = (await request.text()) === "data";
      return new HttpResponse(isExpected ? "as expected" : "another", { status: 201 });
    }),
    http.get(`${MOCKED}/unknown`, () => HttpResponse.error()),
  );
  beforeAll(() => worker.listen({ onUnhandledRequest: "bypass" }));
  afterAll(() => worker.close());

  it.each(DOORS)("lets %s name what it takes for a network error", async (_door, door) => {
    const [status, text] = await door(gateway.upstream("mocked"), "/unknown");
    expect(status).toBeGreaterThanOrEqual(500);
    expect(text).toMatch(/^connection_terminated$|"connection_terminated"/);
  });

  it.each(DOORS)("is asked by %s, and lets through what it does not know", async (_door, door) => {
    await isAsked(door);
    const [status, text] = await door(gateway.upstream("real"), "/real", "body");
    expect([status, JSON.parse(String(text))]).toMatchObject([200, { url: "/real", bytes: 4 }]);
  });
});
