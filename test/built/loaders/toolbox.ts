/**
 * A project of a user: a folder of its own with the packed package, the tools that are asked for,
 * in one version each, and what these tools load.
 */
import { type ExecFileOptions, execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Limits against hanging: npm fetches what it does not have yet. */
export const INSTALL_MS = 300_000;
export const TOOL_MS = 300_000;
const PEERS = ["@opentelemetry/api", "express", "fastify", "http-proxy-middleware"];

export interface Project {
  readonly folder: string;
  /** Writes a file into the project, with the folders that it needs. */
  write(path: string, text: string): void;
  /** Runs a script with this Node and gives its output; fails with it when the script fails. */
  node(args: readonly string[], options?: string): Promise<string>;
  remove(): void;
}

/** `tools` are names with versions; a name without one would be another test every day. */
export async function newProject(tools: Readonly<Record<string, string>>): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), "good-gateway-loaders-"));
  const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
    dependencies: Record<string, string>;
  };
  const taken = ["good-gateway", ...PEERS].map((name) => [name, dependencies[name]]);
  const manifest = { private: true, dependencies: { ...Object.fromEntries(taken), ...tools } };
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write("package.json", JSON.stringify(manifest));
  const installing = ["install", "--silent", "--no-audit", "--no-fund"];
  await ended("npm", installing, { cwd: folder, timeout: INSTALL_MS });
  return {
    folder,
    write,
    node: (args, options = "") =>
      ended(process.execPath, args, {
        ...{ cwd: folder, timeout: TOOL_MS },
        env: { ...process.env, NODE_OPTIONS: options, NODE_ENV: "test" },
      }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function ended(
  program: string,
  args: readonly string[],
  options: ExecFileOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { ...options, encoding: "utf8" }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${program} ${args.join(" ")}\n${stdout}${stderr}`));
    });
  });
}

/** The names under which the installed package can be loaded. */
export function entriesOfPackage(): readonly string[] {
  const manifest = createRequire(`${process.cwd()}/`).resolve("good-gateway/package.json");
  const { exports } = JSON.parse(readFileSync(manifest, "utf8")) as { exports: object };
  return Object.keys(exports)
    .filter((path) => !path.endsWith(".json"))
    .map((path) => path.replace(/^\./, "good-gateway"));
}
