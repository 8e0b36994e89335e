/**
 * Reads the targets of an upstream; every invalid one is reported, not only the first.
 *
 * `targets/target.ts` parses addresses; here are the shapes around them and the common mistakes.
 */
import {
  BACKUP_PRIORITY,
  type ParsedTarget,
  parseTarget,
  type TargetInput,
} from "../targets/target.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { checkNames, meantAs } from "./option-names.js";
import { readBoolean } from "./read-boolean.js";
import { readTls } from "./read-tls.js";

const EXAMPLE = '"http://127.0.0.1:8080"';
const HTTPS_PORT = "443";
/** A host with port and path and nothing before it. */
const WITHOUT_SCHEME = /^(?:\[[\da-f:.]+\]|[^\s/:@?#[\]]+)(?::(\d+))?(?:\/[^\s?#]*)?$/i;
/** How other proxies write a unix socket. */
const SOCKET_AS_HOST = /^https?:\/\/unix:(\/[^:]+)/i;

export function readTargets(
  findings: Findings,
  path: string,
  value: unknown,
): readonly ParsedTarget[] {
  if (!Array.isArray(value)) return present(readTarget(findings, path, value));
  if (value.length === 0) {
    findings.problem(path, `is empty; write at least one address, such as [${EXAMPLE}]`);
  }
  const read = value.map((item: unknown, index) => ({
    path: at(path, index),
    target: readTarget(findings, at(path, index), item),
  }));
  checkUnique(findings, read);
  return read.flatMap(({ target }) => present(target));
}

function present(target: ParsedTarget | null): readonly ParsedTarget[] {
  return target === null ? [] : [target];
}

function checkUnique(
  findings: Findings,
  read: readonly { readonly path: string; readonly target: ParsedTarget | null }[],
): void {
  const firsts = new Map<string, string>();
  for (const { path, target } of read) {
    if (target === null) continue;
    const first = firsts.get(target.id);
    if (first === undefined) firsts.set(target.id, path);
    else {
      const advice = `give one of them a weight, such as { url: "${target.id}", weight: 2 }`;
      findings.problem(path, `"${target.id}" is ${first} already; ${advice}`);
    }
  }
}

function readTarget(findings: Findings, path: string, value: unknown): ParsedTarget | null {
  if (typeof value === "string") return readAddress(findings, path, value, { url: value });
  if (value instanceof URL) {
    findings.problem(path, `a URL object is not a target; did you mean ${shown(value.href)}?`);
    return null;
  }
  if (!isRecord(value)) {
    findings.problem(path, `${shown(value)} is not a target; write ${EXAMPLE} or { url, weight }`);
    return null;
  }
  return readInput(findings, path, value);
}

function readInput(
  findings: Findings,
  path: string,
  value: Readonly<Record<string, unknown>>,
): ParsedTarget | null {
  checkNames(findings, path, "target", value);
  const { url, weight, socketPath } = value;
  const isPath = typeof socketPath === "string" && socketPath.startsWith("/");
  if (weight !== undefined && !isWeight(weight)) {
    const advice = weight === 0 ? "; to send nothing there, leave the target out" : "";
    findings.problem(at(path, "weight"), `${shown(weight)} is not a number above 0${advice}`);
  }
  if (socketPath !== undefined && !isPath) {
    const text = `${shown(socketPath)} is not the absolute path of a unix socket`;
    findings.problem(at(path, "socketPath"), text);
  }
  const rank = readRank(findings, path, value);
  const { host } = value;
  if (host !== undefined && typeof host !== "string") {
    findings.problem(at(path, "host"), `${shown(host)} is not a host such as "orders.internal"`);
  }
  const tls = readTls(findings, at(path, "tls"), value["tls"]);
  if (typeof url !== "string") {
    if (url === undefined && meantAs("target", value, "url")) return null;
    const text = url === undefined ? "missing" : `${shown(url)} is not an address`;
    findings.problem(at(path, "url"), `${text}; write one such as ${EXAMPLE}`);
    return null;
  }
  return readAddress(findings, at(path, "url"), url, {
    url,
    ...(isWeight(weight) ? { weight } : {}),
    ...(isPath ? { socketPath } : {}),
    ...(tls === undefined ? {} : { tls }),
    ...(typeof host === "string" ? { host } : {}),
    ...rank,
  });
}

function readRank(
  findings: Findings,
  path: string,
  { priority, backup, zone }: Readonly<Record<string, unknown>>,
): Pick<TargetInput, "priority" | "backup" | "zone"> {
  const whole = typeof priority === "number" && Number.isInteger(priority);
  const known = whole && priority >= 0 && priority < BACKUP_PRIORITY;
  if (priority !== undefined && !known) {
    const text = `${shown(priority)} is not an integer from 0 to ${BACKUP_PRIORITY - 1}`;
    findings.problem(at(path, "priority"), `${text}; 0 is preferred`);
  }
  const isBackup = readBoolean(findings, at(path, "backup"), backup) ?? false;
  if (isBackup && priority !== undefined) {
    findings.problem(at(path, "backup"), "true sets a priority itself; leave the other one out");
  }
  const where = readZone(findings, at(path, "zone"), zone);
  return {
    ...(known ? { priority } : {}),
    ...(isBackup ? { backup: true } : {}),
    ...(where === null ? {} : { zone: where }),
  };
}

/** The name of a zone, null when none is given. */
export function readZone(findings: Findings, path: string, value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === "string" && value.trim() !== "") return value;
  findings.problem(path, `${shown(value)} is not the name of a zone, such as "eu-west-1a"`);
  return null;
}

function isWeight(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}

function readAddress(
  findings: Findings,
  path: string,
  text: string,
  input: TargetInput,
): ParsedTarget | null {
  const slip = knownSlip(text);
  if (slip !== null) {
    findings.problem(path, `${shown(text)} ${slip}`);
    return null;
  }
  try {
    return parseTarget(input);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // It begins with "target", which the path has said already.
    findings.problem(path, error.message.replace(/^target /, ""));
    return null;
  }
}

/** What was probably intended, for mistakes beyond a mistyped letter. */
function knownSlip(text: string): string | null {
  const socket = SOCKET_AS_HOST.exec(text)?.[1] ?? (text.startsWith("/") ? text : null);
  if (socket !== null) return `is not the address of a unix socket; did you mean "unix:${socket}"?`;
  const parts = text.split(",").map((part) => part.trim());
  if (parts.length > 1 && parts.every(canBeRead)) {
    return `is a list in one text; did you mean [${parts.map(shown).join(", ")}]?`;
  }
  const [whole, port] = WITHOUT_SCHEME.exec(text) ?? [];
  if (whole === undefined || /^(?:https?|unix):/i.test(text)) return null;
  const right = `${port === HTTPS_PORT ? "https" : "http"}://${whole}`;
  return canBeRead(right) ? `has no scheme; did you mean "${right}"?` : null;
}

function canBeRead(url: string): boolean {
  try {
    parseTarget(url);
    return true;
  } catch {
    return false;
  }
}
