/**
 * The dashboard's handler in the servers that people mount it in: what it serves, to whom, and how
 * its streams begin and end. What the page does with it is tested in a browser, in test/servers.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { request as ask, type ClientRequest, type IncomingMessage } from "node:http";
import express from "express";
import express4 from "express4";
import Fastify from "fastify";
import { FAILURES, type Gateway, startAdmin } from "good-gateway";
import { type DashboardOptions, dashboard } from "good-gateway/dashboard";
import { refusingPort } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { afterwards, worldOf } from "./fetch-world.js";
import { exchange, get, request } from "./raw-client.js";
import { listening } from "./servers.js";

const LOCAL = { host: "localhost" };

async function world() {
  return worldOf(`http://127.0.0.1:${await refusingPort()}`, { retry: { attemptsMax: 2 } });
}

/** Each mounts it at `/_gateway`, as its documentation says; gives the port. */
const SERVERS: Readonly<
  Record<string, (gateway: Gateway, options: DashboardOptions) => Promise<number>>
> = {
  "node:http": async (gateway, options) => {
    const page = dashboard(gateway, { path: "/_gateway", ...options });
    return serve((req, res) => page(req, res, () => res.writeHead(418).end()));
  },
  "Express 5": async (gateway, options) => {
    const app = express().use("/_gateway", dashboard(gateway, options));
    return serve(app.use((_req, res) => void res.status(418).end()));
  },
  "Express 4": async (gateway, options) => {
    const app = express4().use("/_gateway", dashboard(gateway, options));
    return serve(app.use((_req, res) => void res.status(418).end()));
  },
  "Fastify 5": async (gateway, options) => {
    const page = dashboard(gateway, { path: "/_gateway", ...options });
    const app = Fastify({ forceCloseConnections: true });
    for (const url of ["/_gateway", "/_gateway/*"]) {
      app.get(url, (req, reply) => {
        reply.hijack();
        page(req.raw, reply.raw);
      });
    }
    app.setNotFoundHandler((_req, reply) => void reply.code(418).send());
    await app.listen({ host: "127.0.0.1", port: 0 });
    afterwards(() => app.close());
    return (app.server.address() as { port: number }).port;
  },
};

async function serve(listener: Parameters<typeof listening>[0]): Promise<number> {
  const server = await listening(listener);
  afterwards(() => server.close());
  return server.port;
}

