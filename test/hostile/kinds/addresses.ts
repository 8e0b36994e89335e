/**
 * Addresses that somebody else has chosen: in all their forms, behind names, behind redirects and
 * by routers. Nothing that is forbidden is ever connected to.
 */
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createGateway, type Gateway, type GatewayOptions } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { gatewayInterceptor } from "good-gateway/undici";
import { Agent, fetch as undiciFetch } from "undici";
import { expect } from "vitest";
import type { Door } from "../../doors/door.js";
import type { HostileKind } from "../kind.js";

type Fetching = (url: string, init?: object) => Promise<Response>;

/** A fetch of any address through a door; null where a door takes none. */
function fetching(door: Door, gateway: Gateway): Fetching | null {
  switch (door.name) {
    case "gatewayFetch, the fetch of Node":
      return gatewayFetch(gateway) as Fetching;
    case "gatewayFetch, the fetch of undici":
      return gatewayFetch(gateway, { fetch: undiciFetch as never }) as Fetching;
    case "gatewayInterceptor, undici 7":
    case "gatewayInterceptor, the fetch of Node": {
      const dispatcher = new Agent().compose(gatewayInterceptor(gateway));
      const call = door.name.endsWith("undici 7") ? undiciFetch : fetch;
      return ((url, init) => call(url, { ...init, dispatcher } as never)) as Fetching;
    }
    default:
      return null;
  }
}

const takesAddresses = (door: Door): boolean =>
  /^(?:gatewayFetch, the fetch|gatewayInterceptor, (?:undici 7|the fetch))/.test(door.name);

interface Site {
  readonly port: number;
  /** Paths that were asked for, and what came with them. */
  readonly asked: { readonly path: string; readonly headers: Record<string, unknown> }[];
  readonly call: Fetching;
}

/** A server on this machine, and a gateway for addresses of others. `/to?URL` redirects. */
async function site(
  door: Door,
  options: Partial<GatewayOptions>,
  run: (site: Site) => Promise<void>,
): Promise<void> {
  const asked: Site["asked"][number][] = [];
  const server = createServer((req, res) => {
    const [, to] = (req.url as string).split("/to?");
    asked.push({ path: req.url as string, headers: req.headers });
    if (to === undefined) res.end("reached");
    else res.writeHead(302, { location: decodeURIComponent(to) }).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const gateway = createGateway({ ...options, onWarning: () => {} });
  try {
    await run({ port, asked, call: fetching(door, gateway) as Fetching });
  } finally {
    gateway.close();
    server.closeAllConnections();
    server.close();
  }
}

const HOSTS = [
  ...["127.0.0.1", "localhost", "2130706433", "0177.0.0.1", "0x7f.1", "127.1", "0", "0.0.0.0"],
  ...["[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "127.0.0.1."],
  ...["[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[::ffff:0:127.0.0.1]"],
  ...["localhost.", "LOCALHOST", "127.255.255.254", "\uff11\uff12\uff17.0.0.1", "a.localhost"],
];

const CLOUDS = [
  ...["169.254.169.254", "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376", "100.100.100.200"],
  ...["168.63.129.16", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "[2002:a9fe:a9fe::]"],
  ...["[64:ff9b::169.254.169.254]", "[fe80::1]", "169.254.170.2"],
];

/** The chain of what was thrown, as text. */
function causesOf(error: unknown): string {
  let text = "";
  for (let one = error; one instanceof Error; one = one.cause) {
    text += ` ${one.name} ${one.message} ${(one as { readonly code?: string }).code ?? ""}`;
  }
  return text;
}

const FORBIDDEN = /destination_ip_prohibited|dns_|Invalid URL|bad port/;

async function isForbidden(call: Fetching, url: string, init?: object): Promise<void> {
  const became = await call(url, init).then(
    (response) => `an answer ${response.status}`,
    (error: unknown) => causesOf(error),
  );
  expect(became, url).toMatch(FORBIDDEN);
}

export const ADDRESS_KINDS: readonly HostileKind[] = [
  {
    name: "this machine, by every spelling of its address",
    from: "application's user",
    at: takesAddresses,
    attempt: (door) =>
      site(door, { addresses: { forbid: ["loopback"] } }, async ({ port, asked, call }) => {
        for (const host of HOSTS) await isForbidden(call, `http://${host}:${port}/`);
        expect(asked).toEqual([]);
      }),
  },
  {
    name: "the services of clouds that hand out credentials, by default",
    from: "application's user",
    at: takesAddresses,
    attempt: (door) =>
      site(door, {}, async ({ call }) => {
        for (const host of CLOUDS) await isForbidden(call, `http://${host}/latest/meta-data/`);
      }),
  },
  {
    name: "a name that leads elsewhere once it is judged, over an agent that looks it up itself",
    from: "application's user",
    seen: "DNS rebinding",
    at: (door) => takesAddresses(door) && door.kind === "caller" && door.engine === "dispatcher",
    attempt: (door) =>
      site(door, {}, async ({ port, asked }) => {
        // As the address of a cloud's service shows itself, on a connection that can be made here.
        const agent = new Agent({
          connect: (_options: object, done: (error: null, socket: Socket) => void) => {
            const socket = connect(port, "127.0.0.1", () => done(null, socket));
            socket.on("error", () => {});
            Object.defineProperty(socket, "remoteAddress", { value: "169.254.169.254" });
          },
        } as never);
        const gateway = createGateway({ onWarning: () => {} });
        const dispatcher = agent.compose(gatewayInterceptor(gateway));
        const call = door.name.endsWith("undici 7") ? undiciFetch : fetch;
        const asks = (init: object): Promise<unknown> =>
          call(`http://localhost:${port}/`, { ...init, dispatcher } as never);
        for (const init of [{}, { method: "POST", body: "secret" }]) {
          await expect(asks(init)).rejects.toThrow();
        }
        expect(asked).toEqual([]);
        gateway.close();
        await agent.destroy();
      }),
  },
  {
    name: "a redirect into what is forbidden, to another scheme, or without an end",
    from: "upstream",
    seen: "CVE-2024-24758 (undici)",
    at: takesAddresses,
    attempt: (door) =>
      site(door, {}, async ({ port, asked, call }) => {
        const from = (to: string): string =>
          `http://127.0.0.1:${port}/to?${encodeURIComponent(to)}`;
        for (const host of CLOUDS) await isForbidden(call, from(`http://${host}/`));
        for (const to of ["file:///etc/passwd", "gopher://a/", "ftp://a/", "data:text/plain,x"]) {
          await expect(call(from(to)), to).rejects.toThrow();
        }
        const before = asked.length;
        const loop = `http://127.0.0.1:${port}/to?${encodeURIComponent(`/to?${"/to?"}`)}`;
        await call(loop).catch(() => {});
        expect(asked.length - before).toBeLessThanOrEqual(25);
      }),
  },
  {
    name: "credentials that go along with a redirect to another origin",
    from: "upstream",
    seen: "CVE-2022-31151, CVE-2023-45143 (undici)",
    at: takesAddresses,
    attempt: (door) =>
      site(door, {}, async ({ port, asked, call }) => {
        const to = encodeURIComponent(`http://localhost:${port}/there`);
        const headers = {
          authorization: "secret",
          cookie: "secret",
          "proxy-authorization": "secret",
        };
        await call(`http://127.0.0.1:${port}/to?${to}`, { headers }).catch(() => {});
        for (const { path, headers: sent } of asked) {
          if (path === "/there") expect(JSON.stringify(sent)).not.toContain("secret");
        }
      }),
  },
];
