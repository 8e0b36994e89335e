/**
 * The command `good-gateway control`: switches targets, breakers, weights and maintenance of a
 * running gateway by hand, through the `controlHandler` that it serves.
 *
 * The token comes from the environment, so that no list of processes shows it.
 */
import { parseArgs } from "node:util";
import { type Clock, systemClock } from "../../base/clock.js";
import type { UpstreamSnapshot } from "../../gateway/snapshot.js";
import { type CommandWorld, EXIT, usageError } from "../terminal/command.js";
import { printable, printableJson } from "../terminal/printable.js";
import { terminal } from "../terminal/terminal.js";

export const CONTROL_USAGE = `\
good-gateway control <url> <action> <upstream> [target]    switches by hand

  GOOD_GATEWAY_TOKEN=… good-gateway control http://localhost:9090 disable orders \\
    http://10.0.0.5:8080

Actions
  show                          the targets of an upstream
  disable, enable, drain        a target
  weight                        of a target: --weight 0.5
  open-breaker, close-breaker   of a target: --for SECONDS
  start-maintenance, end-maintenance
                                of an upstream: --path PATTERN, --retry-after SECONDS

Options
  --json              for programs
`;

/** A gateway answers at once, or has a problem of its own. */
const ANSWER_MS_MAX = 5_000;

interface Asked {
  readonly url: URL;
  readonly body: Readonly<Record<string, unknown>>;
  readonly json: boolean;
}

export async function runControl(
  args: readonly string[],
  world: CommandWorld,
  clock: Clock = systemClock,
): Promise<number> {
  let asked: Asked | "help";
  try {
    asked = readArguments(args);
  } catch (error) {
    return usageError(world, (error as Error).message, "control");
  }
  if (asked === "help") {
    world.stdout.write(CONTROL_USAGE);
    return EXIT.well;
  }
  const token = world.env["GOOD_GATEWAY_TOKEN"] ?? "";
  if (token === "") return usageError(world, "GOOD_GATEWAY_TOKEN is not set.", "control");
  const { url, body, json } = asked;
  const cut = new AbortController();
  const timer = clock.after(ANSWER_MS_MAX, () => cut.abort());
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: cut.signal,
    });
    return shown(response.status, await response.text(), url, json, world);
  } catch (error) {
    const { cause, message } = error as Error;
    const late = cut.signal.aborted ? `no answer in ${ANSWER_MS_MAX} ms` : message;
    const code = (cause as NodeJS.ErrnoException | undefined)?.code;
    world.stderr.write(`${printable(`${url} cannot be asked: ${code ?? late}`)}\n`);
    return EXIT.couldNotRun;
  } finally {
    timer.cancel();
  }
}

type Result = Pick<UpstreamSnapshot, "state" | "maintenance"> & {
  readonly upstream: string;
  readonly targets: readonly { readonly target: string; readonly standing: string }[];
};

function shown(status: number, text: string, url: URL, json: boolean, world: CommandWorld): number {
  const read = parsed(text) as Partial<Result & { readonly problem: string }> | null;
  if (status !== 200 || read?.targets === undefined) {
    const problem = read?.problem ?? "is no controlHandler of good-gateway";
    world.stderr.write(`${printable(`${url} answers ${status}: ${problem}`)}\n`);
    // What was asked for was wrong, or it could not be asked.
    return status === 400 ? EXIT.found : EXIT.couldNotRun;
  }
  if (json) {
    world.stdout.write(`${printableJson(read)}\n`);
    return EXIT.well;
  }
  const to = terminal(world.stdout, world.env);
  to.paragraph(`${to.bold(String(read.upstream))} ${read.state}`);
  for (const { path } of read.maintenance ?? []) {
    to.paragraph(to.yellow(`maintenance is on${path === null ? "" : ` for ${path}`}`), "  ");
  }
  for (const { target, standing } of read.targets) to.paragraph(`${target} · ${standing}`, "  ");
  return EXIT.well;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function readArguments(args: readonly string[]): Asked | "help" {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      weight: { type: "string" },
      for: { type: "string" },
      path: { type: "string" },
      "retry-after": { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) return "help";
  const [text = "", action, upstream, target, ...more] = positionals;
  if (!/^https?:/.test(text) || !URL.canParse(text)) {
    throw new TypeError("control needs the address of a gateway's control first.");
  }
  if (action === undefined || upstream === undefined || more.length > 0) {
    throw new TypeError("control needs an action and an upstream, and at most one target.");
  }
  const url = new URL(text);
  if (url.pathname === "/") url.pathname = "/control";
  const weight = numberOf("--weight", values.weight);
  const forMs = numberOf("--for", values.for, 1_000);
  const retryAfterMs = numberOf("--retry-after", values["retry-after"], 1_000);
  const { path } = values;
  const body = { action, upstream, target, weight, forMs, path, retryAfterMs };
  return { url, body, json: values.json === true };
}

function numberOf(name: string, text: string | undefined, factor = 1): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) {
    throw new TypeError(`${name} takes a number, not "${text}"`);
  }
  return value * factor;
}