/** An open stream, message by message. */
async function watch(port: number, path = "/_gateway/events") {
  const asked: ClientRequest = ask({ port, path, headers: LOCAL, host: "127.0.0.1", agent: false });
  asked.end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  let text = "";
  answer.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  // A reset is an end, too: the test asks for what came before.
  answer.on("error", () => {});
  const over = once(answer, "close");
  const messages = () =>
    [...text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(([, event, data]) => ({
      event,
      data: JSON.parse(data as string) as Record<string, never>,
    }));
  const until = async (found: () => boolean): Promise<void> => {
    while (!found()) await Promise.race([once(answer, "data"), over]);
  };
  return { answer, messages, until, over, leave: () => asked.destroy() };
}

describe.each(Object.entries(SERVERS))("the dashboard in %s", (_name, start) => {
  it("serves the page below its mount, and its addresses are relative", async () => {
    const { gateway } = await world();
    const port = await start(gateway, { access: "any" });
    const moved = await exchange(port, get("/_gateway", LOCAL));
    expect([moved.status, moved.field("location")]).toEqual([308, "./_gateway/"]);
    const page = await exchange(port, get("/_gateway/", LOCAL));
    expect(page.status).toBe(200);
    expect(page.field("content-type")).toBe("text/html; charset=utf-8");
    // No address in it leads to another host, nor to the root of this one.
    expect(page.text).not.toMatch(/(?:href|src)="(?:https?:|\/)/);
  });

  it("serves snapshot, state and reference as JSON, from no cache", async () => {
    const { gateway, orders } = await world();
    const port = await start(gateway, { access: "any" });
    const over = new Promise((resolve) => gateway.once("call:end", resolve));
    await orders.send({ path: "/7?secret=1" });
    await over;
    const [snapshot, state, reference] = await Promise.all(
      ["snapshot", "state", "reference"].map(async (name) => {
        const answer = await exchange(port, get(`/_gateway/${name}.json`, LOCAL));
        expect([answer.status, answer.field("cache-control")]).toEqual([200, "no-store"]);
        return JSON.parse(answer.text);
      }),
    );
    expect(snapshot).toMatchObject({ version: 1, upstreams: [{ name: "orders" }] });
    expect(state.failures).toMatchObject([
      { upstream: "orders", path: "/7", code: "connection_refused", attempts: [{}, {}] },
    ]);
    expect(reference).toHaveLength(Object.keys(FAILURES).length);
    expect(reference).toContainEqual(
      expect.objectContaining({
        code: "connection_refused",
        equivalents: expect.arrayContaining([["nginx", expect.any(String)]]),
      }),
    );
  });

  it("streams everything, then what has changed, and ends when the gateway drains", async () => {
    const { gateway, orders } = await world();
    const port = await start(gateway, { access: "any" });
    const { answer, messages, until, over } = await watch(port);
    expect(answer.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
    });
    await until(() => messages().length > 0);
    expect(messages()[0]).toMatchObject({ event: "whole", data: { names: ["orders"] } });
    await orders.send({ path: "/" });
    const failures = () => messages().flatMap(({ data }) => data["failures"] ?? []);
    await until(() => failures().length > 0);
    expect(failures()).toMatchObject([{ code: "connection_refused" }]);
    await gateway.drain();
    await over;
    expect(messages().at(-1)).toEqual({ event: "end", data: { reason: "draining" } });
    const late = await exchange(port, get("/_gateway/events", LOCAL));
    expect([late.status, late.field("retry-after")]).toEqual([503, "5"]);
  });

  it("shows nobody anything by default: an application may be behind anything", async () => {
    const { gateway } = await world();
    const port = await start(gateway, { access: "loopback" });
    for (const at of ["", "snapshot.json", "state.json", "events"]) {
      expect((await exchange(port, get(`/_gateway/${at}`, LOCAL))).status, at).toBe(403);
    }
  });
});

describe("who may see it", () => {
  const status = async (options: DashboardOptions, fields: Record<string, string> = {}) => {
    const { gateway } = await world();
    const port = await serve(dashboard(gateway, { hosts: ["shop.example"], ...options }));
    return (await exchange(port, get("/state.json", { host: "shop.example", ...fields }))).status;
  };

  it("is everybody who gets there, once that was written down", async () => {
    expect(await status({})).toBe(403);
    expect(await status({ access: "any" })).toBe(200);
  });

  it("is this machine at the admin port: no proxy, and no name that only leads there", async () => {
    const { gateway } = await world();
    const { port } = await startAdmin(gateway, { port: 0, handlers: [dashboard(gateway)] });
    const admin = async (fields: Record<string, string>, version = "1.1") => {
      const asked = get("/snapshot.json", fields).replace("HTTP/1.1", `HTTP/${version}`);
      return (await exchange(port, asked)).status;
    };
    expect(await admin({ host: `127.0.0.1:${port}` })).toBe(200);
    expect(await admin({ host: "[::1]:80" })).toBe(200);
    expect(await admin({ host: "localhost." })).toBe(200);
    // A name of the outside that was made to lead to 127.0.0.1, and a proxy on this host.
    for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example"]) {
      expect(await admin({ host }), host).toBe(403);
    }
    for (const field of ["x-forwarded-for", "forwarded", "via", "x-real-ip"]) {
      expect(await admin({ ...LOCAL, [field]: "203.0.113.9" })).toBe(403);
    }
    expect(await admin({ host: `127.0.0.1:${port}` }, "1.0")).toBe(403);
  });

  it("asks for it by a name that nobody outside can own, whatever else allows it", async () => {
    for (const access of ["any", () => true] as const) {
      const asked = (host: string) => status({ access }, { host });
      for (const host of [
        "10.0.0.5:9091",
        "[fd00::1]",
        "gateway",
        "gw.ops.internal",
        "SHOP.example.",
      ]) {
        expect(await asked(host), host).toBe(200);
      }
      for (const host of ["evil.example", "shop.example.evil.example", "10.0.0.5.nip.io:80"]) {
        expect(await asked(host), host).toBe(403);
      }
    }
    expect(await status({ access: "any", hosts: "any" }, { host: "evil.example" })).toBe(200);
  });

  it("is decided by a function, and one that throws says no", async () => {
    const access: DashboardOptions["access"] = ({ headers }) => headers["x-user"] === "ann";
    expect(await status({ access }, { "x-user": "ann" })).toBe(200);
    expect(await status({ access })).toBe(403);
    expect(await status({ access: async () => true })).toBe(200);
    expect(await status({ access: () => Promise.reject(new Error("no session")) })).toBe(403);
    expect(
      await status({
        access: () => {
          throw new Error("no session");
        },
      }),
    ).toBe(403);
  });
});

