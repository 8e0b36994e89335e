/**
 * The repository's own rules: the direction of imports, who may touch time and chance, lengths,
 * headers, and what the language offers but this code does without.
 *
 * Each rule is asked twice: does the repository keep it, and does it find a planted violation.
 */
import { describe, expect, it } from "vitest";
import { CLI, ENGINE, ENTRIES } from "../build/entries.mjs";
import { parse, readTextFiles, type SourceFile } from "./tools/source-files.js";
import * as rules from "./tools/tidy-rules.js";

const text = readTextFiles();
const isCode = /\.(?:ts|mjs)$/;
const code = text.filter(({ path }) => isCode.test(path));
const src = code.filter(({ path }) => path.startsWith("src/")).map(parse);
const tests = code.filter(({ path }) => path.startsWith("test/")).map(parse);
const entries = [...Object.values(ENTRIES), CLI, ENGINE];

interface Rule {
  readonly name: string;
  readonly kept: () => readonly string[];
  readonly planted: () => readonly string[];
  readonly found: readonly string[];
}

const IMPORT_RULES: readonly Rule[] = [
  {
    name: "imports go down only",
    kept: () => rules.importsUpwards(src),
    planted: () =>
      rules.importsUpwards([
        file("src/core/call.ts", `import { x } from "../gateway/gateway.js";`),
        file("src/wire/a.ts", `export type { X } from "../policies/retry.js";`),
        file("src/base/a.ts", `type X = import("../core/call.js").Call;`),
        file("src/gateway/a.ts", `const x = await import("../index.js");`),
        file("src/targets/balance/a.ts", `import { x } from "../target.js";`),
        file("src/cli/doctor/probes/a.ts", `import { x } from "../rules/b.js";`),
        file("src/doors/web/a.ts", `import { x } from "../hpm/b.js";`),
      ]),
    found: [
      "src/core/call.ts:1 may not import src/gateway/gateway.ts",
      "src/wire/a.ts:1 may not import src/policies/retry.ts",
      "src/base/a.ts:1 may not import src/core/call.ts",
      "src/gateway/a.ts:1 may not import src/index.ts",
      "src/targets/balance/a.ts:1 may not import src/targets/target.ts",
      "src/cli/doctor/probes/a.ts:1 may not import src/cli/doctor/rules/b.ts",
      "src/doors/web/a.ts:1 may not import src/doors/hpm/b.ts",
    ],
  },
  {
    name: "every folder of src stands on a floor",
    kept: () => rules.unknownFolders(src),
    planted: () =>
      rules.unknownFolders(["utils/", "", "core/deep/"].map((at) => file(`src/${at}a.ts`, ""))),
    found: ["utils/", "", "core/deep/"].map((at) => `src/${at}a.ts:1 stands on no floor`),
  },
  {
    name: "unit tests lie where the code lies that they test",
    kept: () => rules.unmirroredTests(tests),
    planted: () => rules.unmirroredTests([file("test/unit/doors/deep/a.test.ts", "")]),
    found: ["test/unit/doors/deep/a.test.ts:1 mirrors no folder of src"],
  },
  {
    name: "a dependency is imported only in its home, and the catalog imports none",
    kept: () => rules.strayPackages(src),
    planted: () =>
      rules.strayPackages([
        file("src/core/a.ts", `import retry from "p-retry";`),
        file("src/gateway/a.ts", `import type { Request } from "express";`),
        file("src/catalog/a.ts", `import { METHODS } from "node:http";`),
      ]),
    found: [
      "src/core/a.ts:1 may not import p-retry",
      "src/gateway/a.ts:1 may not import express",
      "src/catalog/a.ts:1 may not import node:http",
    ],
  },
  {
    name: "no imports form a circle",
    kept: () => rules.importCircles(src),
    planted: () =>
      rules.importCircles([
        file("src/core/b.ts", `import { a } from "./a.js";`),
        file("src/core/a.ts", `import type { B } from "./b.js";`),
        file("src/doors/hpm/a.ts", `import { b } from "../web/b.js";`),
        file("src/doors/web/b.ts", `import { a } from "../hpm/a.js";`),
      ]),
    found: [
      "src/core/a.ts:1 imports itself: src/core/a.ts > src/core/b.ts > src/core/a.ts",
      "src/doors/hpm/a.ts:1 imports itself: " +
        "src/doors/hpm/a.ts > src/doors/web/b.ts > src/doors/hpm/a.ts",
    ],
  },
  {
    name: "every source file is reached from an entry of the package",
    kept: () => rules.deadFiles(src, entries),
    planted: () =>
      rules.deadFiles(
        [file("src/index.ts", `export * from "./base/a.js";`), file("src/base/b.ts", "")],
        ["src/index.ts"],
      ),
    found: ["src/base/b.ts:1 is dead"],
  },
  {
    name: "tests that also run against the built package import it by name",
    kept: () => rules.sourceBehindBuiltTests(tests),
    planted: () =>
      rules.sourceBehindBuiltTests([
        file("test/gallery/a.test.ts", `import { help } from "../help.js";`),
        file("test/help.ts", `import { x } from "../src/core/call.js";`),
        file("test/unit/a.test.ts", `import { x } from "../../src/core/call.js";`),
      ]),
    found: ["test/help.ts:1 imports src/core/call.ts, which the package does not export"],
  },
];

