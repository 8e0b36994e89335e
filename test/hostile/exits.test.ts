/**
 * Every limit of the catalog has a way out: it is filled, refuses or makes room, is left, and
 * serves again, twice.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import * as log from "../../src/catalog/access-log-defaults.js";
import * as balance from "../../src/catalog/balance-defaults.js";
import * as board from "../../src/catalog/dashboard-defaults.js";
import * as rest from "../../src/catalog/defaults.js";
import * as fleets from "../../src/catalog/fleet-defaults.js";
import * as front from "../../src/catalog/front-defaults.js";
import * as health from "../../src/catalog/health-defaults.js";
import * as overload from "../../src/catalog/overload-defaults.js";
import * as rates from "../../src/catalog/rate-limit-defaults.js";
import * as targets from "../../src/catalog/target-defaults.js";
import { ROOT } from "../tools/source-files.js";
import type { Exits } from "./exits/exit.js";
import { MESSAGE_EXITS } from "./exits/messages.js";
import { PLACE_EXITS } from "./exits/places.js";
import { TABLE_EXITS } from "./exits/tables.js";

const EXITS: Exits = { ...PLACE_EXITS, ...MESSAGE_EXITS, ...TABLE_EXITS };

/** Reached in the test of one file of the source; the limit is read there, not named in a list. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "HTTP2.headBytesMax": "test/hostile/kinds/http2-upstreams.ts",
  "HTTP2.resetsMax": "test/gallery/http2-whole.test.ts",
  "CACHE.storeBytesMax": "test/unit/cache/http-cache.test.ts",
  "CACHE.answerBytesMax": "test/unit/cache/http-cache.test.ts",
  "CACHE.answersMax": "test/unit/cache/http-cache.test.ts",
  "CACHE.variantsMax": "test/unit/cache/http-cache.test.ts",
  "CACHE.waitingMax": "test/unit/cache/http-cache.test.ts",
  "PACE.queueMax": "test/pipe/pace.test.ts",
  "PACE.holdsMax": "test/pipe/pace.test.ts",
  "QUOTA.queueMax": "test/pipe/quota.test.ts",
  "FLEET.membersMax": "test/unit/fleet/fleet.test.ts",
  "FLEET.unsentMax": "test/unit/fleet/fleet.test.ts",
  "RATE_LIMIT.keysMax": "test/unit/rate-limit/gcra.test.ts",
  "RATE_LIMIT.trialsOpenMax": "test/unit/rate-limit/rate-counter.test.ts",
  "CONTROL.bodyBytesMax": "test/adapters/control.test.ts",
  "LIMITS.bufferedBytesMax": "test/unit/transports/exchange-run.test.ts",
  "LIMITS.lingerBytesMax": "test/unit/wire/linger.test.ts",
  "DASHBOARD.unreadBytesMax": "test/unit/dashboard/viewers.test.ts",
};

/** Counts of work that ends by itself, and how it does; nothing is kept, so nothing is filled. */
const ENDS_BY_ITSELF: Readonly<Record<string, string>> = {
  "RETRY.freeRepeatsMax": "with its call",
  "RETRY.replacedRepeatsMax": "with its call",
  "ROUTES.rulesMax": "options with more are refused at the start",
  "HEDGE.attemptsMax": "with its call",
  "LIMITS.deadConnectionsMax": "with its call: then a new connection is opened",
  "LAYERS.attemptsMax": "a number of another layer that is not believed beyond it",
  "EVIDENCE.witnessesMax": "with the next good answer",
  "SHUTDOWN.quietTurnsMax": "with the process",
  "BALANCE.turnsMax": "the weights are divided by more",
  "BALANCE.ringPointsMax": "targets have fewer points each",
  "BALANCE.ringStepsMax": "with the pick: the first target on the way is taken",
  "DISCOVERY.targetsMax": "a longer list is cut",
  "FRONT.autoRequestsMax": "with the look for a front",
  "PROBE.bodyBytesMax": "with the probe",
  "RESUME.timesMax": "with the body: then it ends with what broke it",
  "PROBE.agentBytesMax": "with the probe",
  "PROBE.outputBytesMax": "with the program",
  "PROBE.commandsMax": "test/unit/transports/probe-kinds.test.ts: each has a time limit",
  "PROBE.argumentsMax": "options with more are refused at the start",
  "PROBE.checksMax": "options with more are refused at the start",
  "HEALTH.outputCharsMax": "a longer text is cut",
  "FLEET.upstreamsMax": "further ones are not told",
  "FLEET.illMax": "further ones are not told",
  "FLEET.messageCharsMax": "a longer message is not read",
  "RATE_LIMIT.keyCharsMax": "a longer key is hashed",
  "RATE_LIMIT.askingMax": "with the deadline of each: more are counted by the share",
  "RATE_LIMIT.workerAsksMax": "the oldest, over its deadline since long, gives way",
  "QUOTA.keysMax": "as RATE_LIMIT.keysMax",
  "DASHBOARD.textCharsMax": "a longer text is cut",
  "DASHBOARD.attemptsMax": "a longer list is cut",
  "DASHBOARD.recoveredMax": "the ring of DASHBOARD.failuresMax",
  "DASHBOARD.earlierMax": "the latest calls of a group are kept",
  "DASHBOARD.changesMax": "the ring of DASHBOARD.failuresMax",
};

/** A longest time ends by the clock; a share is of what there is. Neither holds anything. */
const HOLDS_NOTHING = /(?:MsMax|[rR]atioMax|\.refusedMax)$/;

const groups = Object.entries({
  ...{ ...rest, ...targets, ...balance, ...board, ...front },
  ...{ ...health, ...overload, ...log, ...rates, ...fleets },
});
const limits = groups.flatMap(([group, members]) =>
  Object.keys(members)
    .filter((name) => name.endsWith("Max"))
    .map((name) => `${group}.${name}`)
    .filter((name) => !HOLDS_NOTHING.test(name)),
);

it("every limit of the catalog has an exit", () => {
  const known = new Set(Object.keys({ ...EXITS, ...ELSEWHERE, ...ENDS_BY_ITSELF }));
  expect(limits.filter((name) => !known.has(name))).toEqual([]);
  expect([...known].filter((name) => !limits.includes(name))).toEqual([]);
});

it.each(Object.entries(EXITS))(
  "%s: filled, one more, left, served again",
  { timeout: 60_000 },
  async (_name, open) => {
    const vessel = await open();
    try {
      for (let round = 0; round < 2; round += 1) {
        await vessel.fill();
        expect(await vessel.next()).toBe(vessel.full);
        await vessel.leave();
        expect(await vessel.next()).toBe("served");
      }
    } finally {
      await vessel.close?.();
    }
  },
);

it.each(Object.entries(ELSEWHERE))("%s is reached in %s", (_name, file) => {
  expect(readFileSync(ROOT + file, "utf8").length).toBeGreaterThan(0);
});
