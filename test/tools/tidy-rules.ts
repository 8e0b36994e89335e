/**
 * The rules of the repository, each a function from files to what is wrong with them.
 *
 * A finding reads `path:line what is wrong`; no findings means that the rule holds. The rules are
 * apart from test/tidy.test.ts so that the test can also hand each of them a planted violation.
 */
import ts from "typescript";
import { lineOf, nodesOf, type SourceFile, type TextFile } from "./source-files.js";

type Findings = string[];

/**
 * Every folder of `src`, at any depth, from the ground up. Imports go down only; folders of one
 * floor do not know each other. So no folders can form a circle.
 */
export const FLOORS: readonly (readonly string[])[] = [
  ["base", "catalog/rows"],
  ["catalog/options"],
  ["catalog"],
  ["catalog/dialects", "core", "targets/balance", "targets/names"],
  ["targets"],
  ["cache", "diagnosis", "policies", "testing", "transports", "wire"],
  ["options"],
  ["records"],
  ["lifecycle", "lifecycle/health", "watching"],
  ["gateway"],
  ["server/behind", "server/shutdown/managers"],
  ["server", "doors/change"],
  ["server/shutdown", "doors", "doors/fetch"],
  ["doors/hpm", "doors/web"],
  ["adapters", "fleet", "rate-limit", "telemetry", "dashboard/page"],
  ["dashboard"],
  // The command line shows what the others have: a snapshot, the reference of the dashboard.
  ["cli/terminal", "cli/doctor/world"],
  ["cli/explain", "cli/doctor/config"],
  ["cli/doctor/config/yaml", "cli/doctor/probes"],
  ["cli/doctor/fastcgi"],
  ["cli/doctor/facts"],
  ["cli/doctor/causes", "cli/doctor/local"],
  ["cli/doctor/rules"],
  ["cli/doctor/read"],
  ["cli/control", "cli/doctor", "cli/reference", "cli/watch"],
  ["cli"],
];

const FLOOR_OF: ReadonlyMap<string, number> = new Map(
  FLOORS.flatMap((folders, floor) => folders.map((folder) => [folder, floor] as const)),
);

/** Packages that one file alone may import, or those named after it: each can be replaced there. */
export const PACKAGE_HOMES: Readonly<Record<string, string>> = {
  "http-cache-semantics": "src/cache/cached-policy.ts",
  opossum: "src/targets/breaker.ts",
  "p-retry": "src/policies/retry.ts",
  yaml: "src/cli/doctor/config/yaml/yaml-file.ts",
  express: "src/adapters/express.ts",
  fastify: "src/adapters/fastify.ts",
  "http-proxy-middleware": "src/adapters/http-proxy-middleware.ts",
  "@opentelemetry/api": "src/telemetry/opentelemetry.ts",
};

export const LIMITS = {
  fileLinesMax: 400,
  functionLinesMax: 70,
  columnsMax: 100,
  headerLinesMin: 2,
  headerLinesMax: 10,
} as const;

export function importsUpwards(files: readonly SourceFile[]): Findings {
  return files.flatMap((file) =>
    file.imports
      .filter(({ local, to }) => local && !mayImport(file.path, to))
      .map(({ line, to }) => `${file.path}:${line} may not import ${to}`),
  );
}

function mayImport(from: string, to: string): boolean {
  if (from === "src/index.ts") return to.startsWith("src/");
  const [fromFolder, toFolder] = [folderOf(from), folderOf(to)];
  if (fromFolder === toFolder) return fromFolder !== "";
  const [fromFloor, toFloor] = [FLOOR_OF.get(fromFolder), FLOOR_OF.get(toFolder)];
  return fromFloor !== undefined && toFloor !== undefined && toFloor < fromFloor;
}

/** The whole path of a file's folder below src; "" for anything that is not inside one. */
function folderOf(path: string): string {
  return /^src\/(.+)\/[^/]+$/.exec(path)?.[1] ?? "";
}

export function unknownFolders(files: readonly SourceFile[]): Findings {
  return files
    .filter(({ path }) => path !== "src/index.ts" && !FLOOR_OF.has(folderOf(path)))
    .map(({ path }) => `${path}:1 stands on no floor`);
}

