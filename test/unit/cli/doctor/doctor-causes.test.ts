/**
 * Causes that no test can bring about on every machine: routes, firewalls, queues of the kernel,
 * and a front whose configuration is newer than what it works with. The facts are written down.
 */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../../src/base/clock.js";
import type { FailureCode } from "../../../../src/catalog/failures.js";
import type { FrontConfig } from "../../../../src/cli/doctor/config/front-config.js";
import { diagnose } from "../../../../src/cli/doctor/diagnose.js";
import type { Facts } from "../../../../src/cli/doctor/facts/facts.js";
import type {
  ListeningSocket,
  LocalFacts,
  ProcessFacts,
} from "../../../../src/cli/doctor/facts/local-facts.js";
import { overflowsOf } from "../../../../src/cli/doctor/local/overflows.js";
import type { Exchanged } from "../../../../src/cli/doctor/probes/exchange.js";
import { routeTo } from "../../../../src/cli/doctor/probes/route.js";
import { frontFindings } from "../../../../src/cli/doctor/rules/front-rules.js";
import { parseEndpoint } from "../../../../src/cli/doctor/world/endpoint.js";
import { DOCTOR_LIMITS } from "../../../../src/cli/doctor/world/limits.js";
import { type DoctorWorld, systemWorld } from "../../../../src/cli/doctor/world/world.js";
import type { DiagnosisStep, Finding, Layer } from "../../../../src/diagnosis/diagnosis-report.js";

