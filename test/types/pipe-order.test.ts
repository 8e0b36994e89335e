import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What the compiler says of one file, under the repository's own settings. */
function complaintsAbout(path: string, text?: string): string[] {
  const configPath = `${root}tsconfig.json`;
  const { config } = ts.readConfigFile(configPath, ts.sys.readFile) as { config: object };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const host = ts.createCompilerHost({ ...options, noEmit: true });
  const readSource = host.getSourceFile.bind(host);
  host.getSourceFile = (name, target) =>
    text !== undefined && name === path
      ? ts.createSourceFile(name, text, target)
      : readSource(name, target);
  const program = ts.createProgram([path], { ...options, noEmit: true }, host);
  return ts
    .getPreEmitDiagnostics(program, program.getSourceFile(path))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

const file = fileURLToPath(new URL("pipe-order.ts", import.meta.url));

describe("the types of the pipe", () => {
  it("accept the one order and refuse every other", () => {
    expect(complaintsAbout(file)).toEqual([]);
  });

  it("are really looked at: without its expectations the same file does not compile", () => {
    const source = ts.sys.readFile(file) ?? "";
    const expectations = source.match(/^\/\/ @ts-expect-error/gm) ?? [];
    expect(expectations.length).toBeGreaterThan(10);
    const bare = source.replaceAll("// @ts-expect-error", "// expected:");
    expect(complaintsAbout(file, bare)).toHaveLength(expectations.length);
  });
});
