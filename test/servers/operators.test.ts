/**
 * What is for operators, behind a real nginx on the same machine that has nothing but `proxy_pass`:
 * it says nothing of itself, and all its clients come from 127.0.0.1.
 */
import express from "express";
import { createGateway, healthHandler, metricsHandler, startAdmin } from "good-gateway";
import { dashboard } from "good-gateway/dashboard";
import { afterEach, expect, it } from "vitest";
import { exchange, get } from "../adapters/raw-client.js";
import { listening } from "../adapters/servers.js";
import { startNginx } from "./tools/nginx.js";
import { describeWith } from "./tools/programs.js";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** What only the inside knows. */
const INSIDE = /serviceId|secret-orders|good_gateway_/;
const PLACES = ["/", "/snapshot.json", "/state.json", "/events", "/readyz?verbose"];

describeWith(["nginx"], "what is for operators, behind nginx with nothing but proxy_pass", () => {
  const gateway = () => {
    const made = createGateway({
      name: "edge",
      upstreams: { "secret-orders": { targets: "http://127.0.0.1:9" } },
    });
    closing.push(() => made.close());
    return made;
  };
  const behindNginx = async (port: number, more = "") => {
    const pass = `proxy_pass http://127.0.0.1:${port}; ${more}`;
    const nginx = await startNginx({ http: `server { listen $port; location / { ${pass} } }` });
    closing.push(() => nginx.stop());
    return nginx.port;
  };

  it("is shown to none of its clients by an application that has mounted it", async () => {
    const made = gateway();
    const app = express()
      .use(dashboard(made))
      .use(healthHandler(made, { verbose: "local" }));
    const server = await listening(app);
    closing.push(() => server.close());
    // Also one that speaks HTTP/1.1 and keeps the Host of its clients.
    const more = "proxy_http_version 1.1; proxy_set_header Host $http_host;";
    for (const port of [await behindNginx(server.port), await behindNginx(server.port, more)]) {
      for (const host of ["shop.example", "localhost"]) {
        for (const place of PLACES) {
          const answer = await exchange(port, get(place, { host }));
          expect(answer.text, place).not.toMatch(INSIDE);
        }
      }
      expect((await exchange(port, get("/readyz", { host: "shop.example" }))).status).toBe(200);
    }
  });

  it("is shown to none of its clients by an admin port that it was led to", async () => {
    const made = gateway();
    const handlers = [healthHandler(made, { verbose: "local" }), dashboard(made)];
    const admin = await startAdmin(made, { port: 0, handlers });
    const port = await behindNginx(admin.port);
    for (const place of PLACES) {
      const answer = await exchange(port, get(place, { host: "localhost" }));
      expect(answer.text, place).not.toMatch(INSIDE);
      const direct = await fetch(admin.url + place);
      expect(direct.status, place).toBe(200);
      await direct.body?.cancel();
    }
  });

  it("refuses the public name that nginx passes on, unless it was named", async () => {
    const made = gateway();
    const port = async (options: object) => {
      const server = await listening(metricsHandler(made, options));
      closing.push(() => server.close());
      return behindNginx(server.port, "proxy_set_header Host $host;");
    };
    const asked = async (at: number) =>
      (await exchange(at, get("/metrics", { host: "shop.example" }))).text;
    expect(await asked(await port({}))).not.toMatch(INSIDE);
    expect(await asked(await port({ hosts: ["shop.example"] }))).toMatch(INSIDE);
  });
});