const folder = mkdtempSync(join(tmpdir(), "causes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ADDRESS = { address: "10.9.9.9", family: 4 } as const;

function step(layer: Layer, code: FailureCode | null, detail: string): DiagnosisStep {
  const result = code === null ? "ok" : "failed";
  const name = `${layer} ${ADDRESS.address}`;
  return { layer, name, result, durationMs: 1, limitMs: null, detail, code };
}

const LISTENER: ListeningSocket = {
  family: 4,
  address: "0.0.0.0",
  port: 3000,
  waiting: 0,
  backlog: 511,
  pid: 42,
};

/** A machine where somebody listens on the port, and of which nothing else is known. */
function machine(onPort: ListeningSocket, more: Partial<LocalFacts> = {}): LocalFacts {
  return {
    listeners: [onPort],
    onPort: [onPort],
    process: null,
    processAfter: null,
    nodeListeners: [],
    cgroup: null,
    managed: [],
    unixSocket: null,
    kernelKills: [],
    overflows: null,
    ...more,
  };
}

/** What is known of an address that could not be connected to. */
function undialled(errno: string | null, code: FailureCode, more: Partial<Facts> = {}): Facts {
  const dialled = step("connect", code, errno ?? "no answer");
  const resolved = step("resolve", null, ADDRESS.address);
  return {
    endpoint: parseEndpoint(`http://${ADDRESS.address}:3000/`),
    limits: DOCTOR_LIMITS,
    resolved: { step: resolved, addresses: [ADDRESS] },
    route: null,
    dialled: [{ step: dialled, address: ADDRESS, errno }],
    secured: null,
    otherProtocol: null,
    first: null,
    second: null,
    third: null,
    idleCloseMs: null,
    health: null,
    upgradeStatus: null,
    pool: null,
    spoken: null,
    otherHost: null,
    otherPath: null,
    withoutProxyLine: null,
    checked: null,
    local: null,
    steps: [resolved, dialled],
    ...more,
  };
}

const verdict = (facts: Facts) => diagnose(facts, systemClock).verdict;

describe("a firewall", () => {
  it("rejects where somebody listens at the very address", () => {
    const facts = undialled("ECONNREFUSED", "connection_refused", { local: machine(LISTENER) });
    expect(verdict(facts)).toMatchObject({
      cause: "firewall_rejects",
      layer: "route",
      blame: "network",
    });
  });

  it("drops where somebody listens whose queue is not full", () => {
    const facts = undialled(null, "connection_timeout", { local: machine(LISTENER) });
    expect(verdict(facts)).toMatchObject({ cause: "packets_dropped", confidence: "certain" });
  });

  it("perhaps drops on the way to another machine, which nobody can be sure of", () => {
    const facts = undialled(null, "connection_timeout");
    expect(verdict(facts)).toMatchObject({ cause: "packets_dropped", confidence: "likely" });
  });
});

describe("a route", () => {
  const ip = (out: string): DoctorWorld => ({ ...systemWorld, run: async () => out });

  it.each([
    ["RTNETLINK answers: Network is unreachable\n", "ENETUNREACH", "certain"],
    ["RTNETLINK answers: No route to host\n", "EHOSTUNREACH", "certain"],
    ["RTNETLINK answers: Permission denied\n", "EACCES", "certain"],
    ["RTNETLINK answers: Invalid argument\n", "EINVAL", "certain"],
    ["10.9.9.9 via 10.0.0.1 dev eth0 src 10.0.0.5 uid 0 \\    cache\n", "EHOSTUNREACH", "likely"],
  ])("is told by what the kernel says: %j", async (out, errno, confidence) => {
    const route = await routeTo(ip(out), ADDRESS);
    const facts = undialled(errno, "destination_ip_unroutable", { route });
    expect(verdict(facts)).toMatchObject({ cause: "no_route", layer: "route", confidence });
  });
});

describe("the accept queue", () => {
  const root = join(folder, "counted");
  const world: DoctorWorld = { ...systemWorld, root };

  it("overflows as the kernel counts it, by the names of the columns", async () => {
    mkdirSync(join(root, "proc/net"), { recursive: true });
    expect(await overflowsOf(world)).toBeNull();
    writeFileSync(
      join(root, "proc/net/netstat"),
      "TcpExt: SyncookiesSent ListenOverflows Other ListenDrops\nTcpExt: 1 17 3 19\n" +
        "IpExt: InNoRoutes ListenOverflows\nIpExt: 5 6\n",
    );
    expect(await overflowsOf(world)).toEqual({ overflowed: 17, dropped: 19 });
  });

  it("is full: more connections wait than may, and the drops are evidence", () => {
    const full = { ...LISTENER, waiting: 512 };
    const overflows = { during: 3, sinceBoot: 20 };
    const local = machine(full, { overflows });
    const found = verdict(undialled(null, "connection_timeout", { local }));
    expect(found).toMatchObject({ cause: "backlog_full", blame: "overload" });
    expect(found.evidence.join()).toContain("dropped 3 connections");
  });

  it("is not told of where it is empty, since the kernel counts for the whole machine", () => {
    const overflows = { during: 3, sinceBoot: 20 };
    const causes = (waiting: number): readonly string[] => {
      const local = machine({ ...LISTENER, waiting }, { overflows });
      const facts = undialled(null, "connection_timeout", { local });
      return diagnose(facts, systemClock).findings.map(({ cause }) => cause);
    };
    expect(causes(0)).not.toContain("accept_queue_overflows");
    expect(causes(4)).toContain("accept_queue_overflows");
  });
});

describe("a server that closes without an answer", () => {
  const closedBy = (command: string): readonly string[] => {
    const process: ProcessFacts = {
      ...{ pid: 42, parentPid: 1, command, state: "S", startedAt: 0, processorShare: 0 },
      ...{ spins: false, openFiles: 3, openFilesMax: 1_024, memoryBytes: 1 },
    };
    const exchanged: Exchanged = {
      ...{ answer: null, firstBytes: "", headMs: null, bodyBytes: 0, bodyText: "" },
      ...{ code: "connection_terminated", errno: "ECONNRESET", endless: false },
    };
    const base = undialled(null, "connection_timeout", {
      local: machine(LISTENER, { process, processAfter: process }),
    });
    const accepted = step("connect", null, "accepted");
    const dialled = [{ step: accepted, address: ADDRESS, errno: null }];
    const facts: Facts = { ...base, dialled, first: exchanged };
    return diagnose(facts, systemClock).findings.map(({ cause }) => cause);
  };

  it.each([
    ["uwsgi --socket 127.0.0.1:3000 --wsgi app", "http_to_uwsgi_port"],
    ["uwsgi --http-socket :3000 --wsgi app", "closes_without_answer"],
    ["python gunicorn -t 20 app:app", "worker_timeout"],
    ["gunicorn --timeout=30 app:app", "worker_timeout"],
    ["gunicorn --timeout 0 app:app", "closes_without_answer"],
    ["node server.js", "closes_without_answer"],
  ])("%s: %s", (command, cause) => {
    expect(closedBy(command)).toContain(cause);
  });
});

describe("a front as a whole", () => {
  const world: DoctorWorld = { ...systemWorld, root: join(folder, "nothing") };
  const file = join(folder, "nginx.conf");
  const errorLog = join(folder, "error.log");
  const config: FrontConfig = {
    front: "nginx",
    upstreams: [],
    findings: [],
    notLookedAt: [],
    problems: [],
    user: null,
    chroot: null,
    errorLog: null,
  };
  const running = {
    pid: 42,
    front: "nginx",
    config: file,
    prefix: null,
    since: Date.now(),
    ids: null,
    user: null,
    root: "/",
    workersSince: Date.now(),
  } as const;

  const written = async (changedMs: number): Promise<readonly Finding[]> => {
    writeFileSync(file, "http {}");
    const at = (running.workersSince + changedMs) / 1_000;
    utimesSync(file, at, at);
    return frontFindings(world, file, { config, running }, []);
  };

  it("has not read what was changed after its workers began", async () => {
    expect(await written(-60_000)).toEqual([]);
    expect(await written(60_000)).toMatchObject([
      { cause: "not_reloaded", severity: "warning", write: "nginx -t && nginx -s reload" },
    ]);
  });

  it("has said it in its log: the last line that tells something, for a short time", async () => {
    const line = "[error] 7#7: *1 connect() failed (111: Connection refused) while connecting";
    writeFileSync(errorLog, `[error] older\n${line} to upstream\n[notice] 7#7: reload\n`);
    const logged = { config: { ...config, errorLog }, running: null };
    const [finding] = await frontFindings(world, file, logged, []);
    expect(finding).toMatchObject({ cause: "said_in_log", severity: "warning" });
    expect(finding?.evidence).toEqual([`${line} to upstream`]);
    const hourAgo = Date.now() / 1_000 - 3_600;
    utimesSync(errorLog, hourAgo, hourAgo);
    expect(await frontFindings(world, file, logged, [])).toEqual([]);
  });
});
