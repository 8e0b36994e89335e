/**
 * What is never connected to: judged by the address that a name resolves to, however it is
 * written, for origins of others and for redirects to them.
 */
import dns from "node:dns";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createGateway, type Gateway, GatewayError, type GatewayOptions } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { gatewayInterceptor } from "good-gateway/undici";
import { Agent, fetch as undiciFetch } from "undici";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

/** Answers everything; `/to?URL` redirects. */
const server: Server = createServer((req, res) => {
  reached += 1;
  const [, to] = (req.url as string).split("/to?");
  if (to === undefined) res.end("reached");
  else res.writeHead(302, { location: decodeURIComponent(to) }).end();
});
let reached = 0;
let port = 0;
const gateways: Gateway[] = [];

beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
afterEach(() => {
  for (const gateway of gateways.splice(0)) gateway.close();
  for (const agent of agents.splice(0)) void agent.destroy();
  reached = 0;
});

function made(options: Partial<GatewayOptions> = {}): Gateway {
  const gateway = createGateway({ ...options, onWarning: () => {} });
  gateways.push(gateway);
  return gateway;
}

type Asked = (gateway: Gateway, url: string) => Promise<{ text(): Promise<string> }>;

/** The doors that take addresses of others; the second goes over an agent of the application. */
const DOORS: readonly (readonly [string, Asked])[] = [
  ["gatewayFetch", (gateway, url) => gatewayFetch(gateway)(url)],
  [
    "gatewayInterceptor",
    async (gateway, url) => {
      const agent = new Agent();
      agents.push(agent);
      return undiciFetch(url, { dispatcher: agent.compose(gatewayInterceptor(gateway)) });
    },
  ],
];
const agents: Agent[] = [];
let ask: Asked;

/** The code of the failure, wherever in the error it is; or the text of the answer. */
async function outcomeOf(gateway: Gateway, url: string): Promise<string> {
  try {
    const answer = await ask(gateway, url);
    return await answer.text();
  } catch (error) {
    for (let one = error; one instanceof Error; one = one.cause) {
      if (one instanceof GatewayError) return one.code;
      if (one.name === "NamedError") return one.message;
    }
    throw error;
  }
}

const FORBIDDEN = "destination_ip_prohibited";
const PRIVATE = { addresses: { forbid: ["private"] } } as const;

describe.each(DOORS)("%s", (_name, door) => {
  beforeAll(() => {
    ask = door;
  });

  describe("an origin that nobody has configured", () => {
    it("may be on this host, unless that is forbidden", async () => {
      expect(await outcomeOf(made(), `http://127.0.0.1:${port}/`)).toBe("reached");
      expect(await outcomeOf(made(PRIVATE), `http://127.0.0.1:${port}/`)).toBe(FORBIDDEN);
    });

    it.each([
      "http://169.254.169.254/latest/meta-data/",
      "http://169.254.169.254.nip.example/",
      "http://[fd00:ec2::254]/",
      "http://[::ffff:169.254.169.254]/",
      "http://[64:ff9b::169.254.169.254]/",
      "http://[2002:a9fe:a9fe::]/",
      "http://2852039166/",
      "http://0251.0376.0251.0376/",
      "http://0xA9FEA9FE/",
      "http://168.63.129.16/",
      "http://100.100.100.200/",
    ])("never serves the credentials of a cloud: %s", async (url) => {
      const resolved = resolving({ "169.254.169.254.nip.example": ["169.254.169.254"] });
      expect(await outcomeOf(made(), url)).toBe(FORBIDDEN);
      resolved();
    });

    it.each([
      "127.0.0.1",
      "localhost",
      "2130706433",
      "0177.0.0.1",
      "0x7f.1",
      "127.1",
      "[::ffff:127.0.0.1]",
      "[::ffff:7f00:1]",
      "[::127.0.0.1]",
      "[64:ff9b::7f00:1]",
    ])("is not this host in any spelling, where that is forbidden: %s", async (host) => {
      expect(await outcomeOf(made(PRIVATE), `http://${host}:${port}/`)).toBe(FORBIDDEN);
      expect(reached).toBe(0);
    });

    it("is judged by the very addresses that are connected to, each time anew", async () => {
      const gateway = made({ addresses: { forbid: ["10.0.0.0/8"] } });
      const url = `http://rebinding.example:${port}/`;
      const first = resolving({ "rebinding.example": ["127.0.0.1"] });
      expect(await outcomeOf(gateway, url)).toBe("reached");
      first();
      server.closeAllConnections();
      const second = resolving({ "rebinding.example": ["10.0.0.1"] });
      expect(await outcomeOf(gateway, url)).toBe(FORBIDDEN);
      second();
      const both = resolving({ "rebinding.example": ["10.0.0.1", "127.0.0.1"] });
      expect(await outcomeOf(gateway, url)).toBe("reached");
      both();
    });

    it("may be let through although its range is forbidden", async () => {
      const gateway = made({ addresses: { forbid: ["private"], allow: ["127.0.0.1/32"] } });
      expect(await outcomeOf(gateway, `http://127.0.0.1:${port}/`)).toBe("reached");
      expect(await outcomeOf(gateway, `http://127.0.0.2:${port}/`)).toBe(FORBIDDEN);
    });

    it("is bounded by the defaults of the gateway, too", async () => {
      const defaults = { addresses: { forbid: ["127.0.0.2"] } };
      const first = `http://127.0.0.1:${port}/`;
      const second = `http://127.0.0.2:${port}/`;
      for (const options of [
        { defaults },
        { defaults, addresses: false },
        { defaults, addresses: { forbid: ["private"], allow: ["loopback"] } },
      ] as const) {
        expect(await outcomeOf(made(options), first)).toBe("reached");
        expect(await outcomeOf(made(options), second)).toBe(FORBIDDEN);
        const redirected = `${first}to?${encodeURIComponent(second)}`;
        expect(await outcomeOf(made(options), redirected)).toBe(FORBIDDEN);
      }
      const both = { defaults, addresses: { forbid: ["127.0.0.1"] } };
      expect(await outcomeOf(made(both), first)).toBe(FORBIDDEN);
    });

    it("is guarded by nothing where that is switched off", async () => {
      const gateway = made({
        addresses: false,
        defaults: { timeouts: { connectMs: 50 }, retry: false },
      });
      const resolved = resolving({ "metadata.example": ["127.0.0.1"] });
      expect(await outcomeOf(gateway, `http://metadata.example:${port}/`)).toBe("reached");
      resolved();
    });
  });

  describe("a redirect", () => {
    it("to another origin is guarded, by address and by name", async () => {
      const gateway = made({
        upstreams: { own: { targets: `http://127.0.0.1:${port}` } },
        addresses: { forbid: ["private"] },
      });
      const to = (url: string) => `http://127.0.0.1:${port}/to?${encodeURIComponent(url)}`;
      for (const url of [
        `http://127.0.0.2:${port}/`,
        `http://[::ffff:127.0.0.2]:${port}/`,
        `http://localhost:${port}/`,
        "http://169.254.169.254/",
      ]) {
        expect(await outcomeOf(gateway, to(url)), url).toBe(FORBIDDEN);
      }
      expect(reached).toBe(4);
    });
  });
});

