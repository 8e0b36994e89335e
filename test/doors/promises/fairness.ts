/** Fairness: among callers, and among targets. */
import { accept, respond } from "good-gateway/testing";
import { expect } from "vitest";
import { eventually } from "../../gallery/tools/world.js";
import { at, type DoorPromise, ended, ofRequests, WORKS } from "../promise.js";

const PATIENT = { connectMs: 4_000, responseMs: 4_000, idleMs: 4_000, totalMs: 7_000 };

export const FAIRNESS: readonly DoorPromise[] = [
  {
    name: "one caller cannot take all places",
    shows: ["bulkhead.by", "bulkhead.callerShare"],
    show: (door) => {
      const hold = accept().readHead().readBody().hang();
      const by = { header: "x-caller" };
      const bulkhead = { concurrencyMax: 4, queueMax: 0, by, callerShare: 0.5 };
      const options = { bulkhead, retry: false as const, timeouts: PATIENT };
      return at(door, { script: hold, options }, async (ground) => {
        const leave: (() => unknown)[] = [];
        const ask = (caller: string) =>
          ground.ask(
            { fields: { "x-caller": caller } },
            { onCaller: (one) => void leave.push(() => one.destroy()) },
          );
        const held = [ask("one"), ask("one")];
        await eventually("both are sent", () => ground.sent() === 2);
        expect((await ask("one")).failure?.code).toBe("bulkhead_full");
        expect((await ended(ground, 1))[0]?.details).toBe("caller_places=2");
        held.push(ask("two"));
        await eventually("another caller has a place", () => ground.sent() === 3);
        const { bulkhead: state } = ground.gateway.snapshot().upstreams[0]?.overload ?? {};
        expect(state?.callers).toEqual({ count: 2, most: 2 });
        for (const go of leave) go();
        await Promise.all(held);
      });
    },
  },
  {
    name: "a target gets no call before its first probe has passed, and calls wait for it",
    shows: ["probe.initial"],
    cannot: ofRequests,
    show: (door) => {
      let release = (): void => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const probed = accept()
        .readHead()
        .waitFor(() => released)
        .send(respond(200, "up"))
        .close();
      const probe = { path: "/health", initial: "down" as const };
      const options = { probe, retry: false as const, timeouts: PATIENT };
      return at(door, { scripts: [probed, WORKS], options }, async (ground) => {
        const asked = ground.ask({ path: "/call" });
        const paths = () => ground.played?.requests().map(({ path }) => path);
        await eventually("it is probed", () => paths()?.length === 1);
        const [target] = ground.gateway.upstream("app").targets;
        expect([target?.health, target?.reason]).toEqual(["unhealthy", "not_probed"]);
        release();
        expect((await asked).body).toBe("fine");
        expect(paths()).toEqual(["/health", "/call"]);
      });
    },
  },
  {
    name: "a call goes to another target before it waits for a connection",
    shows: ["limits.connectionsMax"],
    cannot: ofRequests,
    show: (door) => {
      const script = accept().readHead().readBody().hang();
      const options = {
        limits: { connectionsMax: 1 },
        balance: "round_robin" as const,
        retry: false as const,
        timeouts: PATIENT,
      };
      const scripts = [script, WORKS];
      const targets = (played: { readonly origin: string } | null) => [
        `${played?.origin}/one`,
        `${played?.origin}/two`,
      ];
      return at(door, { scripts, targets, options }, async (ground) => {
        let leave = (): void => {};
        const held = ground.ask(
          {},
          {
            onCaller: (one) => {
              leave = () => one.destroy();
            },
          },
        );
        await eventually("it is sent", () => ground.sent() === 1);
        for (let time = 0; time < 4; time += 1) {
          expect((await ground.ask({}, { kept: false })).body).toBe("fine");
        }
        const asked = ground.played?.requests().map(({ path }) => path.split("/")[1]);
        const other = asked?.[0] === "one" ? "two" : "one";
        expect(asked?.slice(1)).toEqual([other, other, other, other]);
        leave();
        await held;
      });
    },
  },
];
