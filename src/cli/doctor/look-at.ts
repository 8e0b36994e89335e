/**
 * One report for one subject: an address, or a configuration with everything that it names.
 * Both end in the same report, so that it is printed in one way.
 */
import { resolve } from "node:path";
import { note } from "../../diagnosis/diagnosis-finding.js";
import type { Report } from "../../diagnosis/diagnosis-report.js";
import { inOrder, verdictOf } from "../../diagnosis/diagnosis-verdict.js";
import { behindFront } from "./behind-front.js";
import { diagnose } from "./diagnose.js";
import { examine } from "./examine.js";
import type { Facts } from "./facts/facts.js";
import { type Given, readGiven, schemeAt } from "./given.js";
import { askEngine } from "./local/engine.js";
import { runningFrontOf } from "./local/fronts.js";
import { type LookOptions, lookAtConfig, timeIsOver } from "./look-at-config.js";
import { readConfig } from "./read/read-config.js";
import { containerRules } from "./rules/engine-rules.js";
import { withoutCredentials } from "./world/credentials.js";
import { type Endpoint, parseEndpoint } from "./world/endpoint.js";
import { type DoctorWorld, within } from "./world/world.js";

/** What is looked at, once it has been understood. */
export type Subject = (world: DoctorWorld, options: LookOptions) => Promise<Report>;

/** What a person says of the request besides its address. */
export type RequestOverrides = Partial<Pick<Endpoint, "authority" | "tls">>;

/** Reads what was given; rejects with a TypeError that says what to write. */
export async function readSubject(
  text: string,
  asked: RequestOverrides = {},
  known: DoctorWorld | null = null,
): Promise<Subject> {
  const given = await readGiven(text);
  if (given.kind === "config") {
    const front = known === null ? null : await runningFrontOf(known, resolve(given.file));
    const config = await readConfig(given.file, front);
    return (world, options) => lookAtConfig(world, given.file, config, options);
  }
  const usual = { ...parseEndpoint(addressOf(given, "https")), ...asked };
  return async (world, options) => {
    const endpoint =
      given.scheme === null && (await schemeAt(world, usual.hostname, options.limits)) === "http"
        ? { ...parseEndpoint(addressOf(given, "http")), ...asked }
        : usual;
    const look = lookAtAddress(world, endpoint, options);
    const ms = options.endAt - world.clock.now();
    return (await within(world.clock, Math.max(ms, 1), look)) ?? cutShort(endpoint);
  };
}

function addressOf({ text, scheme }: Extract<Given, { kind: "address" }>, usual: string): string {
  return scheme === "" ? text : `${scheme ?? usual}://${text}`;
}

async function lookAtAddress(
  world: DoctorWorld,
  endpoint: Endpoint,
  options: LookOptions,
): Promise<Report> {
  const facts = await examine(world, endpoint, options);
  const report = await withContainer(world, facts, diagnose(facts, world.clock));
  return (
    (await behindFront(world, endpoint, facts, report, options)) ?? withNote(report, facts.endpoint)
  );
}

/** Where a port of this machine is published by a container, the engine may know why it fails. */
async function withContainer(world: DoctorWorld, facts: Facts, report: Report): Promise<Report> {
  const { endpoint, local } = facts;
  if (report.verdict.well || local === null || endpoint.socketPath !== null) return report;
  const engine = await askEngine(world);
  if (engine.kind !== "listed") return report;
  const own = engine.containers.filter(({ ports }) => ports.includes(endpoint.port));
  const found = own.flatMap(containerRules);
  if (found.length === 0) return report;
  const findings = inOrder([...found, ...report.findings]);
  return { ...report, findings, verdict: verdictOf(report.steps, findings) };
}

/** Over TCP alone nothing was asked that an application answers. */
function withNote(report: Report, { protocol }: Endpoint): Report {
  if (protocol !== "tcp" || !report.verdict.well) return report;
  const finding = note({
    cause: "only_connected",
    layer: "connect",
    title: "It accepts connections; what is spoken there was not looked at.",
    evidence: [],
    fix: "Write the protocol: http://, fastcgi://, uwsgi://, scgi://, ajp://, grpc://.",
  });
  return {
    ...report,
    findings: [finding],
    verdict: { ...report.verdict, title: finding.title, next: finding.fix },
  };
}

function cutShort({ text }: Endpoint): Report {
  const subject = withoutCredentials(text);
  return { subject, steps: [], findings: [], verdict: timeIsOver(subject) };
}
