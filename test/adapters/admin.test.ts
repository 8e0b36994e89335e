/**
 * The admin server: what it serves, how long it stays, and that it keeps no process alive.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { type Admin, type AdminOptions, createGateway, startAdmin } from "good-gateway";
import { describe, expect, it } from "vitest";

async function ask(admin: Admin, path: string, agent?: Agent) {
  const req = get(`${admin.url}${path}`, agent === undefined ? {} : { agent });
  const [res] = (await once(req, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of res.setEncoding("utf8")) text += chunk;
  return { status: res.statusCode, text };
}

describe("the admin server", () => {
  it("serves health on a port of its own, with details on a loopback address", async () => {
    const gateway = createGateway({ name: "edge" });
    const admin = await startAdmin(gateway, { port: 0 });
    expect(admin.host).toBe("127.0.0.1");
    expect((await ask(admin, "/livez")).status).toBe(200);
    expect((await ask(admin, "/readyz?verbose")).text).toContain('"serviceId": "edge"');
    expect((await ask(admin, "/other")).status).toBe(404);
    await admin.close();
  });

  it("shows no details where others can connect", async () => {
    const admin = await startAdmin(createGateway({ name: "edge" }), { port: 0, host: "0.0.0.0" });
    expect((await ask(admin, "/readyz?verbose")).text).not.toContain("edge");
    await admin.close();
  });

  it.each([
    ["say nothing", ""],
    ["never end their request", "GET /livez HTTP/1.1\r\nHost: "],
  ])("answers beside 300 connections that %s", async (_what, begun) => {
    const gateway = createGateway({ name: "edge" });
    const admin = await startAdmin(gateway, { port: 0 });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await ask(admin, "/livez", agent)).status).toBe(200);
    const others = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const socket = connect(admin.port, admin.host).on("error", () => {});
        await once(socket, "connect");
        socket.write(begun);
        return socket;
      }),
    );
    for (let asked = 0; asked < 3; asked += 1) {
      expect((await ask(admin, "/livez")).status).toBe(200);
    }
    const open = (): number => others.filter((socket) => !socket.closed).length;
    // The limit of the server: the rest has made room.
    await expect.poll(() => open()).toBeLessThanOrEqual(100);
    for (const socket of others) socket.destroy();
    agent.destroy();
    await admin.close();
  });

  it("answers through a drain, says that it is not ready, and ends with the gateway", async () => {
    const gateway = createGateway({ name: "edge" });
    const admin = await startAdmin(gateway, { port: 0 });
    const agent = new Agent({ keepAlive: true });
    await gateway.drain();
    expect((await ask(admin, "/livez", agent)).status).toBe(200);
    expect((await ask(admin, "/readyz", agent)).status).toBe(503);
    gateway.close();
    await expect(ask(admin, "/livez", agent)).rejects.toThrow();
    await admin.close();
    agent.destroy();
  });

  it("asks its handlers in turn, and survives those that fail", async () => {
    const admin = await startAdmin(createGateway({ name: "edge" }), {
      port: 0,
      handlers: [
        (req, res, next) => (req.url === "/metrics" ? res.end("up 1\n") : next()),
        async (req, _res, next) => {
          if (req.url === "/rejects") throw new Error("rejected");
          next();
        },
        (req, _res, next) => {
          if (req.url === "/throws") throw new Error("thrown");
          if (req.url === "/gives") next(new Error("given"));
          else next();
        },
      ],
    });
    expect(await ask(admin, "/metrics")).toEqual({ status: 200, text: "up 1\n" });
    for (const path of ["/rejects", "/throws", "/gives"]) {
      expect((await ask(admin, path)).status, path).toBe(500);
    }
    expect((await ask(admin, "/livez")).status).toBe(404);
    await admin.close();
  });

  it("says what is wrong with a port, with handlers, and with a port that is taken", async () => {
    const gateway = createGateway({ name: "edge" });
    await expect(startAdmin(gateway, { port: 70_000 })).rejects.toThrow(
      "port: 70_000 is not a port; write 0 for any free port",
    );
    const typed = { port: 0, hosts: "0.0.0.0" };
    await expect(startAdmin(gateway, typed)).rejects.toThrow(
      'hosts: unknown option; did you mean "host"?',
    );
    await expect(startAdmin(gateway, { port: 0, host: "" })).rejects.toThrow(
      'host: "" is not an address to listen on',
    );
    await expect(startAdmin(gateway, {} as AdminOptions)).rejects.toThrow("port: is missing");
    const handlers = [{}] as unknown as NonNullable<AdminOptions["handlers"]>;
    await expect(startAdmin(gateway, { port: 0, handlers })).rejects.toThrow(
      "handlers: not a list of functions (req, res, next)",
    );
    const admin = await startAdmin(gateway, { port: 0 });
    await expect(startAdmin(gateway, { port: admin.port })).rejects.toThrow("EADDRINUSE");
    await admin.close();
  });

  it("lets a process end that has nothing else to do, whoever is connected", async () => {
    const code = `
      import { get, Agent } from "node:http";
      import { createGateway, startAdmin } from "good-gateway";
      const gateway = createGateway({ name: "edge" });
      gateway.health.addCheck("background", () => true, { intervalMs: 10 });
      const admin = await startAdmin(gateway, { port: 0 });
      const agent = new Agent({ keepAlive: true });
      get(admin.url + "/readyz", { agent }, (res) => res.resume().on("end", () => {
        for (const socket of Object.values(agent.freeSockets).flat()) socket.unref();
        process.stdout.write(String(res.statusCode));
      }));
    `;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    const [exit] = await once(child, "close");
    expect([exit, text]).toEqual([0, "200"]);
  });
});
