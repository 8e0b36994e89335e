/**
 * Runs the doctor of the package as a person would, as a process of its own, and reads its report.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface DoctorVerdict {
  readonly well: boolean;
  readonly layer: string | null;
  readonly cause: string | null;
  readonly blame: string | null;
  readonly title: string;
  readonly evidence: readonly string[];
  readonly confidence: string;
  readonly next: string;
  readonly write?: string;
}

export interface DoctorReport {
  readonly verdict: DoctorVerdict;
  readonly findings: readonly { readonly cause: string; readonly layer: string }[];
}

/** Who may see everything is no test of permissions. */
const NOBODY = 65_534;

export interface DoctorOptions {
  /** Run as a user without rights, where this process has any. */
  readonly asNobody?: boolean;
  /** Folders of programs that come before those of the system. */
  readonly programs?: string;
}

export function runDoctor(
  args: readonly string[],
  { asNobody = false, programs = "" }: DoctorOptions = {},
): Promise<{ readonly code: number | null; readonly report: DoctorReport }> {
  const manifest = createRequire(`${process.cwd()}/`).resolve("good-gateway/package.json");
  const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin: Record<string, string> };
  const program = join(dirname(manifest), bin["good-gateway"] ?? "");
  const drop = asNobody && process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const all = [program, "doctor", "--json", "--timeout", "1500", "--idle", "300", ...args];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, all, {
      ...drop,
      env: { ...process.env, NODE_OPTIONS: "", PATH: `${programs}:${process.env["PATH"] ?? ""}` },
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (part: Buffer) => {
      out += part.toString();
    });
    child.stderr.on("data", (part: Buffer) => {
      err += part.toString();
    });
    child.once("error", reject);
    child.once("close", (code) => {
      try {
        const [report] = JSON.parse(out) as readonly [DoctorReport];
        resolve({ code, report });
      } catch {
        reject(new Error(`the doctor ended with ${code}:\n${out}${err}`));
      }
    });
  });
}
