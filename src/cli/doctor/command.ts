/**
 * The command `good-gateway doctor`: reads its arguments, examines each endpoint, and prints what
 * it
 * found. It ends with 0 when all is well, 1 when something is wrong, 2 when it could not look.
 */

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { Report } from "../../diagnosis/diagnosis-report.js";
import { type CommandWorld, EXIT, usageError } from "../terminal/command.js";
import { printableJson } from "../terminal/printable.js";
import { terminal } from "../terminal/terminal.js";
import { type RequestOverrides, readSubject, type Subject } from "./look-at.js";
import { printReport } from "./print-report.js";
import { reportWithoutSecrets, withoutSecrets } from "./world/credentials.js";
import { TLS_AS_USUAL } from "./world/endpoint.js";
import { DOCTOR_LIMITS, type DoctorLimits } from "./world/limits.js";
import { type DoctorWorld, systemWorld } from "./world/world.js";

/** A person waits for it; what was not checked by then is reported. */
const WITHIN_SECONDS = 120;

export const DOCTOR_USAGE = `\
good-gateway doctor <url …>        walk the layers to an upstream: what is wrong?

  http://127.0.0.1:3000/path, shop.example, :3000, unix:/run/app.sock, fastcgi://127.0.0.1:9000,
  uwsgi://, scgi://, ajp://, memcached://, grpc://, grpcs://, tcp://

good-gateway doctor <config …>     every upstream of a configuration, and its contradictions

  nginx.conf, httpd.conf, haproxy.cfg, Caddyfile, caddy.json, gateway.config.mjs,
  compose.yml, and the YAML of Traefik, Envoy, Kubernetes and cloudflared

Options
  --health PATH       the health path of the application, such as /readyz
  --timeout MS        the longest wait for an answer (${DOCTOR_LIMITS.responseMs})
  --idle MS           how long an idle connection is watched (${DOCTOR_LIMITS.idleMs})
  --within SECONDS    the longest time for all of it (${WITHIN_SECONDS}); what is left is said
  --watch [SECONDS]   repeat until it is stopped
  --host NAME         the host name to send, also for TLS, if the address has another one
  --ca FILE           CAs to trust instead of the default ones (PEM)
  --json              for programs
`;

interface DoctorArguments {
  readonly subjects: readonly Subject[];
  readonly limits: DoctorLimits;
  readonly healthPath: string | null;
  readonly watchMs: number | null;
  readonly withinMs: number;
  readonly json: boolean;
}

export async function runDoctor(
  args: readonly string[],
  world: CommandWorld,
  machine: DoctorWorld = systemWorld,
): Promise<number> {
  let asked: DoctorArguments | "help";
  try {
    asked = await readDoctorArguments(args, machine);
  } catch (error) {
    const { message } = error as Error;
    return usageError(world, withoutSecrets(message), "doctor");
  }
  if (asked === "help") {
    world.stdout.write(DOCTOR_USAGE);
    return EXIT.well;
  }
  for (;;) {
    const code = await look(asked, world, machine);
    if (asked.watchMs === null) return code;
    await machine.clock.sleep(asked.watchMs);
  }
}

async function look(
  asked: DoctorArguments,
  world: CommandWorld,
  machine: DoctorWorld,
): Promise<number> {
  const { limits, healthPath } = asked;
  const endAt = machine.clock.now() + asked.withinMs;
  const progress = progressOn(world);
  const options = { limits, healthPath, upgrades: false, endAt, progress };
  // Side by side: each waits for its own server, and a person waits for all of them.
  const looked = await Promise.all(asked.subjects.map((look) => look(machine, options)));
  const reports = looked.map(reportWithoutSecrets);
  printReports(reports, asked.json, world);
  const found = reports.some(
    ({ verdict, findings }) => !verdict.well || findings.some((one) => one.severity === "warning"),
  );
  return found ? EXIT.found : EXIT.well;
}

/** A progress line that is overwritten on a terminal; nothing in a pipe. */
function progressOn({ stderr, stdout }: CommandWorld): (done: number, all: number) => void {
  if (stdout.isTTY !== true) return () => {};
  return (done, all) => {
    if (all < PROGRESS_FROM) return;
    stderr.write(done < all ? `\r${done} of ${all} places looked at` : "\r\u001b[K");
  };
}

/** Fewer are done before progress is of interest. */
const PROGRESS_FROM = 10;

function printReports(reports: readonly Report[], json: boolean, world: CommandWorld): void {
  if (json) {
    world.stdout.write(`${printableJson(reports, 2)}\n`);
    return;
  }
  const to = terminal(world.stdout, world.env);
  for (const report of reports) printReport(report, to);
}

const WATCH_SECONDS = 5;

async function readDoctorArguments(
  args: readonly string[],
  machine: DoctorWorld,
): Promise<DoctorArguments | "help"> {
  const { values, positionals } = parseArgs({
    args: withWatchValue(args),
    allowPositionals: true,
    options: {
      config: { type: "string", multiple: true },
      health: { type: "string" },
      host: { type: "string" },
      ca: { type: "string" },
      timeout: { type: "string" },
      idle: { type: "string" },
      watch: { type: "string" },
      within: { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) return "help";
  const subjects = [...(values.config ?? []), ...positionals];
  if (subjects.length === 0) {
    throw new TypeError("doctor needs an address or a configuration to look at.");
  }
  const { health = null } = values;
  if (health !== null && !health.startsWith("/")) {
    throw new TypeError(`--health is a path: write --health /${health}`);
  }
  const asked = await askedFor(values.host, values.ca);
  return {
    subjects: await Promise.all(subjects.map((text) => readSubject(text, asked, machine))),
    limits: {
      ...DOCTOR_LIMITS,
      responseMs: milliseconds("timeout", values.timeout) ?? DOCTOR_LIMITS.responseMs,
      bodyMs: milliseconds("timeout", values.timeout) ?? DOCTOR_LIMITS.bodyMs,
      idleMs: milliseconds("idle", values.idle) ?? DOCTOR_LIMITS.idleMs,
    },
    healthPath: health,
    watchMs: secondsOf("watch", values.watch, WATCH_SECONDS),
    withinMs: secondsOf("within", values.within, WITHIN_SECONDS) ?? WITHIN_SECONDS * 1_000,
    json: values.json === true,
  };
}

async function askedFor(
  host: string | undefined,
  ca: string | undefined,
): Promise<RequestOverrides> {
  const pem =
    ca === undefined
      ? null
      : await readFile(ca, "utf8").catch(() => {
          throw new TypeError(`--ca is a file with certificates: "${ca}" cannot be read`);
        });
  const servername = host?.replace(/:\d+$/, "") ?? null;
  return {
    ...(host === undefined ? {} : { authority: host }),
    tls: { ...TLS_AS_USUAL, servername, ca: pem },
  };
}

/** `--watch` alone means a usual time; parseArgs knows options with a value or without one. */
function withWatchValue(args: readonly string[]): string[] {
  return args.flatMap((arg, index) => {
    const bare = arg === "--watch" && !/^\d+(?:\.\d+)?$/.test(args[index + 1] ?? "");
    return bare ? [`--watch=${WATCH_SECONDS}`] : [arg];
  });
}

function secondsOf(name: string, text: string | undefined, usual: number): number | null {
  if (text === undefined) return null;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds > 0) return seconds * 1_000;
  throw new TypeError(`--${name} takes seconds, such as --${name} ${usual}, not "${text}"`);
}

function milliseconds(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new TypeError(`--${name} takes milliseconds, such as --${name} 2000, not "${text}"`);
}
