/**
 * Reads `tls` of a target, and finds what `tls.connect` would only report at the first call, or
 * never.
 *
 * Guarantee: no object of the caller is kept, and no message shows the content of a key or
 * certificate.
 */
import type { TargetTls } from "../targets/target.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { checkNames } from "./option-names.js";
import { readBoolean } from "./read-boolean.js";

const PEM_MEMBERS = ["ca", "cert", "key"] as const;
const PEM = "-----BEGIN ";
/** A text this short, of one line, is the name of a file rather than its content. */
const FILE_NAME_MAX = 256;

export function readTls(findings: Findings, path: string, value: unknown): TargetTls | undefined {
  if (value === undefined) return undefined;
  if (!isRecord(value)) {
    findings.problem(
      path,
      `${shown(value)} is not an object such as { ca: readFileSync("ca.pem") }`,
    );
    return undefined;
  }
  checkNames(findings, path, "tls", value);
  const tls: Record<string, unknown> = {};
  for (const name of PEM_MEMBERS) {
    const read = readPem(findings, at(path, name), value[name]);
    if (read !== undefined) tls[name] = read;
  }
  const { servername } = value;
  if (typeof servername === "string" && servername !== "") tls["servername"] = servername;
  else if (servername !== undefined) {
    findings.problem(at(path, "servername"), `${shown(servername)} is not the name of a host`);
  }
  const checked = readBoolean(
    findings,
    at(path, "rejectUnauthorized"),
    value["rejectUnauthorized"],
  );
  if (checked !== undefined) tls["rejectUnauthorized"] = checked;
  checkTogether(findings, path, tls, value);
  return tls as TargetTls;
}

function checkTogether(
  findings: Findings,
  path: string,
  tls: Readonly<Record<string, unknown>>,
  written: Readonly<Record<string, unknown>>,
): void {
  for (const [one, other] of [["cert", "key"] as const, ["key", "cert"] as const]) {
    if (tls[one] === undefined || written[other] !== undefined) continue;
    findings.problem(at(path, one), `has no effect without ${other}; write both or neither`);
  }
  if (tls["ca"] !== undefined && tls["rejectUnauthorized"] === false) {
    const text = "has no effect with rejectUnauthorized: false; leave that out";
    findings.warning(at(path, "ca"), text);
  }
}

function readPem(findings: Findings, path: string, value: unknown): unknown {
  if (!Array.isArray(value)) return readPemItem(findings, path, value);
  return value.map((item: unknown, index) => readPemItem(findings, at(path, index), item ?? null));
}

function readPemItem(findings: Findings, path: string, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (ArrayBuffer.isView(value)) return Buffer.from(copyOf(value));
  if (typeof value === "string" && value.includes(PEM)) return value;
  // A key with its passphrase, as `tls.connect` takes it inside a list.
  if (isRecord(value) && value["pem"] !== undefined) {
    return { ...value, pem: readPemItem(findings, at(path, "pem"), value["pem"]) };
  }
  findings.problem(path, wrongPem(value));
  return undefined;
}

function copyOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
}

function wrongPem(value: unknown): string {
  if (typeof value !== "string") return `${shown(value)} is neither text in PEM form nor a Buffer`;
  const isFileName = value.length <= FILE_NAME_MAX && /^[^\r\n]*\.[a-z]{2,4}$/i.test(value);
  return isFileName
    ? `${shown(value)} is not in PEM form; did you mean readFileSync(${shown(value)})?`
    : "the text is not in PEM form, which begins with -----BEGIN";
}
