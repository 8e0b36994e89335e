/**
 * Origins that nobody configured: every one is served, however many came before, and what was kept
 * for those at rest goes.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createGateway } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { expect, it } from "vitest";
import { gate } from "./world.js";

const KEPT = 1_000;

function origins(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `http://origin-${from + index}.test/`);
}

it("the one that was unused for longest makes room, and its connection is closed", async () => {
  const sockets: Socket[] = [];
  const server = createServer((_req, res) => void res.end("ok")).listen(0, "127.0.0.1");
  server.on("connection", (socket) => void sockets.push(socket));
  await once(server, "listening");
  const first = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const gateway = createGateway({ onWarning: () => {} });
  const real = gatewayFetch(gateway);
  const played = gatewayFetch(gateway, { fetch: async () => new Response("played") });
  const names = (): string[] => gateway.snapshot().upstreams.map(({ name }) => name);

  expect(await (await real(first)).text()).toBe("ok");
  for (const url of origins(1, KEPT)) await played(url);
  expect(names()).toContain(first);
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false]);

  await played("http://one-more.test/");
  expect(names()).not.toContain(first);
  expect(names()).toContain("http://one-more.test");
  expect(names().length).toBe(KEPT);
  await expect.poll(() => sockets[0]?.destroyed).toBe(true);

  // It comes back as every other one does.
  expect(await (await real(first)).text()).toBe("ok");
  expect(names().length).toBe(KEPT);
  gateway.close();
  server.close();
});

it("calls to more origins at once than are kept are all served", async () => {
  const { opened, open } = gate();
  const fetch = async (): Promise<Response> => {
    await opened;
    return new Response("played");
  };
  const gateway = createGateway({ onWarning: () => {} });
  const played = gatewayFetch(gateway, { fetch });
  const all = origins(0, KEPT + 200).map((url) => played(url).then((answer) => answer.text()));
  open();
  expect(new Set(await Promise.all(all))).toEqual(new Set(["played"]));
  await played("http://origin-0.test/");
  expect(gateway.snapshot().upstreams.length).toBe(KEPT);
  gateway.close();
});