describe("the handler", () => {
  it("hands on what is not its own, and answers GET and HEAD only", async () => {
    const { gateway } = await world();
    const start = SERVERS["node:http"] as (typeof SERVERS)[string];
    const port = await start(gateway, { access: "any" });
    const status = async (method: string, path: string) =>
      (await exchange(port, request(method, path, { ...LOCAL, connection: "close" }))).status;
    expect(await status("GET", "/orders")).toBe(418);
    expect(await status("GET", "/_gateways")).toBe(418);
    expect(await status("GET", "/_gateway/none")).toBe(418);
    expect(await status("POST", "/_gateway/state.json")).toBe(405);
    const head = await exchange(port, request("HEAD", "/_gateway/", LOCAL));
    expect([head.status, head.text]).toEqual([200, ""]);
    expect((await exchange(port, request("HEAD", "/_gateway/events", LOCAL))).status).toBe(200);
  });

  it("allows no script and no style but those of the page, and no other host", async () => {
    const { gateway } = await world();
    const port = await serve(dashboard(gateway, { access: "any" }));
    const page = await exchange(port, get("/", LOCAL));
    const policy = page.field("content-security-policy");
    for (const element of ["script", "style"]) {
      const found = [...page.text.matchAll(new RegExp(`<${element}>(.*?)</${element}>`, "gs"))];
      expect(found).toHaveLength(1);
      const hash = createHash("sha256")
        .update(found[0]?.[1] as string)
        .digest("base64");
      expect(policy).toContain(`${element}-src 'sha256-${hash}'`);
    }
    expect(policy).toMatch(/^default-src 'none'; .*connect-src 'self'/);
    expect(policy).not.toContain("unsafe");
    expect(page.text).not.toMatch(/ (?:style|on\w+)="/);
  });

  it("has every failure in the page, each under its own name once", async () => {
    const { gateway } = await world();
    const port = await serve(dashboard(gateway, { access: "any" }));
    const { text } = await exchange(port, get("/", LOCAL));
    const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(Object.keys(FAILURES)));
  });

  it("stands beside health in the admin server, and a full house is told so", async () => {
    const { gateway } = await world();
    const page = dashboard(gateway, { access: "any", viewersMax: 1 });
    const admin = await startAdmin(gateway, { port: 0, handlers: [page] });
    afterwards(() => admin.close());
    const first = await watch(admin.port, "/events");
    const second = await exchange(admin.port, get("/events", LOCAL));
    expect([second.status, second.text]).toEqual([503, "Too many people are watching.\n"]);
    expect((await exchange(admin.port, get("/none", LOCAL))).status).toBe(404);
    page.close();
    await first.over;
    expect(first.messages().at(-1)).toMatchObject({ event: "end", data: { reason: "closed" } });
  });

  it("ends with its gateway", async () => {
    const { gateway } = await world();
    const port = await serve(dashboard(gateway, { access: "any" }));
    const { over, messages } = await watch(port, "/events");
    gateway.close();
    await over;
    expect(messages().at(-1)).toMatchObject({ event: "end" });
  });

  it("says what is wrong with an option", async () => {
    const { gateway } = await world();
    const made = (options: object) => () => dashboard(gateway, options);
    expect(made({ pathh: "/x" })).toThrow('no option "pathh"; did you mean "path"?');
    expect(made({ path: "gateway" })).toThrow('path: "gateway" is not a path such as "/_gateway"');
    expect(made({ access: true })).toThrow('access: write "loopback", "any", or a function');
    expect(made({ hosts: "ops" })).toThrow('hosts: "ops" is neither a list of names such as');
    expect(made({ hosts: ["ops:80"] })).toThrow('hosts: ["ops:80"] is neither a list');
    expect(made({ viewersMax: 0 })).toThrow("viewersMax: 0 is not a whole number from 1");
    expect(() => dashboard({} as Gateway)).toThrow("expected what createGateway() returns");
  });
});
