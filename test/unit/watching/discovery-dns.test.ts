// Look-ups over a real socket to a name server of the test; waits on a clock that the test moves.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TargetInput } from "../../../src/options/target-options.js";
import { type DnsOptions, dns } from "../../../src/watching/discovery-dns.js";
import { type DnsServer, dnsServer } from "../../tools/dns-server.js";
import { ownAddresses, realAddresses } from "../../tools/own-addresses.js";

let server: DnsServer;
let stop: AbortController;

beforeEach(async () => {
  server = await dnsServer();
  stop = new AbortController();
});

afterEach(() => {
  stop.abort();
  server.close();
  realAddresses();
});

/** A source whose waits are noted and over at once. */
function lists(options: DnsOptions) {
  const waits: number[] = [];
  const tools = {
    sleep: async (ms: number) => void waits.push(ms),
    random: () => 0,
  };
  const source = dns({ servers: [server.at], ...options })(stop.signal, tools);
  const iterator = source[Symbol.asyncIterator]();
  const next = async (): Promise<readonly TargetInput[]> =>
    (await iterator.next()).value as readonly TargetInput[];
  return { next, waits };
}

const A = (data: string, ttl = 30) => ({ type: "A", data, ttl }) as const;
const AAAA = (data: string, ttl = 30) => ({ type: "AAAA", data, ttl }) as const;
const SRV = (data: string) => ({ type: "SRV", data, ttl: 30 }) as const;

describe("addresses of a name", () => {
  it("become targets with the port and path of the url, and its name as Host", async () => {
    ownAddresses("10.0.0.9", "fd00::9");
    server.records.set("orders.test", [A("10.0.0.6"), A("10.0.0.5"), AAAA("fd00::5")]);
    const { next } = lists({ url: "https://orders.test:8443/v1" });
    expect(await next()).toEqual(
      ["10.0.0.5", "10.0.0.6", "[fd00::5]"].map((host) => ({
        url: `https://${host}:8443/v1`,
        host: "orders.test:8443",
      })),
    );
  });

  it("are those of families that this machine has, unless one is written", async () => {
    ownAddresses("10.0.0.9");
    server.records.set("orders.test", [A("10.0.0.5"), AAAA("fd00::5")]);
    const url = "http://orders.test";
    expect(await lists({ url }).next()).toMatchObject([{ url: "http://10.0.0.5" }]);
    expect(await lists({ url, family: 6 }).next()).toMatchObject([{ url: "http://[fd00::5]" }]);
  });

  it("are asked for again after their shortest time to live, within bounds", async () => {
    server.records.set("orders.test", [A("10.0.0.5", 20), A("10.0.0.6", 40)]);
    const { next, waits } = lists({ url: "http://orders.test" });
    await next();
    server.records.set("orders.test", [A("10.0.0.7", 1)]);
    expect(await next()).toMatchObject([{ url: "http://10.0.0.7" }]);
    server.records.set("orders.test", [A("10.0.0.7", 9_000)]);
    await next();
    await next();
    expect(waits).toEqual([20_000, 5_000, 60_000]);
  });

  it("of one family are enough, and the other is not asked for where that is said", async () => {
    server.records.set("orders.test", [A("10.0.0.5")]);
    expect(await lists({ url: "http://orders.test" }).next()).toHaveLength(1);
    server.asked.length = 0;
    expect(await lists({ url: "http://orders.test", family: 4 }).next()).toHaveLength(1);
    expect(server.asked).toEqual(["A orders.test"]);
  });

  it("no more of them than are allowed, and always the same ones", async () => {
    const all = Array.from({ length: 30 }, (_, index) => A(`10.0.0.${index + 10}`));
    server.records.set("orders.test", all);
    const { next } = lists({ url: "http://orders.test", targetsMax: 3 });
    const first = await next();
    server.records.set("orders.test", all.toReversed());
    expect(await next()).toEqual(first);
    expect(first).toHaveLength(3);
  });

  it("that do not exist are a failure, as is a name server that fails", async () => {
    await expect(lists({ url: "http://orders.test" }).next()).rejects.toThrow("ENOTFOUND");
    server.records.set("orders.test", [A("10.0.0.5")]);
    server.failure = 2;
    await expect(lists({ url: "http://orders.test" }).next()).rejects.toThrow("ESERVFAIL");
  });
});

describe("SRV records", () => {
  it("give port, priority and weight; several addresses of a name share its weight", async () => {
    server.records.set("_http._tcp.orders.test", [
      SRV("10 60 8001 a.test"),
      SRV("10 20 8002 b.test"),
      SRV("20 0 8003 c.test"),
    ]);
    server.records.set("a.test", [A("10.0.0.1"), A("10.0.0.2")]);
    server.records.set("b.test", [A("10.0.0.3")]);
    server.records.set("c.test", [A("10.0.0.4")]);
    const { next } = lists({ url: "http://orders.test", srv: "_http._tcp.orders.test" });
    const host = "orders.test";
    expect(await next()).toEqual([
      { url: "http://10.0.0.1:8001", host, priority: 0, weight: 30 },
      { url: "http://10.0.0.2:8001", host, priority: 0, weight: 30 },
      { url: "http://10.0.0.3:8002", host, priority: 0, weight: 20 },
      { url: "http://10.0.0.4:8003", host, priority: 1, weight: 0.5 },
    ]);
  });
});

describe("what cannot be meant", () => {
  it.each([
    ["orders:8080", "is not an address that can be asked"],
    ["unix:/run/app.sock", "has no name to look up"],
    [
      { url: "http://orders", intervalMsMin: 0 },
      "intervalMsMin: 0 is not a number of milliseconds",
    ],
    [{ url: "http://orders", interval: 5_000 }, 'interval: unknown option; did you mean "interv'],
    [{ url: "http://orders", family: 5 }, "family: 5 is neither 4 nor 6"],
    [{ url: "http://orders", targetsMax: 1.5 }, "targetsMax: 1.5 is not an integer of at least 1"],
    [{ url: "http://orders", srv: "http://a" }, 'srv: "http://a" is not a name of SRV records'],
    [{ url: "http://orders", servers: ["no address"] }, "servers: "],
    [{ url: "http://orders", tls: { verify: false } }, "tls.verify: unknown option"],
    [undefined, "undefined is no object of options"],
  ])("%j is refused at once", (options, message) => {
    expect(() => dns(options as string)).toThrow(message);
  });
});