const CODE_RULES: readonly Rule[] = [
  {
    name: "only the clock touches time",
    kept: () => rules.strayTime(src),
    planted: () =>
      rules.strayTime([
        file("src/core/a.ts", "const t = Date.now();\nglobalThis.setTimeout(f, 1);"),
        file("src/core/b.ts", `import { setTimeout } from "node:timers/promises";`),
        file("src/core/c.ts", "const s = AbortSignal.timeout(5);\nclearInterval(x);"),
      ]),
    found: [
      "src/core/a.ts:1 uses Date",
      "src/core/a.ts:2 uses setTimeout",
      "src/core/b.ts:1 imports node:timers/promises",
      "src/core/c.ts:1 uses AbortSignal.timeout",
      "src/core/c.ts:2 uses clearInterval",
    ],
  },
  {
    name: "only the random source touches chance",
    kept: () => rules.strayRandom(src),
    planted: () => rules.strayRandom([file("src/core/a.ts", "const x = Math.random();")]),
    found: ["src/core/a.ts:1 uses Math.random"],
  },
  {
    name: "no any, enum, namespace or default export",
    kept: () => rules.forbiddenSyntax(src),
    planted: () =>
      rules.forbiddenSyntax([
        file("src/core/a.ts", "let x: any;\nenum E {}\nnamespace N {}"),
        file("src/core/b.ts", "export default 1;"),
        file("src/core/c.ts", "export default function f() {}"),
        file("src/core/d.ts", "const x = 1;\nexport { x as default };"),
      ]),
    found: [
      "src/core/a.ts:1 uses any",
      "src/core/a.ts:2 declares an enum",
      "src/core/a.ts:3 declares a namespace",
      "src/core/b.ts:1 has a default export",
      "src/core/c.ts:1 has a default export",
      "src/core/d.ts:2 has a default export",
    ],
  },
  {
    name: "what follows from the name of a failure is a column of the catalog",
    kept: () => rules.setsOfFailures(src),
    planted: () =>
      rules.setsOfFailures([file("src/core/a.ts", "const LOST = new Set<FailureCode>([]);")]),
    found: ["src/core/a.ts:1 keeps a set of failures"],
  },
  {
    name: "nothing is decided by the text of an error",
    kept: () => rules.comparedMessages(src),
    planted: () =>
      rules.comparedMessages([
        file("src/core/a.ts", `if (error.message === "other side closed") f();`),
        file("src/core/b.ts", `if (error.message.includes("hang up")) f();`),
        file("src/core/c.ts", `if (/reset/.test(error.message)) f();`),
        file("src/core/d.ts", `switch (error.message) { case "x": }`),
      ]),
    found: ["a", "b", "c", "d"].map((f) => `src/core/${f}.ts:1 decides by the text of a message`),
  },
];

const NAME_RULES: readonly Rule[] = [
  {
    name: "an exported type name has one meaning",
    kept: () => rules.sharedTypeNames(src),
    planted: () =>
      rules.sharedTypeNames([
        file("src/core/a.ts", "export interface Answer {}\ntype Own = 1;\nexport class Wire {}"),
        file("src/core/b.ts", "type Answer = string;\ntype Own = 2;"),
        file("src/wire/c.ts", "export type Wire = 1;\nexport interface Only {}"),
      ]),
    found: [
      "src/core/a.ts:1 shares the type name Answer with src/core/b.ts",
      "src/core/a.ts:1 shares the type name Wire with src/wire/c.ts",
    ],
  },
];