describe("an upstream", () => {
  it("is trusted to be where it is configured, unless it says otherwise", async () => {
    const targets = `http://127.0.0.1:${port}`;
    const gateway = made({
      upstreams: { own: { targets }, guarded: { targets, addresses: { forbid: ["loopback"] } } },
      addresses: { forbid: ["private"] },
    });
    const answer = await gatewayFetch(gateway.upstream("own"))("/");
    expect(await answer.text()).toBe("reached");
    const outcome = await gateway.upstream("guarded").send({ path: "/" });
    expect(outcome.kind === "no_response" && outcome.failure.code).toBe(FORBIDDEN);
    expect(reached).toBe(1);
  });

  it("that is forbidden is not probed either", async () => {
    const targets = `http://127.0.0.1:${port}`;
    const probe = { path: "/up", intervalMs: 20, timeoutMs: 500 } as const;
    const gateway = made({
      upstreams: { guarded: { targets, probe, addresses: { forbid: ["loopback"] } } },
    });
    const wrong = new Promise((resolve) => gateway.once("probe:end", (end) => resolve(end.passed)));
    await gateway.upstream("guarded").send({ path: "/" });
    expect(await wrong).toBe(false);
    expect(reached).toBe(0);
  });
});

describe("the option", () => {
  it("names the nearest group, and takes nothing that matches nothing", () => {
    const problemsOf = (forbid: unknown): string => {
      try {
        made({ addresses: { forbid: forbid as string[] } });
        return "";
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(problemsOf(["privat"])).toContain('did you mean "private"?');
    expect(problemsOf(["10.0.0.0/33"])).toContain("is not an address, a range or a group");
    expect(problemsOf("private")).toContain('did you mean ["private"]?');
    expect(problemsOf(["10.0.0.0/8", "fd00::/8", "loopback"])).toBe("");
  });
});

/** Puts answers of DNS in place; returns how to take them away again. */
function resolving(names: Readonly<Record<string, readonly string[]>>): () => void {
  const before = dns.lookup;
  const fake = (
    name: string,
    options: dns.LookupAllOptions,
    callback: (error: Error | null, found: readonly dns.LookupAddress[]) => void,
  ): void => {
    const found = names[name];
    if (found === undefined) before(name, options, callback);
    else
      callback(
        null,
        found.map((address) => ({ address, family: 4 })),
      );
  };
  Object.assign(dns, { lookup: fake });
  return () => void Object.assign(dns, { lookup: before });
}
