/**
 * The repository's text as the rules of test/tidy.test.ts see it: paths from the root with forward
 * slashes, and TypeScript parsed but not type-checked, so that a broken type does not hide a
 * broken rule.
 */
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface TextFile {
  readonly path: string;
  readonly text: string;
}

export interface SourceFile extends TextFile {
  readonly tree: ts.SourceFile;
  /** Relative imports as paths from the root, everything else as it is written. */
  readonly imports: readonly Import[];
}

export interface Import {
  readonly line: number;
  readonly local: boolean;
  readonly to: string;
}

const FOLDERS = ["build", "src", "test", "examples", "docs", ".ci"];
const TEXT = /\.(?:ts|mts|cts|js|mjs|cjs|json|md|txt|html|css|yml|yaml|sh)$|\/run$|^[^.]+$/;
const NOT_OURS = /(?:^|\/)(?:node_modules|dist|coverage)(?:\/|$)|^package-lock\.json$/;

/** Every text file of ours: those at the top and those in the folders named above. */
export function readTextFiles(): readonly TextFile[] {
  const top = readdirSync(ROOT, { withFileTypes: true });
  const names = top.filter((entry) => entry.isFile()).map((entry) => entry.name);
  const folders = FOLDERS.filter((folder) => top.some((entry) => entry.name === folder));
  for (const folder of folders) {
    for (const entry of readdirSync(ROOT + folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const inside = `${entry.parentPath}/${entry.name}`.replaceAll("\\", "/");
      names.push(inside.slice(inside.indexOf(`/${folder}`, ROOT.length - 1) + 1));
    }
  }
  return names
    .filter((path) => TEXT.test(path) && !NOT_OURS.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(ROOT + path, "utf8") }));
}

/** Parses one file. */
export function parse({ path, text }: TextFile): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return { path, text, tree, imports: [...importsOf(path, tree)] };
}

/** The line of a node, from 1. */
export function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

/** Every node below and including this one, parents first. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) yield* nodesOf(child);
}

function* importsOf(path: string, tree: ts.SourceFile): Generator<Import> {
  for (const node of nodesOf(tree)) {
    const specifier = specifierOf(node);
    if (!specifier) continue;
    const local = specifier.text.startsWith(".");
    const to = local ? resolveLocal(path, specifier.text) : specifier.text;
    yield { line: lineOf(tree, specifier), local, to };
  }
}

/** Static imports, re-exports, `import()` and `import("…").Type`. */
function specifierOf(node: ts.Node): ts.StringLiteral | null {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    const specifier = node.moduleSpecifier;
    return specifier && ts.isStringLiteral(specifier) ? specifier : null;
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return ts.isStringLiteral(node.argument.literal) ? node.argument.literal : null;
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const argument = node.arguments[0];
    return argument && ts.isStringLiteral(argument) ? argument : null;
  }
  return null;
}

function resolveLocal(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, ".ts");
}
