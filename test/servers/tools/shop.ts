/**
 * A shop behind a gateway, to be watched: its services are servers of this process that do as they
 * are told, and that can go and come back on their port.
 */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type Admin,
  createGateway,
  type Gateway,
  type GatewaySeams,
  startAdmin,
} from "good-gateway";
import { dashboard } from "good-gateway/dashboard";
import { nodeProxy } from "good-gateway/node";

/** How a service answers; `one_route` fails below `/boom` only. */
export type Manner = "fine" | "one_route" | "slow" | "hangs_up" | "busy" | "fails";

export interface Service {
  readonly url: string;
  manner: Manner;
  /** Nothing listens on its port any more. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
}

export type Upstreams = "orders" | "payments" | "search";

export interface Shop {
  readonly gateway: Gateway<Upstreams>;
  readonly services: Readonly<Record<"orders1" | "orders2" | "payments" | "search", Service>>;
  readonly admin: Admin;
  /** Calls an upstream, and reads the answer to its end. */
  call(upstream: Upstreams, path?: string, method?: string): Promise<void>;
  close(): Promise<void>;
}

const RESPONSE_MS = 250;

export async function openShop(seams: GatewaySeams = {}): Promise<Shop> {
  const [orders1, orders2, payments, search] = await Promise.all([
    service(),
    service(),
    service(),
    service(),
  ]);
  const gateway = createGateway(
    {
      name: "shop",
      onWarning: () => {},
      defaults: { timeouts: { responseMs: RESPONSE_MS } },
      upstreams: {
        orders: { targets: [orders1.url, orders2.url], required: true },
        payments: { targets: payments.url, bulkhead: { concurrencyMax: 20 } },
        search: { targets: search.url, retry: { attemptsMax: 2 } },
      },
    },
    seams,
  );
  const proxies = {
    orders: nodeProxy(gateway.upstream("orders")),
    payments: nodeProxy(gateway.upstream("payments")),
    search: nodeProxy(gateway.upstream("search")),
  };
  const front = await listen((req, res) => {
    const name = /^\/(\w+)/.exec(req.url ?? "")?.[1] as Upstreams;
    proxies[name](req, res);
  }, 0);
  const { port } = front.address() as AddressInfo;
  const page = dashboard(gateway);
  const admin = await startAdmin(gateway, { port: 0, handlers: [page] });
  return {
    gateway,
    services: { orders1, orders2, payments, search },
    admin,
    async call(upstream, path = "/7", method = "GET") {
      const answer = await fetch(`http://127.0.0.1:${port}/${upstream}${path}`, { method });
      await answer.text();
    },
    async close() {
      front.close();
      front.closeAllConnections();
      page.close();
      await admin.close();
      gateway.close();
      await Promise.all([orders1, orders2, payments, search].map((one) => one.goAway()));
    },
  };
}

async function service(): Promise<Service> {
  const made = { manner: "fine" as Manner };
  const listener: RequestListener = (req, res) => {
    if (made.manner === "hangs_up") return void req.socket.destroy();
    if (made.manner === "busy") return void res.writeHead(503, { "retry-after": "2" }).end("busy");
    const boom = made.manner === "one_route" && req.url?.includes("/boom") === true;
    if (boom || made.manner === "fails") return void res.writeHead(500).end("a stack trace");
    const waitMs = made.manner === "slow" ? RESPONSE_MS * 4 : 2 + 30 * Math.random() ** 3;
    setTimeout(() => res.end("done"), waitMs);
  };
  let server: Server = await listen(listener, 0);
  const { port } = server.address() as AddressInfo;
  return Object.assign(made, {
    url: `http://127.0.0.1:${port}`,
    async goAway() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
    async comeBack() {
      server = await listen(listener, port);
    },
  });
}

async function listen(listener: RequestListener, port: number): Promise<Server> {
  const server = createServer(listener).listen({ host: "127.0.0.1", port });
  await once(server, "listening");
  return server;
}