const TEXT_RULES: readonly Rule[] = [
  {
    name: "no file is over 400 lines and no function over 70",
    kept: () => rules.tooLong(src),
    planted: () =>
      rules.tooLong([
        file("src/core/a.ts", "const x = 1;\n".repeat(401)),
        file("src/core/b.ts", `const f = () => {${"\n".repeat(70)}};`),
      ]),
    found: [
      "src/core/a.ts:401 is a file of 401 lines",
      "src/core/b.ts:1 is a function of 71 lines",
    ],
  },
  {
    name: "no line is over 100 columns",
    kept: () => rules.tooWide(code),
    planted: () => rules.tooWide([file("src/core/a.ts", `// ${"x".repeat(98)}`)]),
    found: ["src/core/a.ts:1 is a line of 101 columns"],
  },
  {
    name: "every source file opens with a header comment",
    kept: () => rules.missingHeaders(src),
    planted: () =>
      rules.missingHeaders([
        file("src/core/a.ts", `import { x } from "./b.js";\n/**\n * Late.\n * Header.\n */`),
        file("src/core/b.ts", "/** Too short. */\n"),
        file("src/core/c.ts", `/**\n${" * Too long.\n".repeat(11)} */`),
      ]),
    found: [
      "src/core/a.ts:1 has a header of 0 lines of text",
      "src/core/b.ts:1 has a header of 1 lines of text",
      "src/core/c.ts:1 has a header of 11 lines of text",
    ],
  },
  {
    name: "nothing is left to do",
    kept: () => rules.leftToDo(text),
    planted: () => rules.leftToDo([file("src/core/a.ts", `// TO${"DO"}: later`)]),
    found: ["src/core/a.ts:1 leaves something to do"],
  },
  {
    name: "an RFC is cited in one form",
    kept: () => rules.strayCitations(code),
    planted: () => rules.strayCitations([file("src/core/a.ts", `// RFC 9110 sec${"tion"} 9`)]),
    found: ["src/core/a.ts:1 cites without §"],
  },
  {
    name: "folders that are in plain words stay so",
    kept: () => rules.vagueWords(src),
    planted: () =>
      rules.vagueWords([
        file("src/cli/doctor/a.ts", `// Nobody listens.\nconst told = "told";`),
        file("src/catalog/a.ts", "// Whoever asks."),
        file("test/a.ts", "// Whoever asks."),
      ]),
    found: [
      'src/cli/doctor/a.ts:1 says "Nobody"',
      'src/cli/doctor/a.ts:2 says "told"',
      'src/catalog/a.ts:1 says "Whoever"',
    ],
  },
  {
    name: "no path of a machine is named",
    kept: () => rules.machinePaths(text),
    planted: () =>
      ["home", "root", "work"].flatMap((top) =>
        rules.machinePaths([file(`${top}.ts`, `const p = "/${top}/me/x";`)]),
      ),
    found: ["home", "root", "work"].map((top) => `${top}.ts:1 names a machine's path`),
  },
];

const RULES = [...IMPORT_RULES, ...CODE_RULES, ...NAME_RULES, ...TEXT_RULES];

describe("tidy", () => {
  for (const { name, kept, planted, found } of RULES) {
    it(name, () => expect(kept()).toEqual([]));
    it(`finds what breaks the rule: ${name}`, () => expect(planted()).toEqual(found));
  }

  it("what looks like a violation and is none passes", () => {
    const innocent = file(
      "src/core/a.ts",
      [
        `socket.setTimeout(5);`,
        `const options = { setTimeout: 5 };`,
        `const when = (d: Date): string => d.toISOString();`,
        `if (typeof error.message === "string") log(error.message);`,
        `switch (x) { default: }`,
        `declare module "fastify" { interface FastifyRequest { failure: string } }`,
        `get("http://127.0.0.1/work/orders");`,
      ].join("\n"),
    );
    expect(rules.strayTime([innocent])).toEqual([]);
    expect(rules.comparedMessages([innocent])).toEqual([]);
    expect(rules.forbiddenSyntax([innocent])).toEqual([]);
    expect(rules.machinePaths([innocent])).toEqual([]);
  });

  it("the rules see the whole source", () => {
    expect(src.length).toBeGreaterThan(10);
    expect(src.map(({ path }) => path)).toEqual(expect.arrayContaining(entries));
    const folders = new Set(src.map(({ path }) => path.split("/").slice(1, -1).join("/")));
    expect([...folders].sort()).toEqual(["", ...rules.FLOORS.flat()].sort());
    expect(tests.map(({ path }) => path)).toContain("test/tidy.test.ts");
  });
});

function file(path: string, content: string): SourceFile {
  return parse({ path, text: content });
}
