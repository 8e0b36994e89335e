/** The gateway to copy: what it serves, and that the files to deploy it agree with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { createInterface } from "node:readline";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { parse, parseAllDocuments } from "yaml";
import { buildQuick } from "./tools/build-quick.mjs";
import { ROOT } from "./tools/source-files.js";

const PROCESSES_MS = 60_000;
const running = new Set<ChildProcess>();

beforeAll(buildQuick, PROCESSES_MS);
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
});

async function start(env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ["examples/gateway/gateway.mjs"], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: "", PORT: "0", ADMIN_PORT: "0", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  running.add(child);
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => lines.push(line));
  const line = async (text: string): Promise<string> => {
    for (;;) {
      const found = lines.find((one) => one.includes(text));
      if (found !== undefined) return found;
      await once(reader, "line");
    }
  };
  const [origin = ""] = /http:\/\/[\d.:]+/.exec(await line("listening on")) ?? [];
  return { child, line, origin, port: Number(new URL(origin).port) };
}

async function bytesAfter(port: number, sent: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.end(sent);
  let text = "";
  for await (const part of socket) text += part;
  return text;
}

describe("examples/gateway/gateway.mjs", { timeout: PROCESSES_MS }, () => {
  it("serves requests, WebSockets and probes, logs each call, and ends in order", async () => {
    const server = createServer((req, res) => void res.end(`${req.method} ${req.url}`));
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket, req) => socket.send(String(req.url)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const app = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { child, line, origin, port } = await start({ ORDERS: app, SEARCH: `${app}, ${app}/2` });

    for (const path of ["/livez", "/readyz"]) {
      const answer = await fetch(origin + path);
      expect([answer.status, await answer.text()]).toEqual([200, '{"status":"pass"}\n']);
    }
    expect(await (await fetch(`${origin}/orders/7?x=1`)).text()).toBe("GET /7?x=1");
    expect((await fetch(`${origin}/nowhere`)).status).toBe(404);
    const socket = new WebSocket(`${origin.replace("http", "ws")}/orders/live`);
    expect(String((await once(socket, "message"))[0])).toBe("/live");
    socket.close();
    await once(socket, "close");
    const upgrade = "host: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    expect(await bytesAfter(port, `GET /nowhere HTTP/1.1\r\n${upgrade}`)).toMatch(
      /^HTTP\/1.1 404 /,
    );
    expect(await bytesAfter(port, "no request\r\n\r\n")).toMatch(/^HTTP\/1.1 400 .*bad_request/s);
    expect(JSON.parse(await line('"path":"/orders/7"'))).toMatchObject({ status: 200 });

    const ended = once(child, "exit");
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    running.delete(child);
    server.close();
  });
});

const read = (name: string): string =>
  readFileSync(`${ROOT}examples/gateway/deploy/${name}`, "utf8");

describe("the files to deploy it", () => {
  it("Kubernetes: probes on the port that it serves, and time enough to end", () => {
    const documents = parseAllDocuments(read("kubernetes.yaml"));
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
    const [deployment, service] = documents.map((one) => one.toJS());
    expect(documents.map((one) => one.toJS().kind)).toEqual([
      "Deployment",
      "Service",
      "PodDisruptionBudget",
    ]);
    const { template, selector, strategy } = deployment.spec;
    expect(template.metadata.labels).toEqual(selector.matchLabels);
    expect(strategy.rollingUpdate.maxUnavailable).toBe(0);
    const [container] = template.spec.containers;
    const ports = container.ports.map(({ name }: { readonly name: string }) => name);
    const probes = ["startupProbe", "livenessProbe", "readinessProbe"] as const;
    for (const name of probes) expect(ports).toContain(container[name].httpGet.port);
    expect(probes.map((name) => container[name].httpGet.path)).toEqual([
      ...["/livez", "/livez", "/readyz"],
    ]);
    expect(ports).toContain(service.spec.ports[0].targetPort);
    // preStop, lame duck, drain time, and what is left for the rest.
    expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(1 + 5 + 10 + 1);
    expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
  });

  it("Docker: no root, a health check, and signals for Node itself", () => {
    const lines = read("Dockerfile").split("\n");
    expect(lines.filter((line) => line.startsWith("FROM")).at(-1)).toContain(":nonroot");
    expect(lines.some((line) => line.startsWith("HEALTHCHECK"))).toBe(true);
    expect(lines.findLast((line) => line.startsWith("CMD"))).toBe('CMD ["gateway.mjs"]');
    const { services } = parse(read("compose.yml"));
    expect(services.gateway.ports).toEqual(["8080:8080"]);
    expect(services.gateway.environment).toEqual({
      ORDERS: "http://orders:3000",
      SEARCH: "http://search:3000",
    });
    expect(Number.parseInt(services.gateway.stop_grace_period, 10)).toBeGreaterThan(16);
  });

  it("PM2 and systemd: they wait until it is ready, and until it has ended", async () => {
    const { default: pm2 } = await import(`${ROOT}examples/gateway/deploy/ecosystem.config.cjs`);
    const [app] = pm2.apps;
    expect(app).toMatchObject({ wait_ready: true, increment_var: "ADMIN_PORT", instances: 2 });
    expect(app.kill_timeout).toBeGreaterThan(15_000);
    const unit = read("gateway.service");
    for (const line of ["Type=notify", "NotifyAccess=all", "KillMode=mixed", "TimeoutStopSec=30"]) {
      expect(unit.split("\n")).toContain(line);
    }
  });
});
