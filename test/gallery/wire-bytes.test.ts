/**
 * Every answer that an upstream can get wrong, as bytes: sent at once, in small pieces, and on a
 * connection that has served before; to GET and to POST. What is allowed is written beside the
 * bytes; what is never allowed is checked for all of them (`tools/ordeal.ts`).
 */
import { accept, type Script } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { BODIES } from "./faults/bodies.js";
import { type Bytes, nonced, type Verdict, WORKS } from "./faults/fault.js";
import { HEADS } from "./faults/heads.js";
import { runOrdeals } from "./tools/ordeal.js";

const FAULTS: readonly Bytes[] = [...HEADS, ...BODIES];

/** An answer in pieces takes some dozen milliseconds, far below the limits of the gateway. */
const PIECES = 12;
const PIECE_EVERY_MS = 1;

const MANNERS: Readonly<Record<string, (before: Script, text: string) => Script>> = {
  "at once": (script, text) => script.send(nonced(text)),
  "in pieces": (script, text) =>
    script.sendSlowly(nonced(text), {
      bytesPerWrite: Math.max(1, Math.ceil(text.length / PIECES)),
      everyMs: PIECE_EVERY_MS,
    }),
};

function ended(script: Script, end: Bytes["end"]): Script {
  if (end === "close") return script.close();
  return end === "reset" ? script.reset() : script.hang();
}

interface Version {
  readonly name: string;
  readonly script: Script;
  readonly reused: boolean;
}

function versionsOf({ text, end }: Bytes): readonly Version[] {
  const read = (script: Script): Script => script.readHead().readBody();
  return Object.entries(MANNERS).flatMap(([manner, send]) => [
    { name: manner, script: ended(send(read(accept()), text), end), reused: false },
    {
      name: `${manner}, on a connection that has served before`,
      script: ended(send(read(read(accept()).send(nonced(WORKS))), text), end),
      reused: true,
    },
  ]);
}

/** On a reused connection a repeat finds a new one, where the script begins with a good answer. */
function allowedFor({ allowed }: Bytes, method: string, reused: boolean): readonly Verdict[] {
  return reused && method !== "POST" ? [...allowed, 200] : allowed;
}

const ordeals = runOrdeals(
  FAULTS.flatMap((fault) =>
    versionsOf(fault).flatMap(({ name, script, reused }) =>
      (fault.method === undefined ? ["GET", "POST"] : [fault.method]).map((method) => ({
        group: fault.name,
        name: `${method} ${name}`,
        method,
        scripts: [script],
        warmUps: reused ? 1 : 0,
        requests: 1,
        allowed: allowedFor(fault, method, reused),
      })),
    ),
  ),
);

describe("an upstream that answers with", () => {
  it("each of these has a name of its own", () => {
    const names = FAULTS.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it.each(FAULTS.map(({ name }) => name))("%s", async (name) => {
    expect(await ordeals.complaints(name)).toEqual([]);
  });
});
