/**
 * What a front wrote into its log of errors on the matter: the last telling line, quoted as it is.
 * A line that is not known here is quoted, too; it is the front's own word.
 */
import { open, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { said, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import { explain } from "../../explain/explain.js";
import type { FrontKind as FrontName } from "../config/front-config.js";
import type { LocalFront } from "../local/front.js";
import type { DoctorWorld } from "../world/world.js";

/** The end of a log: some hundred lines. */
const LOG_BYTES = 64 * 1024;
/** Older lines belong to another outage. */
const LOG_AGE_MS = 15 * 60_000;
const LINE_CHARACTERS = 300;

/** Where Debian's and others' packages write, where the configuration does not say. */
const USUAL: Readonly<Partial<Record<FrontName, string>>> = {
  nginx: "/var/log/nginx/error.log",
  apache: "/var/log/apache2/error.log",
  haproxy: "/var/log/haproxy.log",
};

export interface LogLine {
  readonly log: string;
  readonly line: string;
  /** What it means; null where that is not known here. */
  readonly meaning: string | null;
}

/** The last line of an error, of a request where one is named; null where there is none of late. */
export async function lastLogLine(
  world: DoctorWorld,
  { config, running }: LocalFront,
  path: string | null = null,
): Promise<LogLine | null> {
  const log = logOf(world, { config, running });
  if (log === null) return null;
  const info = await stat(log).catch(() => null);
  if (info === null || world.clock.wallNow() - info.mtimeMs > LOG_AGE_MS) return null;
  const lines = (await endOf(log)).filter((line) => TELLING.test(line));
  const own = path === null ? undefined : lines.findLast((line) => line.includes(` ${path} `));
  const line = own ?? lines.at(-1);
  if (line === undefined) return null;
  const [explanation] = explain(line).explanations;
  return { log, line: line.slice(0, LINE_CHARACTERS), meaning: explanation?.meaning ?? null };
}

/** A relative path begins at the folder that the front was started with. */
function logOf({ root }: DoctorWorld, { config, running }: LocalFront): string | null {
  const { errorLog, front } = config;
  if (errorLog !== null) {
    if (isAbsolute(errorLog)) return errorLog;
    return running?.prefix == null ? null : join(running.prefix, errorLog);
  }
  const usual = USUAL[front];
  return usual === undefined || running === null ? null : join(root, usual);
}

export async function saidInLog(
  world: DoctorWorld,
  front: LocalFront,
  explained: boolean,
): Promise<readonly Finding[]> {
  const last = await lastLogLine(world, front);
  if (last === null) return [];
  const { line, meaning, log } = last;
  const parts = {
    cause: "said_in_log",
    layer: "config",
    title: `The log of ${front.config.front} says: ${meaning ?? line}`,
    evidence: said(meaning !== null && line),
    fix: `good-gateway explain has more about it; the log is ${log}`,
    confidence: "possible",
  } as const;
  return [explained ? { ...warning(parts), severity: "note" } : warning(parts)];
}

async function endOf(path: string): Promise<readonly string[]> {
  const file = await open(path, "r").catch(() => null);
  if (file === null) return [];
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(Math.min(size, LOG_BYTES));
    await file.read(bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString("utf8").split("\n").filter(Boolean);
  } finally {
    await file.close();
  }
}

/** Lines of nginx and Apache by their level; of HAProxy those of a 5xx. */
const TELLING = /\[(?:error|crit|alert|emerg|\w+:error)\]|haproxy\[\d+\]: .* (?:-1|5\d\d) \d+ /;
