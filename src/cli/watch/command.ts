/**
 * The command `good-gateway watch`: the state of a running gateway in the terminal, again and
 * again,
 * read from the dashboard that the gateway serves. It asks for nothing else and changes nothing.
 */

import { parseArgs } from "node:util";
import { type Clock, systemClock } from "../../base/clock.js";
import type { GatewaySnapshot } from "../../gateway/snapshot.js";
import { type CommandWorld, EXIT, usageError } from "../terminal/command.js";
import { printable, printableJson } from "../terminal/printable.js";
import { terminal } from "../terminal/terminal.js";
import { printSnapshot } from "./print-snapshot.js";

export const WATCH_USAGE = `\
good-gateway watch <url of a dashboard>      a running gateway, in the terminal

  http://localhost:8080/_gateway

Options
  --every SECONDS     how often it is read (2)
  --once              read it once: 0 when it is ready, 1 when it is not
  --header "N: V"     a field to send, such as an authorization; may be given again
  --json              for programs
`;

interface WatchArguments {
  readonly url: URL;
  readonly everyMs: number;
  readonly once: boolean;
  readonly json: boolean;
  readonly headers: Headers;
}

/** Often enough to follow a deployment with the eye. */
const EVERY_SECONDS = 2;
/** A dashboard answers at once, or has a problem of its own. */
const ANSWER_MS_MAX = 5_000;
/** Clears the screen, and puts the cursor into its corner. */
const CLEAR = "\u001b[2J\u001b[H";

export async function runWatch(
  args: readonly string[],
  world: CommandWorld,
  clock: Clock = systemClock,
): Promise<number> {
  let asked: WatchArguments | "help";
  try {
    asked = readArguments(args);
  } catch (error) {
    return usageError(world, (error as Error).message, "watch");
  }
  if (asked === "help") {
    world.stdout.write(WATCH_USAGE);
    return EXIT.well;
  }
  for (let seen = false; ; ) {
    let read = await readSnapshot(asked, clock);
    if ("problem" in read && read.answered && !seen) {
      asked = await whereItIs(asked, clock, world);
      read = await readSnapshot(asked, clock);
    }
    if ("problem" in read) {
      world.stderr.write(`${printable(read.problem)}\n`);
      // What has answered once may be restarting; what never did is a wrong address.
      if (!seen || asked.once) return EXIT.couldNotRun;
    } else {
      seen = true;
      show(read, asked, world);
      if (asked.once) return read.health.ready ? EXIT.well : EXIT.found;
    }
    await clock.sleep(asked.everyMs);
  }
}

function show(
  snapshot: GatewaySnapshot,
  { json, once }: WatchArguments,
  world: CommandWorld,
): void {
  if (json) {
    world.stdout.write(`${printableJson(snapshot)}\n`);
    return;
  }
  if (world.stdout.isTTY === true && !once) world.stdout.write(CLEAR);
  printSnapshot(snapshot, terminal(world.stdout, world.env));
}

function readArguments(args: readonly string[]): WatchArguments | "help" {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      every: { type: "string" },
      once: { type: "boolean" },
      header: { type: "string", multiple: true },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) return "help";
  const [text, ...more] = positionals;
  if (text === undefined || more.length > 0 || !/^https?:/.test(text) || !URL.canParse(text)) {
    throw new TypeError("watch needs the address of one dashboard.");
  }
  const seconds = Number(values.every ?? EVERY_SECONDS);
  if (!Number.isFinite(seconds) || seconds <= 0) {
    throw new TypeError(`--every takes seconds, such as --every 2, not "${values.every}"`);
  }
  const url = new URL(text);
  if (!url.pathname.endsWith("/snapshot.json")) {
    url.pathname = `${url.pathname.replace(/\/$/, "")}/snapshot.json`;
  }
  return {
    url,
    everyMs: seconds * 1_000,
    once: values.once === true,
    json: values.json === true,
    headers: headersOf(values.header ?? []),
  };
}

function headersOf(lines: readonly string[]): Headers {
  const headers = new Headers({ accept: "application/json" });
  for (const line of lines) {
    const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) throw new TypeError(`--header takes "Name: value", not "${line}"`);
    headers.append(name, value ?? "");
  }
  return headers;
}

/** Where applications usually mount the dashboard. */
const USUAL = ["/_gateway", "/gateway", "/dashboard", "/admin", ""];

/** Of a server that answers, and not with a dashboard, the usual places are tried, once. */
async function whereItIs(
  asked: WatchArguments,
  clock: Clock,
  world: CommandWorld,
): Promise<WatchArguments> {
  for (const place of USUAL) {
    const url = new URL(`${place}/snapshot.json`, asked.url);
    if (url.href === asked.url.href) continue;
    const read = await readSnapshot({ ...asked, url }, clock);
    if ("problem" in read) continue;
    world.stderr.write(`${printable(`${asked.url} is no dashboard; ${url} is.`)}\n`);
    return { ...asked, url };
  }
  return asked;
}

/** Said of an address that is another page of the same machine, or of another one. */
const WHERE =
  "Give the address where the application serves dashboard(gateway), such as " +
  "http://localhost:8080/_gateway; the log of its start and the code that mounts it name it.";

function parsed(text: string): Partial<GatewaySnapshot> | null {
  try {
    return JSON.parse(text) as Partial<GatewaySnapshot> | null;
  } catch {
    return null;
  }
}

interface WatchProblem {
  readonly problem: string;
  /** There was an answer, but not a snapshot; of 401 and 403 another place is no better. */
  readonly answered: boolean;
}

async function readSnapshot(
  { url, headers }: WatchArguments,
  clock: Clock,
): Promise<GatewaySnapshot | WatchProblem> {
  const cut = new AbortController();
  const timer = clock.after(ANSWER_MS_MAX, () => cut.abort());
  try {
    const response = await fetch(url, { headers, signal: cut.signal });
    if (!response.ok) {
      const answered = response.status !== 401 && response.status !== 403;
      return { problem: `${url} answers ${response.status}. ${WHERE}`, answered };
    }
    const snapshot = parsed(await response.text());
    if (snapshot?.version !== 1) {
      const problem = `${url} is no snapshot of good-gateway of this version. ${WHERE}`;
      return { problem, answered: true };
    }
    return snapshot as GatewaySnapshot;
  } catch (error) {
    if (cut.signal.aborted) {
      return { problem: `${url} gives no answer in ${ANSWER_MS_MAX} ms.`, answered: false };
    }
    const { cause, message } = error as Error;
    const code = (cause as NodeJS.ErrnoException | undefined)?.code;
    return { problem: `${url} cannot be read: ${code ?? message}`, answered: false };
  } finally {
    timer.cancel();
  }
}
