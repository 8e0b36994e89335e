import { describe, expect, it } from "vitest";
import { printable, printableJson } from "../../../../src/cli/terminal/printable.js";
import { terminal } from "../../../../src/cli/terminal/terminal.js";

const STEERING = [
  "\u0000",
  "\u0007",
  "\b",
  "\r",
  "\u001b[2J",
  "\u001b]0;title\u0007",
  "\u001b[31m",
  "\u007f",
  "\u0085",
  "\u009b31m",
  "\u009d0;title\u009c",
  "\u061c",
  "\u200b",
  "\u200f",
  "\u2028",
  "\u202e",
  "\u2066",
  "\ufeff",
  "\u{e0041}",
];

const BAD = new RegExp(
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200b-\\u200f" +
    "\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\u{e0000}-\\u{e007f}]",
  "u",
);

function printed(text: string, env: Record<string, string> = { NO_COLOR: "1" }): string {
  const out: string[] = [];
  const to = terminal({ write: (part) => out.push(part), isTTY: true, columns: 60 }, env);
  to.line(text);
  to.paragraph(`${to.red("✘")} ${to.bold(text)} ${text}`, "  ");
  return out.join("");
}

describe("what comes from outside", () => {
  it.each(STEERING)("%j steers no terminal", (text) => {
    const given = `a${text}b`;
    expect(printable(given)).not.toMatch(BAD);
    expect(printed(given)).not.toMatch(BAD);
    // With colours: nothing but those of the text around it.
    const colours = new RegExp(`${String.fromCharCode(27)}\\[(?:31|39|1|22)m`, "g");
    const coloured = printed(given, { FORCE_COLOR: "1" });
    expect(coloured.match(colours)).toHaveLength(4);
    expect(coloured.replace(colours, "")).not.toMatch(BAD);
  });

  it.each(STEERING)("%j is the same in JSON, and steers nothing there", (text) => {
    const json = printableJson({ text, [text]: 1 }, 2);
    expect(json).not.toMatch(BAD);
    expect(JSON.parse(json)).toEqual({ text, [text]: 1 });
  });

  it("that is plain text of any language stays as it is", () => {
    const text = "Größe 日本語 \u{1f600} a\tb";
    expect(printable(text)).toBe(text);
    expect(JSON.parse(printableJson([text]))).toEqual([text]);
  });
});
