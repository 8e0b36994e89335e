/**
 * What an editor shows of an option in the published types: they are emitted from the source, as
 * the build does it, and a configuration is written against them. Each option that the source
 * explains is explained there as well, with its default and the reason for it.
 */
import { existsSync } from "node:fs";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { ENTRIES } from "../../build/entries.mjs";
import { ROOT } from "../tools/source-files.js";

/** A program of the type checker over the whole source, and one over what it emits. */
const CHECKER_MS = 120_000;
const TYPES = `${ROOT}types-that-are-published/`;
const CONFIG = `${TYPES}config.ts`;

const { config } = ts.readConfigFile(`${ROOT}tsconfig.build.json`, ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
const program = ts.createProgram([ROOT + ENTRIES.index], {
  ...options,
  ...{ noEmit: false, declaration: true, emitDeclarationOnly: true },
  ...{ rootDir: `${ROOT}src`, outDir: TYPES },
});

/** What imports them, as an application does. */
const USE = `export type { GatewayOptions } from "./index.js";`;

describe("the published types", { timeout: CHECKER_MS }, () => {
  const files = new Map<string, string>([[CONFIG, USE]]);
  const emitted = program.emit(undefined, (path, text) => files.set(path, text));

  it("can be emitted", () => {
    const wrong = emitted.diagnostics.map(({ messageText }) =>
      ts.flattenDiagnosticMessageText(messageText, "\n"),
    );
    expect(wrong).toEqual([]);
    expect(files.size).toBeGreaterThan(100);
  });

  it("explain each option as the source does", () => {
    const inSource = optionsOf(program, `${ROOT}src/index.ts`);
    const published = optionsOf(programOf(files), `${TYPES}index.d.ts`);
    expect(inSource.size).toBeGreaterThan(120);
    expect(published).toEqual(inSource);
    const shown = published.get("UpstreamOptions.retry.attemptsMax") ?? "";
    expect(shown).toMatch(/Attempts of one call.*@default 3.*@remarks The first attempt/s);
    const silent = [...published].filter(([, text]) => text === "").map(([path]) => path);
    // What `tls.connect` documents, keys by which calls are grouped, and names of fields.
    expect(silent.filter((path) => !/\.(?:tls|key|by|priority)\.\w+$/.test(path))).toEqual([]);
  });
});

function programOf(files: ReadonlyMap<string, string>): ts.Program {
  const settings = { ...options, noEmit: true };
  const host = ts.createCompilerHost(settings);
  const read = (path: string): string | undefined => files.get(path) ?? ts.sys.readFile(path);
  return ts.createProgram([CONFIG], settings, {
    ...host,
    readFile: read,
    fileExists: (path) => files.has(path) || existsSync(path),
    directoryExists: (path) => path.startsWith(TYPES.slice(0, -1)) || ts.sys.directoryExists(path),
    getSourceFile: (path, target) => {
      const text = files.get(path);
      return text === undefined
        ? host.getSourceFile(path, target)
        : ts.createSourceFile(path, text, target);
    },
  });
}

/** By the path of an option: its text and tags. */
function optionsOf(from: ts.Program, entry: string): ReadonlyMap<string, string> {
  const checker = from.getTypeChecker();
  const file = from.getSourceFile(entry);
  const module = file && checker.getSymbolAtLocation(file);
  const exported = module ? checker.getExportsOfModule(module) : [];
  const found = new Map<string, string>();
  for (const name of ["GatewayOptions", "UpstreamOptions", "ProxyOptions", "CheckOptions"]) {
    const symbol = exported.find((one) => one.name === name);
    if (symbol === undefined) continue;
    const { flags } = symbol;
    const origin = flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    look(checker, name, checker.getDeclaredTypeOfSymbol(origin), found);
  }
  return found;
}

function look(
  checker: ts.TypeChecker,
  path: string,
  type: ts.Type,
  found: Map<string, string>,
): void {
  const parts = type.isUnion() ? type.types : [type];
  for (const part of parts) {
    const values = checker.getIndexTypeOfType(part, ts.IndexKind.Number) ?? part;
    const members = checker.getIndexTypeOfType(values, ts.IndexKind.String) ?? values;
    if (members !== part) {
      look(checker, path, members, found);
      continue;
    }
    if (!isOurs(part)) continue;
    for (const member of part.getProperties()) {
      const at = `${path}.${member.name}`;
      if (found.has(at)) continue;
      const tags = member
        .getJsDocTags(checker)
        .map(({ name, text }) => `@${name} ${ts.displayPartsToString(text)}`);
      const text = ts.displayPartsToString(member.getDocumentationComment(checker));
      found.set(at, [text, ...tags].join("\n"));
      look(checker, at, checker.getTypeOfSymbol(member), found);
    }
  }
}

/** No function, and nothing that another package or the language declares. */
function isOurs(type: ts.Type): boolean {
  if (!(type.flags & ts.TypeFlags.Object) || type.getCallSignatures().length > 0) return false;
  return type.getProperties().every(({ declarations: [place] = [] }) => {
    const path = place?.getSourceFile().fileName ?? "";
    return path.startsWith(`${ROOT}src/`) || path.startsWith(TYPES);
  });
}
