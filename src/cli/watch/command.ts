/**
 * The command `good-gateway watch`: the state of a running gateway in the terminal, again and
 * again,
 * read from the dashboard that the gateway serves. It asks for nothing else and changes nothing.
 */

import { parseArgs } from "node:util";
import { type Clock, systemClock } from "../../base/clock.js";
import type { GatewaySnapshot } from "../../gateway/snapshot.js";
import { type CommandWorld, EXIT } from "../command.js";
import { printable, printableJson } from "../printable.js";
import { terminal } from "../terminal.js";
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

interface Asked {
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
  let asked: Asked | "help";
  try {
    asked = readArguments(args);
  } catch (error) {
    world.stderr.write(`${printable((error as Error).message)}\n\n${WATCH_USAGE}`);
    return EXIT.couldNotRun;
  }
  if (asked === "help") {
    world.stdout.write(WATCH_USAGE);
    return EXIT.well;
  }
  for (let seen = false; ; ) {
    const read = await readSnapshot(asked, clock);
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

function show(snapshot: GatewaySnapshot, { json, once }: Asked, world: CommandWorld): void {
  if (json) {
    world.stdout.write(`${printableJson(snapshot)}\n`);
    return;
  }
  if (world.stdout.isTTY === true && !once) world.stdout.write(CLEAR);
  printSnapshot(snapshot, terminal(world.stdout, world.env));
}

function readArguments(args: readonly string[]): Asked | "help" {
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

async function readSnapshot(
  { url, headers }: Asked,
  clock: Clock,
): Promise<GatewaySnapshot | { readonly problem: string }> {
  const cut = new AbortController();
  const timer = clock.after(ANSWER_MS_MAX, () => cut.abort());
  try {
    const response = await fetch(url, { headers, signal: cut.signal });
    if (!response.ok) return { problem: `${url} answers ${response.status}.` };
    const snapshot = (await response.json()) as Partial<GatewaySnapshot> | null;
    if (snapshot?.version !== 1) {
      return { problem: `${url} is no snapshot of good-gateway, or one of another version.` };
    }
    return snapshot as GatewaySnapshot;
  } catch (error) {
    if (cut.signal.aborted) return { problem: `${url} gives no answer in ${ANSWER_MS_MAX} ms.` };
    const { cause, message } = error as Error;
    const code = (cause as NodeJS.ErrnoException | undefined)?.code;
    return { problem: `${url} cannot be read: ${code ?? message}` };
  } finally {
    timer.cancel();
  }
}
