/**
 * Reads what a probe or one of its checks asks: a path, a connection, gRPC, an agent or a program.
 *
 * Guarantee: it is exactly one of them.
 */
import { PROBE } from "../catalog/defaults.js";
import { at, type Findings, shown } from "./findings.js";
import { meantAs } from "./option-names.js";
import type { ProbeAsked } from "./probe-options.js";

export type WrittenCheck = Readonly<Record<string, unknown>>;

const KINDS = ["path", "tcp", "grpc", "agent", "command"] as const;

type ProbeKind = (typeof KINDS)[number];

/** The kinds that are written; \`false\` is as good as nothing. */
export function kindsOf(value: WrittenCheck): readonly ProbeKind[] {
  return KINDS.filter((kind) => value[kind] !== undefined && value[kind] !== false);
}

/** Without a path only a connection is made, unless another kind is there. */
export function readKind(
  findings: Findings,
  path: string,
  value: WrittenCheck,
  nothing: boolean,
): Pick<ProbeAsked, "path" | "grpc" | "agent" | "command"> {
  const [kind, other] = kindsOf(value);
  if (kind === undefined && !nothing && !meantAs("probe", value, "path")) {
    findings.problem(path, 'has nothing to probe; write { path: "/healthz" }, or { tcp: true }');
  }
  if (kind === "path" && other === "tcp") {
    findings.problem(at(path, "tcp"), "only connects, so it contradicts path; leave one out");
  } else if (other !== undefined) {
    const text = `contradicts ${kind}; a check asks one thing, and several stand in checks`;
    findings.problem(at(path, other), text);
  }
  if (value["agent"] === true && value["port"] === undefined) {
    findings.problem(at(path, "agent"), "needs port, the one that the agent listens on");
  }
  return {
    path: readPath(findings, at(path, "path"), value["path"]),
    grpc: readGrpc(findings, at(path, "grpc"), value["grpc"]),
    agent: value["agent"] === true,
    command: readCommand(findings, at(path, "command"), value["command"]),
  };
}

function readPath(findings: Findings, path: string, value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === "string" && /^\/[\x21-\x7e]*$/.test(value)) return value;
  const advice =
    typeof value === "string" && /^[\x21-\x7e]+$/.test(value)
      ? `; did you mean ${shown(value.replace(/^(?:https?:\/\/[^/]*)?\/?/, "/"))}?`
      : "";
  findings.problem(path, `${shown(value)} is not a path such as "/healthz"${advice}`);
  return null;
}

function readGrpc(findings: Findings, path: string, value: unknown): string | null {
  if (value === undefined || value === false) return null;
  if (value === true) return "";
  if (typeof value === "string" && /^[\w./-]{1,255}$/.test(value)) return value;
  findings.problem(path, `${shown(value)} is neither true nor a service such as "orders.Orders"`);
  return null;
}

function readCommand(findings: Findings, path: string, value: unknown): readonly string[] | null {
  if (value === undefined) return null;
  const isList = Array.isArray(value) && value.length > 0 && value.length <= PROBE.argumentsMax;
  // A null byte would end an argument early.
  const isText = (one: unknown): boolean => typeof one === "string" && !one.includes("\0");
  if (isList && value.every(isText) && value[0] !== "") return [...value] as readonly string[];
  const example = '["/usr/local/bin/check", "--quick"]';
  findings.problem(path, `${shown(value)} is not a program with its arguments: ${example}`);
  return null;
}
