/** What the application itself says of a failure: whether it is repeated, and whether it counts. */
import type { UpstreamOptions } from "good-gateway";
import { accept, ok, respond } from "good-gateway/testing";
import { expect } from "vitest";
import { at, type DoorPromise, either, ended, ofRepeats, ofRequests } from "../promise.js";

type Retry = Exclude<NonNullable<UpstreamOptions["retry"]>, false>;
type When = NonNullable<Retry["when"]>;

const CUT = accept().readHead().close();

export const JUDGING: readonly DoorPromise[] = [
  {
    name: "a failure is repeated, or is not, as the application says, within what is safe",
    shows: ["retry.when"],
    cannot: either(ofRepeats, ofRequests),
    show: async (door) => {
      const seen: unknown[] = [];
      const throws: When = () => {
        throw new Error("a hook of the user");
      };
      const byStatus: When = ({ code, status, attempt, method, path }) => {
        seen.push([code, status, attempt, method, path]);
        return status === 500 ? true : status === 503 ? false : undefined;
      };
      const answers = (status: number, fields = {}) =>
        accept()
          .readHead()
          .readBody()
          .send(respond(status, "", fields))
          .again();
      for (const [first, method, when, sent] of [
        [answers(500), "GET", byStatus, 2],
        [answers(500), "POST", byStatus, 1],
        [answers(500, { "x-envoy-ratelimited": "true" }), "GET", byStatus, 1],
        [answers(503), "GET", byStatus, 1],
        [CUT, "GET", byStatus, 2],
        [CUT, "GET", throws, 1],
      ] as const) {
        const scripts = [first, accept().readHead().readBody().send(ok("fine")).again()];
        const options = {
          retry: { when, attemptsMax: 2, backoffBaseMs: 1 },
          limits: { connectionsMax: 1 },
          ejection: false as const,
        };
        // The second attempt goes to another connection, and so to the next script.
        const targets = (played: { readonly origin: string } | null) => [
          played?.origin ?? "",
          `${played?.origin}/other`,
        ];
        await at(door, { scripts, options, targets }, async (ground) => {
          const body = method === "POST" ? { body: "x" } : {};
          await ground.ask({ method, path: "/a?b", ...body });
          expect([ground.sent(), method]).toEqual([sent, method]);
        });
      }
      expect(seen[0]).toEqual(["received_server_error", 500, 1, "GET", "/a?b"]);
    },
  },
  {
    name: "a failure counts against its target, or does not, as the application says",
    shows: ["breaker.counts"],
    show: async (door) => {
      for (const [counts, opened] of [
        [() => false, false],
        [(code: string) => code === "connection_terminated", true],
        [() => undefined, true],
      ] as const) {
        const options = {
          retry: false as const,
          breaker: { consecutiveFailures: 2, counts },
          ejection: false as const,
        };
        await at(door, { script: CUT, options }, async (ground) => {
          for (let time = 0; time < 3; time += 1) await ground.ask();
          await ended(ground, 3);
          expect([ground.breakerWent.length > 0, ground.sent() < 3]).toEqual([opened, opened]);
        });
      }
    },
  },
];