/** Unit tests lie where the code lies that they test. */
export function unmirroredTests(files: readonly SourceFile[]): Findings {
  return files
    .filter(({ path }) => {
      const folder = /^test\/unit\/(.+)\/[^/]+$/.exec(path)?.[1];
      return folder !== undefined && !FLOOR_OF.has(folder);
    })
    .map(({ path }) => `${path}:1 mirrors no folder of src`);
}

export function strayPackages(files: readonly SourceFile[]): Findings {
  return files.flatMap((file) =>
    file.imports
      .filter(({ local, to }) => !local && !mayUsePackage(file.path, to))
      .map(({ line, to }) => `${file.path}:${line} may not import ${to}`),
  );
}

function mayUsePackage(from: string, name: string): boolean {
  if (/^src\/(?:catalog\/|index\.ts$)/.test(from)) return false;
  const home = PACKAGE_HOMES[name];
  if (home === undefined || home === from) return true;
  return from.startsWith(home.replace(/\.ts$/, "-"));
}

/** Each circle is told once, from the file whose path sorts first. */
export function importCircles(files: readonly SourceFile[]): Findings {
  const graph = new Map(
    files.map((file) => [file.path, file.imports.filter((i) => i.local).map((i) => i.to)]),
  );
  const findings = new Set<string>();
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(path);
    if (seenAt >= 0) return void findings.add(describeCircle(trail.slice(seenAt)));
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return [...findings];
}

function describeCircle(circle: readonly string[]): string {
  const first = circle.indexOf([...circle].sort()[0] ?? "");
  const turned = [...circle.slice(first), ...circle.slice(0, first)];
  return `${turned[0]}:1 imports itself: ${[...turned, turned[0]].join(" > ")}`;
}

export function deadFiles(files: readonly SourceFile[], entries: readonly string[]): Findings {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = reachable(byPath, entries);
  return files.filter(({ path }) => !reached.has(path)).map(({ path }) => `${path}:1 is dead`);
}

/** Tests that also run against the built package may reach it by its name only. */
export function sourceBehindBuiltTests(files: readonly SourceFile[]): Findings {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const roots = files.map((file) => file.path).filter((path) => isBuiltTest(path));
  return [...reachable(byPath, roots)].flatMap((path) =>
    (byPath.get(path)?.imports ?? [])
      .filter(({ to }) => to.startsWith("src/"))
      .map(({ line, to }) => `${path}:${line} imports ${to}, which the package does not export`),
  );
}

function isBuiltTest(path: string): boolean {
  return /^test\/(?:gallery|adapters|doors|built|servers)\//.test(path);
}

function reachable(
  byPath: ReadonlyMap<string, SourceFile>,
  roots: readonly string[],
): ReadonlySet<string> {
  const reached = new Set<string>(roots);
  for (const path of reached) {
    for (const { local, to } of byPath.get(path)?.imports ?? []) if (local) reached.add(to);
  }
  return reached;
}

const TIME_NAMES = new Set([
  "Date",
  "performance",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "clearTimeout",
  "clearInterval",
  "clearImmediate",
]);
const TIME_MEMBERS = new Set(["process.hrtime", "AbortSignal.timeout", "process.uptime"]);
const TIME_MODULES = /^(?:node:)?(?:timers(?:\/promises)?|perf_hooks)$/;

/** The clock is handed in, so that a test can hold it. */
export function strayTime(files: readonly SourceFile[]): Findings {
  return files
    .filter(({ path }) => path !== "src/base/clock.ts")
    .flatMap((file) => [
      ...file.imports
        .filter(({ to }) => TIME_MODULES.test(to))
        .map(({ line, to }) => `${file.path}:${line} imports ${to}`),
      ...findNodes(file, (node) => (isGlobalTime(node) ? `uses ${node.getText()}` : null)),
    ]);
}

function isGlobalTime(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return TIME_MEMBERS.has(node.getText());
  return ts.isIdentifier(node) && TIME_NAMES.has(node.text) && isGlobalValue(node);
}

/** A value of the global scope: no type, no member of something else, no key of a property. */
function isGlobalValue(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isTypeReferenceNode(parent) || ts.isImportSpecifier(parent)) return false;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    return /^global(?:This)?$/.test(parent.expression.getText());
  }
  const keyed =
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent);
  return !(keyed && parent.name === node);
}

