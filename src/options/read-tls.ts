/**
 * Reads `tls` of a target, and finds what `tls.connect` would only report at the first call, or
 * never.
 *
 * Guarantee: no object of the caller is kept, and no message shows the content of a key or
 * certificate.
 */
import { NamedError } from "../core/named-error.js";
import type { TargetTls } from "../targets/target.js";
import { TlsFiles } from "../targets/tls-files.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { checkNames } from "./option-names.js";
import { readBoolean } from "./read-boolean.js";

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
  const files: Record<string, string> = {};
  for (const name of IN_FILES) {
    const { file } = Object(value[name]) as { readonly file?: unknown };
    if (typeof file === "string") files[name] = file;
    else {
      const read = READERS[name](findings, at(path, name), value[name]);
      if (read !== undefined) tls[name] = read;
    }
  }
  for (const [name, read] of Object.entries(PLAIN)) {
    const taken = read(findings, at(path, name), value[name]);
    if (taken !== undefined) tls[name] = taken;
  }
  checkTogether(findings, path, { ...tls, ...files }, value);
  return withFiles(findings, path, tls, files);
}

function withFiles(
  findings: Findings,
  path: string,
  tls: Readonly<Record<string, unknown>>,
  files: Readonly<Record<string, string>>,
): TargetTls {
  if (Object.keys(files).length === 0) return tls as TargetTls;
  try {
    return { ...tls, files: new TlsFiles(files, tls) } as TargetTls;
  } catch (error) {
    const names = Object.values(files).join(", ");
    findings.problem(path, `${names} cannot be used: ${(error as Error).message}`);
    return tls as TargetTls;
  }
}

type Reader = (findings: Findings, path: string, value: unknown) => unknown;

const IN_FILES = ["ca", "cert", "key", "pfx"] as const;
const READERS: Readonly<Record<(typeof IN_FILES)[number], Reader>> = {
  ca: readPem,
  cert: readPem,
  key: readPem,
  pfx: readArchive,
};
const PLAIN: Readonly<Record<string, Reader>> = {
  servername: readName,
  rejectUnauthorized: readBoolean,
  passphrase: (findings, path, value) =>
    checked(findings, path, value, typeof value === "string", "this is not a text"),
  minVersion: readVersion,
  maxVersion: readVersion,
  checkServerIdentity: readCheck,
};

function checked(
  findings: Findings,
  path: string,
  value: unknown,
  isRight: boolean,
  problem: string,
): unknown {
  if (value === undefined || isRight) return value;
  findings.problem(path, problem);
  return undefined;
}

type IdentityCheck = NonNullable<TargetTls["checkServerIdentity"]>;

/** What it throws would end the process, and what it returns has no name. */
function readCheck(findings: Findings, path: string, value: unknown): IdentityCheck | undefined {
  const isCode = typeof value === "function";
  checked(findings, path, value, isCode, `${shown(value)} is no function`);
  if (!isCode) return undefined;
  return (host, certificate) => {
    try {
      const error = (value as IdentityCheck)(host, certificate);
      return error && new NamedError("tls_certificate_error", undefined, error);
    } catch (error) {
      return new NamedError("proxy_internal_error", undefined, error);
    }
  };
}

function readName(findings: Findings, path: string, value: unknown): unknown {
  const isName = typeof value === "string" && value !== "";
  return checked(findings, path, value, isName, `${shown(value)} is not the name of a host`);
}

function readVersion(findings: Findings, path: string, value: unknown): unknown {
  const isKnown = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"].includes(value as string);
  const advice = 'write "TLSv1.2" or "TLSv1.3"';
  return checked(findings, path, value, isKnown, `${shown(value)} is no version; ${advice}`);
}

/** PKCS #12 is no text. */
function readArchive(findings: Findings, path: string, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (ArrayBuffer.isView(value)) return Buffer.from(copyOf(value));
  const advice = "write { file } or readFileSync(…)";
  findings.problem(path, `${shown(value)} is not a Buffer; ${advice}`);
  return undefined;
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
  if (tls["pfx"] !== undefined && tls["cert"] !== undefined) {
    findings.problem(at(path, "pfx"), "has a certificate, as cert has; write one of them");
  }
  const { checkServerIdentity: check, rejectUnauthorized } = tls;
  if (check !== undefined && rejectUnauthorized === false) {
    const text = "has no effect with rejectUnauthorized: false; leave that out";
    findings.problem(at(path, "checkServerIdentity"), text);
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
