/**
 * What name servers of a front say, and what the doctor makes of it. The servers here are a table.
 */
import { describe, expect, it } from "vitest";
import type { NameQuestion } from "../../../../src/cli/doctor/config/front-config.js";
import { askQuestions } from "../../../../src/cli/doctor/rules/resolver-rules.js";
import { type DoctorWorld, systemWorld } from "../../../../src/cli/doctor/world/world.js";
import type { Finding } from "../../../../src/diagnosis/diagnosis-report.js";

/** A code is what asking ends with; an address is what is answered. */
type Table = Readonly<Record<string, string>>;

const coded = (code: string): Error => Object.assign(new Error(code), { code });

function world(servers: Table, system: Table = {}): DoctorWorld {
  return {
    ...systemWorld,
    async lookup(name) {
      const address = system[name];
      if (address === undefined) throw coded("ENOTFOUND");
      return [{ address, family: 4 }];
    },
    async askNameServer(server, _, family) {
      const said = servers[server] ?? "ETIMEOUT";
      if (said.startsWith("E")) throw coded(said);
      if (family === 6) throw coded("ENODATA");
      return [said];
    },
  };
}

const where = { file: "nginx.conf", line: 3 };

async function found(
  machine: DoctorWorld,
  servers: readonly string[],
  host: string | null = "app.internal",
): Promise<Finding | undefined> {
  const nameServers = { servers, families: [4, 6], where } as const;
  const question: NameQuestion = { nameServers, host, context: "location /", manner: {} };
  const { findings, steps } = await askQuestions(machine, [question, question]);
  expect(findings.length).toBeLessThanOrEqual(1);
  expect(steps).toHaveLength(1);
  return findings[0];
}

describe("name servers of a front", () => {
  it("are well when they know the name, though in one family only", async () => {
    expect(await found(world({ "10.0.0.2": "10.0.0.9" }), ["10.0.0.2"])).toBeUndefined();
  });

  it("are all out of reach: a fault with the line of the resolver", async () => {
    const machine = world({ "10.0.0.2": "ECONNREFUSED", "[::1]:5353": "ETIMEOUT" });
    expect(await found(machine, ["10.0.0.2", "[::1]:5353"])).toMatchObject({
      severity: "fault",
      cause: "resolver_unreachable",
      layer: "resolve",
      blame: "proxy",
      code: "dns_timeout",
      where,
    });
  });

  it("are not certain to be dead when they have Docker's address", async () => {
    const finding = await found(world({ "127.0.0.11": "ECONNREFUSED" }), ["127.0.0.11"]);
    expect(finding).toMatchObject({ cause: "resolver_unreachable", confidence: "likely" });
    expect(finding?.fix).toContain("inside the container");
  });

  it("are out of reach in part: some names come late", async () => {
    const machine = world({ "10.0.0.2": "10.0.0.9" });
    expect(await found(machine, ["10.0.0.2", "10.0.0.3"])).toMatchObject({
      severity: "warning",
      cause: "one_resolver_unreachable",
      write: "resolver 10.0.0.2;",
    });
  });

  it("answer with an error", async () => {
    const machine = world({ "10.0.0.2": "EREFUSED" });
    expect(await found(machine, ["10.0.0.2"])).toMatchObject({ cause: "name_server_fails" });
    // Without a name any answer is a good one.
    expect(await found(machine, ["10.0.0.2"], null)).toBeUndefined();
  });

  it("do not know a name that only the system knows, or that nobody knows", async () => {
    const servers = { "10.0.0.2": "ENOTFOUND" };
    const system = world(servers, { app: "10.0.0.9" });
    const known = await found(system, ["10.0.0.2"], "app");
    expect(known).toMatchObject({ cause: "name_unknown_to_resolver" });
    expect(known?.evidence).toContain("the system resolves it to 10.0.0.9");
    const nobody = await found(world(servers), ["10.0.0.2"]);
    expect(nobody).toMatchObject({ cause: "name_does_not_exist", code: "dns_name_not_found" });
  });

  it("have names themselves, which the system resolves", async () => {
    const named = world({ "10.0.0.2:53": "10.0.0.9" }, { "dns.internal": "10.0.0.2" });
    expect(await found(named, ["dns.internal:53"])).toBeUndefined();
    expect(await found(world({}), ["dns.internal"])).toMatchObject({
      cause: "resolver_unreachable",
    });
  });
});
