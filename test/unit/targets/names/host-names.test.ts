import dns from "node:dns";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { eventLoopTurn, systemClock } from "../../../../src/base/clock.js";
import { HostNames } from "../../../../src/targets/names/host-names.js";
import { MachineNames } from "../../../../src/targets/names/machine-names.js";
import { SystemNames } from "../../../../src/targets/names/system-names.js";
import { virtualClock } from "../../../../src/testing/virtual-clock.js";
import { type DnsServer, dnsServer } from "../../../tools/dns-server.js";
import { ownAddresses, realAddresses } from "../../../tools/own-addresses.js";

let server: DnsServer;
let folder: string;

beforeEach(async () => {
  server = await dnsServer();
  folder = mkdtempSync(join(tmpdir(), "names-"));
});

afterEach(() => {
  realAddresses();
  server.close();
  rmSync(folder, { recursive: true });
});

interface Machine {
  readonly hosts?: string;
  readonly servers?: string;
  readonly order?: string;
}

function machine({ hosts = "", servers = "", order = "hosts: files dns\n" }: Machine = {}) {
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const files = {
    hosts: file("hosts", hosts),
    servers: file("servers", servers),
    order: file("order", order),
  };
  return new MachineNames(systemClock, files, [server.at]);
}

const a = (data: string, ttl = 30) => ({ type: "A", data, ttl }) as const;
const aaaa = (data: string, ttl = 30) => ({ type: "AAAA", data, ttl }) as const;

