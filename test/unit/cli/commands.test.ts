/**
 * The command line itself: arguments, standard input, exit codes, colour, and JSON.
 */
import { describe, expect, it } from "vitest";
import { runCommand } from "../../../src/cli/commands.js";

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(
  args: readonly string[],
  { input = null, tty = false, env = {} }: RunOptions = {},
): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const stdin = Object.assign(parts(input ?? ""), { isTTY: input === null });
  const stdout = { write: (text: string) => out.push(text), isTTY: tty, columns: 60 };
  const stderr = { write: (text: string) => err.push(text) };
  const code = await runCommand(args, { stdin, stdout, stderr, env });
  return { code, out: out.join(""), err: err.join("") };
}

interface RunOptions {
  readonly input?: string | null;
  readonly tty?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

async function* parts(text: string): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
}

describe("good-gateway explain", () => {
  it("explains its argument and ends with 0", async () => {
    const { code, out } = await run(["explain", "connection_refused"]);
    expect(code).toBe(0);
    expect(out).toMatch(/nothing listens on the port/);
    expect(out).toMatch(/at fault {6}upstream/);
    expect(out).toMatch(/What to do\n {2}- /);
  });

  it("takes several words as one text", async () => {
    const { out } = await run(["explain", "socket", "hang", "up"]);
    expect(out).toMatch(/^Node: socket hang up/);
  });

  it("takes a termination state that begins with dashes as no option", async () => {
    const { code, out } = await run(["explain", "----"]);
    expect(code).toBe(0);
    expect(out).toMatch(/HAProxy/);
  });

  it("reads standard input when nothing is named, however it is cut into parts", async () => {
    const { code, out } = await run(["explain"], {
      input: "… upstream: Grüße, connect() failed (111: x",
    });
    expect(code).toBe(0);
    expect(out).toMatch(/nginx error log/);
  });

  it("ends with 1 for what it does not know, and offers the nearest", async () => {
    const { code, out } = await run(["explain", "breaker_opn"]);
    expect(code).toBe(1);
    expect(out).toMatch(/good-gateway explain breaker_open/);
  });

  it("ends with 2 and the usage when there is nothing to explain", async () => {
    const { code, err } = await run(["explain"], {});
    expect(code).toBe(2);
    expect(err).toMatch(/needs something to explain/);
  });

  it("prints the rows of the catalog as JSON", async () => {
    const { out } = await run(["explain", "--json", "502"]);
    const [first] = JSON.parse(out).explanations;
    expect(first.failures[0]).toMatchObject({ code: "connection_refused", blame: "upstream" });
  });

  it("uses colour at a terminal only, and obeys NO_COLOR and FORCE_COLOR", async () => {
    const coloured = async (options: RunOptions): Promise<boolean> =>
      (await run(["explain", "502"], options)).out.includes("\u001b[");
    expect(await coloured({})).toBe(false);
    expect(await coloured({ tty: true })).toBe(true);
    expect(await coloured({ tty: true, env: { NO_COLOR: "1" } })).toBe(false);
    expect(await coloured({ env: { FORCE_COLOR: "1" } })).toBe(true);
  });

  it("keeps its lines within the terminal", async () => {
    const { out } = await run(["explain", "502"], { tty: true, env: { NO_COLOR: "1" } });
    for (const line of out.split("\n")) expect(line.length, line).toBeLessThanOrEqual(60);
  });
});

describe("good-gateway", () => {
  it("prints its usage", async () => {
    expect((await run(["--help"])).code).toBe(0);
    expect((await run([])).code).toBe(2);
    expect((await run(["explain", "--help"])).out).toMatch(/good-gateway explain/);
  });

  it("names the nearest command, and refuses options that it does not have", async () => {
    const typo = await run(["expalin", "502"]);
    expect(typo.code).toBe(2);
    expect(typo.err).toMatch(/Did you mean "explain"\?/);
    const option = await run(["explain", "--jsn", "502"]);
    expect(option.code).toBe(2);
    expect(option.err).toMatch(/no option "--jsn"/);
  });
});

describe("the command line", () => {
  it.each(["--version", "-v", "version"])("%s prints the version of the package", async (word) => {
    const { default: manifest } = await import("../../../package.json", { with: { type: "json" } });
    expect(await run([word])).toEqual({ code: 0, out: `${manifest.version}\n`, err: "" });
  });

  it.each([
    ["docter", `There is no command "docter". Did you mean "doctor"?`, "good-gateway --help"],
    ["explain --frob", `explain has no option "--frob".`, "good-gateway explain --help"],
    ["doctor --frob", "Unknown option '--frob'", "good-gateway doctor --help"],
    ["watch --frob", "Unknown option '--frob'", "good-gateway watch --help"],
    ["reference --frob", "Unknown option '--frob'", "good-gateway reference --help"],
  ])("%s: one line says what is wrong, one where help is", async (typed, wrong, help) => {
    const err = `${wrong}\nHelp: ${help}\n`;
    expect(await run(typed.split(" "))).toEqual({ code: 2, out: "", err });
  });

  it.each(["explain", "doctor", "watch", "reference"])(
    "%s --help is about it alone",
    async (one) => {
      const { code, out } = await run([one, "--help"]);
      expect(code).toBe(0);
      const others = ["explain", "doctor", "watch", "reference"].filter((name) => name !== one);
      expect(out).toContain(`good-gateway ${one} `);
      for (const other of others) expect(out).not.toContain(`good-gateway ${other} `);
    },
  );

  it.each(["134", "137", "139", "143", "OOM"])(
    "%s is explained as how a process ended",
    async (it) => {
      const { code, out } = await run(["explain", it]);
      expect(code).toBe(0);
      expect(out).toMatch(/^(?:exit code of a process|process manager or kernel): /);
    },
  );
});
