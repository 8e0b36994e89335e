/**
 * The snippets of the documentation, type-checked as they stand, against the source.
 *
 * A snippet is a module of its own. What a page has made before and only names again (`gateway`,
 * `orders`, `app` …) is declared in CONTEXT; a snippet that declares such a name itself hides it.
 */
import ts from "typescript";
import type { Page } from "./docs-pages.js";
import { ROOT } from "./source-files.js";

export interface Snippet {
  /** `README.md:120`, the line of the fence. */
  readonly place: string;
  readonly language: string;
  readonly code: string;
}

/** Every fenced block of a page, in order. */
export function snippetsOf({ path, text }: Page): readonly Snippet[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((found) => {
    const [, language = "", code = ""] = found;
    const line = text.slice(0, found.index).split("\n").length;
    return { place: `${path}:${line}`, language, code };
  });
}

const CONTEXT = `
  import type { Express } from "express";
  import type { FastifyInstance } from "fastify";
  import type { Gateway, Upstream } from "good-gateway";
  import type { GatewayFetch } from "good-gateway/fetch";
  declare global {
    const gateway: Gateway<"orders" | "search">;
    const server: import("node:http").Server;
    const orders: Upstream<"orders">;
    const ordersFetch: GatewayFetch;
    const app: Express;
    const fastify: FastifyInstance;
    const log: Pick<Console, "info" | "warn" | "error">;
    function isOperator(req: import("node:http").IncomingMessage): boolean;
  }
`;

/** What the compiler says of these snippets: `README.md:120 …`; nothing when all is well. */
export function compile(snippets: readonly Snippet[]): readonly string[] {
  const files = new Map(
    snippets.map(({ code }, index) => [`${ROOT}snippet-${index}.ts`, `${code}\nexport {};\n`]),
  );
  files.set(`${ROOT}snippet-context.ts`, CONTEXT);
  const options = compilerOptions();
  const program = ts.createProgram([...files.keys()], options, hostOf(files, options));
  // Only the snippets: the rest of the repository has a type check of its own.
  return [...files.keys()]
    .map((name) => program.getSourceFile(name))
    .flatMap((file) => [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ])
    .map((diagnostic) => told(snippets, diagnostic));
}

function told(snippets: readonly Snippet[], { file, start, messageText }: ts.Diagnostic): string {
  const text = ts.flattenDiagnosticMessageText(messageText, "\n");
  if (file === undefined || start === undefined) return text;
  const index = /snippet-(\d+)\.ts$/.exec(file.fileName)?.[1];
  const { line } = file.getLineAndCharacterOfPosition(start);
  const place = index === undefined ? file.fileName : (snippets[Number(index)]?.place ?? "");
  return `${place}, line ${line + 1}: ${text}`;
}

function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  // A snippet shows how a thing is made, and need not use it.
  return { ...options, noUnusedLocals: false, noUnusedParameters: false };
}

/** The file system with these files in it. */
function hostOf(files: ReadonlyMap<string, string>, options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  const getSourceFile: ts.CompilerHost["getSourceFile"] = (name, languageVersion, ...more) => {
    const text = files.get(name);
    return text === undefined
      ? host.getSourceFile(name, languageVersion, ...more)
      : ts.createSourceFile(name, text, languageVersion);
  };
  return {
    ...host,
    getSourceFile,
    fileExists: (name) => files.has(name) || host.fileExists(name),
    readFile: (name) => files.get(name) ?? host.readFile(name),
  };
}
