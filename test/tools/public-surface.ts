/**
 * The names that the package promises: for each entry, what its source module exports and of what
 * kind it is, as the type checker sees it. Types count as much as values, since a renamed type
 * breaks a build as surely as a renamed function breaks a program.
 */
import { existsSync } from "node:fs";
import ts from "typescript";
import { ROOT } from "./source-files.js";

/** Lines of the form `entry: name kind`, sorted; `entries` maps a package entry to its source. */
export function publicSurface(entries: Readonly<Record<string, string>>): readonly string[] {
  const modules = Object.entries(entries).map(([entry, path]) => [entry, ROOT + path] as const);
  const present = modules.filter(([, path]) => existsSync(path));
  const program = ts.createProgram(
    present.map(([, path]) => path),
    compilerOptions(),
  );
  const checker = program.getTypeChecker();
  const lines = present.flatMap(([entry, path]) =>
    exportsOf(program, checker, path).map((name) => `${entry}: ${name}`),
  );
  return lines.sort();
}

function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, ts.sys.readFile);
  return ts.parseJsonConfigFileContent(config, ts.sys, ROOT).options;
}

function exportsOf(program: ts.Program, checker: ts.TypeChecker, path: string): readonly string[] {
  const tree = program.getSourceFile(path);
  const module = tree && checker.getSymbolAtLocation(tree);
  if (!module) return [];
  return checker.getExportsOfModule(module).map((symbol) => {
    const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
    const origin = isAlias ? checker.getAliasedSymbol(symbol) : symbol;
    return `${symbol.name} ${isTypeOnly(symbol) ? "type" : kindOf(origin, checker)}`;
  });
}

/** `export type { GatewayError }` promises the type of a class, not the class. */
function isTypeOnly(symbol: ts.Symbol): boolean {
  return (symbol.declarations ?? []).some(
    (node) => ts.isExportSpecifier(node) && ts.isTypeOnlyExportDeclaration(node),
  );
}

function kindOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
  const { flags } = symbol;
  if (flags & ts.SymbolFlags.Class) return "class";
  if (flags & ts.SymbolFlags.Function) return "function";
  if (flags & ts.SymbolFlags.Variable) {
    const callable = checker.getTypeOfSymbol(symbol).getCallSignatures().length > 0;
    return callable ? "function" : "const";
  }
  return flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias) ? "type" : "unknown";
}
