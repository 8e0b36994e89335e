/**
 * Request smuggling: whatever a client writes, the upstream receives one well-formed request for
 * each that the client was allowed to make, or none. On real sockets, read by a strict reader.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createGateway } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SMUGGLING } from "./smuggling/cases.js";
import { complaints, type LetThrough, recorder, runCases } from "./smuggling/run-cases.js";

let through: readonly LetThrough[] = [];
let strays: readonly string[] = [];
let close = async (): Promise<void> => {};

beforeAll(async () => {
  const upstream = await recorder();
  const gateway = createGateway({
    name: "edge",
    upstreams: { app: { targets: `http://127.0.0.1:${upstream.port}`, breaker: false } },
    onWarning: () => {},
  });
  const proxy = nodeProxy(gateway.upstream("app"));
  const server = createServer(proxy);
  server.on("upgrade", proxy.upgrade).on("clientError", proxy.clientError);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  close = async () => {
    gateway.close();
    server.closeAllConnections();
    server.close();
    await upstream.close();
  };
  through = await runCases((server.address() as AddressInfo).port, upstream);
  strays = upstream.strays();
});

afterAll(() => close());

describe("a client that sends", () => {
  it("each of these has a name of its own", () => {
    const names = SMUGGLING.map(({ group, name }) => `${group}: ${name}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it.each(SMUGGLING.map((one, index) => [one.group, one.name, one, index] as const))(
    "%s: %s",
    (_group, _name, one, index) => {
      expect(complaints(one, through[index] as LetThrough)).toEqual([]);
    },
  );

  it("nothing reaches the upstream that belongs to none of them", () => {
    // `*` and an authority hold no path; both are answered without the upstream.
    expect(strays).toEqual([]);
  });
});