/** Randomness is handed in, so that a seed can repeat a run. */
export function strayRandom(files: readonly SourceFile[]): Findings {
  return files
    .filter(({ path }) => path !== "src/base/random.ts")
    .flatMap((file) =>
      findNodes(file, (node) => {
        const random = ts.isPropertyAccessExpression(node) && node.getText() === "Math.random";
        return random ? "uses Math.random" : null;
      }),
    );
}

export function tooLong(files: readonly SourceFile[]): Findings {
  return files.flatMap((file) => {
    const lines = file.text.trimEnd().split("\n").length;
    const functions = findNodes(file, (node) => {
      if (!ts.isFunctionLike(node) || !("body" in node) || !node.body) return null;
      const length = endLineOf(file.tree, node) - lineOf(file.tree, node) + 1;
      return length > LIMITS.functionLinesMax ? `is a function of ${length} lines` : null;
    });
    return lines > LIMITS.fileLinesMax
      ? [`${file.path}:${lines} is a file of ${lines} lines`, ...functions]
      : functions;
  });
}

function endLineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
}

export function tooWide(files: readonly TextFile[]): Findings {
  return findLines(files, (line) =>
    [...line].length > LIMITS.columnsMax ? `is a line of ${[...line].length} columns` : null,
  );
}

/** The header says what a file is, where it stands and what it guarantees. */
export function missingHeaders(files: readonly TextFile[]): Findings {
  return files.flatMap(({ path, text }) => {
    const comment = /^(?:#!.*\n)?\s*(\/\*[\s\S]*?\*\/|(?:\/\/.*\n)+)/.exec(text)?.[1] ?? "";
    const lines = comment.split("\n").filter((line) => /\p{Letter}/u.test(line)).length;
    if (lines >= LIMITS.headerLinesMin && lines <= LIMITS.headerLinesMax) return [];
    return [`${path}:1 has a header of ${lines} lines of text`];
  });
}

/** Spelled in halves, so that this file does not break its own rule. */
const LEFT_TO_DO = new RegExp(`\\b(?:TO${"DO"}|FIX${"ME"})\\b`);

export function leftToDo(files: readonly TextFile[]): Findings {
  return findLines(files, (line) => (LEFT_TO_DO.test(line) ? "leaves something to do" : null));
}

/** The folders in which checkouts and homes lie, and those of Windows. */
const MACHINE_FOLDERS = ["home", "root", "work", "Users", "private", "workspace"].join("|");
const MACHINE_PATH = new RegExp(
  `(?:^|[\\s"'\`(=:,>])/(?:${MACHINE_FOLDERS})/[\\w.-]|\\b[A-Z]:\\\\\\\\?[Uu]sers\\b`,
);

export function machinePaths(files: readonly TextFile[]): Findings {
  return findLines(files, (line) => (MACHINE_PATH.test(line) ? "names a machine's path" : null));
}

/** Persons who are none: a client, a process or a user is meant, or the sentence needs none. */
const VAGUE = /\b(?:told|tell|tells|whoever|nobody|somebody|anybody|everybody)\b/i;

/** Folders whose names, comments and texts are free of these words; others follow. */
const PLAIN_FOLDERS = new RegExp(
  "^src/(?:adapters|base|catalog|cli|core|dashboard|diagnosis|doors|gateway|lifecycle|options|" +
    "policies|records|server|targets|telemetry|testing|transports|watching|wire)/",
);

/** Texts are read by people with a fault: plain words, in folders that have them. */
export function vagueWords(files: readonly TextFile[]): Findings {
  return findLines(
    files.filter(({ path }) => PLAIN_FOLDERS.test(path)),
    (line) => {
      const word = VAGUE.exec(line)?.[0];
      return word === undefined ? null : `says "${word}"`;
    },
  );
}

/** RFC 9110 §9.2.2: one form of citing, so that one search finds every place. */
export function strayCitations(files: readonly TextFile[]): Findings {
  return findLines(files, (line) =>
    /\bRFC[ -]?\d{3,5},?\s+(?:section|sec\.)/i.test(line) ? "cites without §" : null,
  );
}

export function forbiddenSyntax(files: readonly SourceFile[]): Findings {
  return files.flatMap((file) => findNodes(file, forbiddenKind));
}

function forbiddenKind(node: ts.Node): string | null {
  if (node.kind === ts.SyntaxKind.AnyKeyword) return "uses any";
  if (ts.isEnumDeclaration(node)) return "declares an enum";
  // `declare module "fastify"` extends another package's types and is no namespace.
  if (ts.isModuleDeclaration(node) && ts.isIdentifier(node.name)) return "declares a namespace";
  if (ts.isExportAssignment(node)) return "has a default export";
  if (node.kind === ts.SyntaxKind.DefaultKeyword && !ts.isDefaultClause(node.parent)) {
    return "has a default export";
  }
  if (ts.isExportSpecifier(node) && node.name.text === "default") return "has a default export";
  return null;
}

/** The text of an error is for people; it changes from one release of Node to the next. */
export function comparedMessages(files: readonly SourceFile[]): Findings {
  return files.flatMap((file) =>
    findNodes(file, (node) => (readsMessage(node) ? "decides by the text of a message" : null)),
  );
}

const EQUALITY = new Set([
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
]);
const TEXT_SEARCHES = /^(?:includes|startsWith|endsWith|indexOf|match|matchAll|search|test|exec)$/;

function readsMessage(node: ts.Node): boolean {
  if (ts.isSwitchStatement(node)) return isMessage(node.expression);
  if (ts.isBinaryExpression(node) && EQUALITY.has(node.operatorToken.kind)) {
    // `typeof x.message === "string"` and `x.message === undefined` read no text.
    const constant = [node.left, node.right].find((side) => !isMessage(side));
    return constant !== undefined && ts.isStringLiteralLike(constant)
      ? isMessage(node.left) || isMessage(node.right)
      : isMessage(node.left) && isMessage(node.right);
  }
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false;
  if (!TEXT_SEARCHES.test(node.expression.name.text)) return false;
  return isMessage(node.expression.expression) || node.arguments.some(isMessage);
}

function isMessage(node: ts.Node): boolean {
  return ts.isPropertyAccessExpression(node) && node.name.text === "message";
}

/** What follows from the name of a failure is a column of the catalog, not a set beside it. */
export function setsOfFailures(files: readonly TextFile[]): Findings {
  return findLines(
    files.filter(({ path }) => !path.startsWith("src/catalog/")),
    (line) => (/Set<FailureCode\b/.test(line) ? "keeps a set of failures" : null),
  );
}

/** A name that one file exports as a type has that meaning everywhere. */
export function sharedTypeNames(files: readonly SourceFile[]): Findings {
  const homes = new Map<string, { readonly file: SourceFile; readonly exported: boolean }[]>();
  for (const file of files) {
    for (const node of file.tree.statements.filter(isTypeDeclaration)) {
      const name = node.name?.text ?? "";
      const exported = node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
      homes.set(name, [...(homes.get(name) ?? []), { file, exported: exported === true }]);
    }
  }
  return [...homes].flatMap(([name, declared]) => {
    const paths = [...new Set(declared.map(({ file }) => file.path))];
    if (paths.length < 2 || !declared.some(({ exported }) => exported)) return [];
    return [`${paths[0]}:1 shares the type name ${name} with ${paths.slice(1).join(", ")}`];
  });
}

function isTypeDeclaration(
  node: ts.Node,
): node is ts.InterfaceDeclaration | ts.TypeAliasDeclaration | ts.ClassDeclaration {
  return (
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isClassDeclaration(node)
  );
}

function findNodes(file: SourceFile, wrong: (node: ts.Node) => string | null): Findings {
  return [...nodesOf(file.tree)].flatMap((node) => {
    const finding = wrong(node);
    return finding === null ? [] : [`${file.path}:${lineOf(file.tree, node)} ${finding}`];
  });
}

function findLines(files: readonly TextFile[], wrong: (line: string) => string | null): Findings {
  return files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) => {
      const finding = wrong(line);
      return finding === null ? [] : [`${path}:${index + 1} ${finding}`];
    }),
  );
}