/** The addresses in one text, or the code of the error. */
async function found(of: { find(name: string): Promise<unknown> | null }, name: string) {
  try {
    const { addresses } = (await of.find(name)) as { addresses: { address: string }[] };
    return addresses.map(({ address }) => address).join(" ");
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function lookUp(names: HostNames, hostname: string): Promise<string> {
  return new Promise((resolve) => {
    names.addresses(hostname, (error, addresses) => {
      const told = addresses.map(({ address }) => address).join(" ");
      resolve(error === null ? told : ((error as NodeJS.ErrnoException).code ?? ""));
    });
  });
}

describe("a name is looked up as the machine does", () => {
  it("in the file of hosts first, whatever the case", async () => {
    const names = machine({ hosts: "10.0.0.7 Orders orders.internal # ours\n" });
    expect(await found(names, "ORDERS.internal")).toBe("10.0.0.7");
    expect(await found(names, "orders")).toBe("10.0.0.7");
    expect(server.asked).toEqual([]);
  });

  it("localhost is this machine, whoever is asked", async () => {
    ownAddresses("127.0.0.1", "::1");
    expect((await found(machine(), "localhost"))?.split(" ").sort()).toEqual(["127.0.0.1", "::1"]);
    expect(server.asked).toEqual([]);
  });

  it("in the search domains, in their order, a name with enough dots as it is first", async () => {
    server.records.set("orders.b.test", [a("10.0.0.1")]);
    const names = machine({ servers: "search a.test b.test\noptions ndots:2\n" });
    expect(await found(names, "orders")).toBe("10.0.0.1");
    const asked = server.asked.filter((one) => one.startsWith("A ")).map((one) => one.slice(2));
    expect(asked).toEqual(["orders.a.test", "orders.b.test"]);
    server.asked.length = 0;
    expect(await found(names, "x.y.z")).toBe("ENOTFOUND");
    expect(server.asked.filter((one) => one.startsWith("A "))[0]).toBe("A x.y.z");
    server.asked.length = 0;
    expect(await found(names, "orders.")).toBe("ENOTFOUND");
    expect(new Set(server.asked)).toEqual(new Set(["A orders", "AAAA orders"]));
  });

  it("a domain that cannot be asked leaves it open whether there is such a name", async () => {
    server.failures.set("orders.a.test", 2);
    const names = machine({ servers: "search a.test b.test\n" });
    expect(await found(names, "orders")).toBe("ESERVFAIL");
  });

  it("by the system where names come from elsewhere, too, or where there are no such files", () => {
    expect(machine({ order: "hosts: files mdns4_minimal [NOTFOUND=return] dns\n" }).find("a")).toBe(
      null,
    );
    const none = join(folder, "none");
    const files = { hosts: none, servers: none, order: none };
    expect(new MachineNames(systemClock, files).find("a")).toBe(null);
  });

  it("by the files as they are now", async () => {
    const clock = virtualClock();
    const file = (text: string): string => {
      writeFileSync(join(folder, "hosts"), text);
      return join(folder, "hosts");
    };
    writeFileSync(join(folder, "servers"), "");
    const files = {
      hosts: file("10.0.0.1 orders\n"),
      servers: join(folder, "servers"),
      order: join(folder, "none"),
    };
    const names = new MachineNames(clock, files, [server.at]);
    expect(await found(names, "orders")).toBe("10.0.0.1");
    file("10.0.0.20 orders\n");
    await clock.advance(1_000);
    expect(await found(names, "orders")).toBe("10.0.0.20");
  });
});

describe("the families of a name", () => {
  it("one that is not answered does not keep the other back", async () => {
    server.records.set("orders.test", [a("10.0.0.1")]);
    server.silent.add("AAAA orders.test");
    expect(await found(machine(), "orders.test")).toBe("10.0.0.1");
  });

  it("one that is answered by an error does not, either", async () => {
    server.records.set("orders.test", [aaaa("2001:db8::1")]);
    server.failures.set("A orders.test", 2);
    expect(await found(machine(), "orders.test")).toBe("2001:db8::1");
  });

  it("one that this machine does not have is left out, by the system, too", async () => {
    server.records.set("orders.test", [a("10.0.0.1"), aaaa("2001:db8::1")]);
    vi.spyOn(dns.promises, "lookup").mockImplementation((async () => [
      { address: "10.0.0.1", family: 4 },
      { address: "2001:db8::1", family: 6 },
    ]) as never);
    const both = async () => [
      await found(machine(), "orders.test"),
      await found(new SystemNames(systemClock), "orders.test"),
    ];
    ownAddresses("10.0.0.9");
    expect(await both()).toEqual(["10.0.0.1", "10.0.0.1"]);
    ownAddresses("2001:db8::9");
    expect(await both()).toEqual(["2001:db8::1", "2001:db8::1"]);
    ownAddresses("10.0.0.9", "2001:db8::9");
    expect(await both()).toEqual(["2001:db8::1 10.0.0.1", "10.0.0.1 2001:db8::1"]);
    ownAddresses("127.0.0.1");
    expect(await both()).toEqual(["2001:db8::1 10.0.0.1", "10.0.0.1 2001:db8::1"]);
  });

  it("that did not work is not tried first for a while", async () => {
    const clock = virtualClock();
    const addresses = [
      { address: "2001:db8::1", family: 6 },
      { address: "10.0.0.1", family: 4 },
    ];
    const names = new HostNames(clock, async () => ({ addresses, ttlMs: 5_000 }));
    expect(await lookUp(names, "orders.test")).toBe("2001:db8::1 10.0.0.1");
    names.connected("orders.test", 4);
    expect(await lookUp(names, "orders.test")).toBe("10.0.0.1 2001:db8::1");
    names.connected("orders.test", 4);
    await clock.advance(600_000);
    expect(await lookUp(names, "orders.test")).toBe("2001:db8::1 10.0.0.1");
  });
});

describe("look-ups by the system", () => {
  /** Those under way, in their order; a name is answered by an address, or not at all. */
  function asking() {
    const clock = virtualClock();
    const under: string[] = [];
    const ends = new Map<string, (address?: string) => void>();
    const fake = (name: string): Promise<unknown> => {
      under.push(name);
      return new Promise((resolve, reject) => {
        ends.set(name, (address) => {
          under.splice(under.indexOf(name), 1);
          if (address !== undefined) resolve([{ address, family: 4 }]);
          else reject(Object.assign(new Error("no answer"), { code: "EAI_AGAIN" }));
        });
      });
    };
    vi.spyOn(dns.promises, "lookup").mockImplementation(fake as never);
    const names = new SystemNames(clock);
    const end = async (name: string, address?: string) => {
      ends.get(name)?.(address);
      await eventLoopTurn();
    };
    return { clock, under, end, find: (name: string) => found(names, name) };
  }

  it("take two threads; of names not answered lately one is asked at a time", async () => {
    const { clock, under, end, find } = asking();
    const all = ["a", "b", "c"];
    const first = all.map(find);
    expect(under).toEqual(["a", "b"]);
    await clock.advance(5_000);
    await Promise.all([end("a"), end("b")]);
    expect(under).toEqual(["c"]);
    await clock.advance(5_000);
    await end("c");
    expect(await Promise.all(first)).toEqual(["EAI_AGAIN", "EAI_AGAIN", "EAI_AGAIN"]);
    const again = all.map(find);
    expect(under).toEqual(["a"]);
    await end("a");
    await again[0];
    expect(under).toEqual(["b"]);
    void find("well");
    expect(under).toEqual(["b", "well"]);
  });

  it("of a name that was answered come first: behind one new name, not behind all", async () => {
    const { clock, under, end, find } = asking();
    const known = find("well");
    await end("well", "10.0.0.1");
    expect(await known).toBe("10.0.0.1");
    for (const dead of ["a", "b", "c", "d", "e"]) void find(dead);
    const waiting = find("well");
    expect(under).toEqual(["a", "b"]);
    await clock.advance(5_000);
    await end("a");
    expect(under).toEqual(["b", "well"]);
    await end("well", "10.0.0.2");
    expect(await waiting).toBe("10.0.0.2");
  });
});

describe("look-ups of all connections together", () => {
  it("are one for each name at a time", async () => {
    server.records.set("orders.test", [a("10.0.0.1", 0)]);
    const ours = machine();
    const names = new HostNames(systemClock, (name) => ours.find(name) as never);
    const all = await Promise.all(Array.from({ length: 50 }, () => lookUp(names, "orders.test")));
    expect(new Set(all)).toEqual(new Set(["10.0.0.1"]));
    expect(server.asked.sort()).toEqual(["A orders.test", "AAAA orders.test"]);
    // It lives no longer than this moment, so it is asked for again.
    await lookUp(names, "orders.test");
    expect(server.asked).toHaveLength(4);
  });

  it("are kept as long as the answer lives, and that there is none for a second", async () => {
    let asked = 0;
    const lives = { "long.test": 1_000_000, "short.test": 5_000 };
    const askedIn = async (name: string, ms: number): Promise<number> => {
      asked = 0;
      const clock = virtualClock();
      const names = new HostNames(clock, async () => {
        asked += 1;
        const ttlMs = lives[name as keyof typeof lives];
        if (ttlMs === undefined) throw Object.assign(new Error("none"), { code: "ENOTFOUND" });
        return { addresses: [{ address: "10.0.0.1", family: 4 }], ttlMs };
      });
      await lookUp(names, name);
      await clock.advance(ms);
      await lookUp(names, name);
      return asked;
    };
    expect(await askedIn("short.test", 4_999)).toBe(1);
    expect(await askedIn("short.test", 5_000)).toBe(2);
    expect(await askedIn("long.test", 59_000)).toBe(1);
    expect(await askedIn("long.test", 60_000)).toBe(2);
    expect(await askedIn("none.test", 999)).toBe(1);
    expect(await askedIn("none.test", 1_000)).toBe(2);
  });

  it("begin anew when nobody could be connected to", async () => {
    let number = 0;
    const names = new HostNames(virtualClock(), async () => {
      number += 1;
      return { addresses: [{ address: `10.0.0.${number}`, family: 4 }], ttlMs: 60_000 };
    });
    expect(await lookUp(names, "orders.test")).toBe("10.0.0.1");
    names.unconnected("orders.test");
    expect(await lookUp(names, "orders.test")).toBe("10.0.0.2");
  });

  it("of names that nobody answers keep no other name waiting", async () => {
    server.records.set("well.test", [a("10.0.0.1")]);
    const dead = Array.from({ length: 20 }, (_, index) => `dead-${index}.test`);
    for (const name of dead) server.silent.add(name);
    const ours = machine({ servers: "options timeout:1 attempts:1\n" });
    const names = new HostNames(systemClock, (name) => ours.find(name) as never);
    let over = 0;
    const waiting = dead.map((name) => lookUp(names, name).finally(() => (over += 1)));
    expect(await lookUp(names, "well.test")).toBe("10.0.0.1");
    expect(over).toBe(0);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["ETIMEOUT"]));
  });

  it("remember a bounded number of names", async () => {
    let asked = 0;
    const names = new HostNames(virtualClock(), async () => {
      asked += 1;
      return { addresses: [{ address: "10.0.0.1", family: 4 }], ttlMs: 60_000 };
    });
    for (let index = 0; index <= 1_000; index += 1) await lookUp(names, `${index}.test`);
    asked = 0;
    await lookUp(names, "1000.test");
    expect(asked).toBe(0);
    await lookUp(names, "0.test");
    expect(asked).toBe(1);
  });
});
