/**
 * What an application sets for its own calls: options of a fetch, of one call, and of `send`.
 */
import { isGatewayError, runInContext } from "good-gateway";
import { accept, ok, respond } from "good-gateway/testing";
import { expect } from "vitest";
import { eventually } from "../../gallery/tools/world.js";
import type { Door } from "../door.js";
import { at, codesOf, type DoorPromise, either, isFine, WORKS } from "../promise.js";

const ofFetch = ({ name }: Door): string | null =>
  name.startsWith("gatewayFetch") ? null : "fetch";
const ofCalls = ({ name }: Door): string | null =>
  name.startsWith("gatewayFetch") || name === "send" ? null : "fetch";

function codesIn(error: unknown): readonly unknown[] {
  if (!(error instanceof Error)) return [];
  return [(error as { readonly code?: unknown }).code, ...codesIn(error.cause)];
}

const CUT = accept().readHead().readBody().close();

/** Fields that belong to the connection, and what undici says of them. */
const REFUSED: readonly (readonly [name: string, value: string, code: string])[] = [
  ["expect", "100-continue", "UND_ERR_NOT_SUPPORTED"],
  ["transfer-encoding", "chunked", "UND_ERR_INVALID_ARG"],
  ["keep-alive", "timeout=5", "UND_ERR_INVALID_ARG"],
  ["upgrade", "h2c", "UND_ERR_INVALID_ARG"],
];

export const APPLICATIONS: readonly DoorPromise[] = [
  {
    name: "a field that undici refuses is the caller's fault, in undici's words",
    cannot: ({ kind, engine }) =>
      kind !== "caller" || engine === "foreign fetch" ? "fields" : null,
    show: (door) =>
      at(door, { script: WORKS }, async (ground) => {
        for (const [name, value, code] of REFUSED) {
          const answer = await ground.ask({ fields: { [name]: value } });
          const error = answer.thrown as Error | null;
          if (door.name === "send") expect(answer.failure?.code, name).toBe("bad_request");
          else {
            expect(codesIn(error), name).toContain(code);
            expect(isGatewayError(error), name).toBe(false);
            if (/fetch$/.test(door.bodies)) expect(error, name).toBeInstanceOf(TypeError);
          }
        }
        const wanted = REFUSED.map(() => "bad_request");
        expect(await codesOf(ground, REFUSED.length)).toEqual(wanted);
        expect(ground.played?.requests() ?? []).toEqual([]);
        expect((await ground.ask()).body).toBe("fine");
      }),
  },
  {
    name: "a failure is a Response where that is asked for",
    shows: ["fetch.onFailure"],
    cannot: ofFetch,
    show: (door) =>
      at(
        door,
        { script: CUT, options: { retry: false }, fetch: { onFailure: "respond" } },
        async ({ ask }) => {
          const answer = await ask();
          expect([answer.ending, answer.status]).toEqual(["whole", 502]);
          expect(answer.body).toContain("connection_terminated");
        },
      ),
  },
  {
    name: "the fetch function that is given makes the Responses",
    shows: ["fetch.fetch"],
    cannot: ofFetch,
    show: (door) => {
      const own = (async () => new Response("of my own")) as typeof fetch;
      return at(door, { script: WORKS, fetch: { fetch: own } }, async ({ ask }) => {
        expect((await ask()).body).toBe("of my own");
      });
    },
  },
  {
    name: "a fetch cuts in its own time, and so does a call",
    shows: ["fetch.timeouts", "call.timeouts"],
    cannot: ofCalls,
    show: async (door) => {
      const script = accept().readHead().hang();
      const options = { retry: false as const, timeouts: { responseMs: 60_000, totalMs: 60_000 } };
      const timeouts = { responseMs: 50 };
      if (door.name !== "send") {
        await at(door, { script, options, fetch: { timeouts } }, async ({ ask }) => {
          expect((await ask()).failure?.code).toBe("http_response_timeout");
        });
      }
      await at(door, { script, options }, async ({ ask }) => {
        expect((await ask({ call: { timeouts } })).failure?.code).toBe("http_response_timeout");
      });
    },
  },
  {
    name: "a fetch repeats as often as it says, and so does a call",
    shows: ["fetch.retry", "call.retry"],
    cannot: ofCalls,
    show: async (door) => {
      const options = { retry: { attemptsMax: 4, backoffBaseMs: 1 } };
      if (door.name !== "send") {
        await at(
          door,
          { script: CUT, options, fetch: { retry: { attemptsMax: 2 } } },
          async (ground) => {
            expect((await ground.ask()).failure?.attempts).toBe(2);
            expect((await ground.ask({ call: { retry: false } })).failure?.attempts).toBe(1);
          },
        );
      }
      await at(door, { script: CUT, options }, async (ground) => {
        expect((await ground.ask({ call: { retry: { attemptsMax: 3 } } })).failure?.attempts).toBe(
          3,
        );
      });
    },
  },
  {
    name: "a call that is said to be repeatable is repeated, whatever its method",
    shows: ["call.replayable", "send.replayable"],
    cannot: ofCalls,
    show: (door) =>
      at(
        door,
        { scripts: [CUT, WORKS], options: { retry: { backoffBaseMs: 1 } } },
        async (ground) => {
          const asked = { method: "POST", body: "again", call: { replayable: true } };
          expect((await ground.ask(asked)).body).toBe("fine");
          expect(ground.played?.bodies().map(String)).toEqual(["again", "again"]);
        },
      ),
  },
  {
    name: "hedge: false asks no second target",
    shows: ["fetch.hedge", "call.hedge"],
    cannot: either(ofFetch, ({ engine }) => (engine === "foreign fetch" ? "unseen" : null)),
    show: async (door) => {
      const slow = accept().readHead().wait(60).send(ok("fine")).again();
      const world = {
        script: slow,
        targets: (played: { readonly origin: string } | null) => [
          played?.origin ?? "",
          `${played?.origin}/other`,
        ],
        options: { hedge: { delayMs: 2 }, timeouts: { responseMs: 4_000, totalMs: 6_000 } },
      };
      for (const [fetch, call, sent] of [
        [{}, {}, 2],
        [{ hedge: false as const }, {}, 1],
        [{}, { hedge: false as const }, 1],
      ] as const) {
        await at(door, { ...world, fetch }, async (ground) => {
          await ground.ask({ call });
          await eventually("as many are sent", () => ground.sent() >= sent);
          expect(ground.sent()).toBe(sent);
        });
      }
    },
  },
  {
    name: "a fetch, or a call, says how much it matters",
    shows: ["fetch.priority", "call.priority"],
    cannot: ofCalls,
    show: async (door) => {
      const priorities = async (fetch: object, call: object): Promise<unknown> => {
        let got: unknown;
        await at(door, { script: WORKS, fetch }, async (ground) => {
          await ground.ask({ call });
          await codesOf(ground, 1);
          got = ground.records[0]?.priority;
        });
        return got;
      };
      if (door.name !== "send")
        expect(await priorities({ priority: "SHEDDABLE" }, {})).toBe("SHEDDABLE");
      expect(await priorities({}, { priority: "CRITICAL_PLUS" })).toBe("CRITICAL_PLUS");
    },
  },
  {
    name: "method, path, fields and body are sent as they are given",
    shows: ["send.method", "send.path", "send.headers", "send.body"],
    cannot: ({ kind }) => (kind === "caller" ? null : "client"),
    show: (door) =>
      at(
        door,
        {
          script: accept()
            .readHead()
            .readBody()
            .send((seen) => respond(200, `${seen?.body}`))
            .hang(),
        },
        async (ground) => {
          const fields = { "x-own": "1", "content-type": "text/x-own" };
          const answer = await ground.ask({
            method: "PATCH",
            path: "/a?b=c",
            fields,
            body: "given",
          });
          expect(answer.body).toBe("given");
          const seen = ground.played?.requests()[0];
          expect([seen?.method, seen?.path]).toEqual(["PATCH", "/a?b=c"]);
          expect([seen?.header("x-own"), seen?.header("content-type")]).toEqual([
            "1",
            "text/x-own",
          ]);
        },
      ),
  },
  {
    name: "a length that is not that of the body fails the call, and no other body arrives",
    cannot: ({ kind }) => (kind === "caller" ? null : "client"),
    show: async (door) => {
      const bodies = ["abc", Buffer.from("abc"), new Blob(["abc"]).stream()];
      for (const [length, body] of ["10", "2"].flatMap((one) => bodies.map((b) => [one, b]))) {
        const given = body instanceof ReadableStream ? new Blob(["abc"]).stream() : body;
        await at(door, { script: WORKS, options: { retry: false } }, async (ground) => {
          const fields = { "content-length": String(length) };
          const answer = await ground.ask({ method: "POST", body: given, fields });
          expect([answer.status, answer.thrown ?? answer.failure]).toEqual([
            null,
            expect.anything(),
          ]);
          expect(ground.played?.bodies().map(String)).toEqual([]);
        });
      }
    },
  },
  {
    name: "a signal that is aborted already sends nothing",
    shows: ["send.signal"],
    cannot: ({ kind }) => (kind === "caller" ? null : "client"),
    show: (door) =>
      at(door, { script: WORKS }, async (ground) => {
        const answer = await ground.ask({}, { onCaller: (caller) => caller.destroy() });
        expect(answer.status).toBeNull();
        expect(ground.sent()).toBe(0);
      }),
  },
  {
    name: "a caller's deadline flows into its calls",
    cannot: ({ kind }) => (kind === "caller" ? null : "client"),
    show: (door) =>
      at(
        door,
        {
          script: accept().readHead().hang(),
          options: { retry: false, timeouts: { responseMs: 60_000, totalMs: 60_000 } },
        },
        async (ground) => {
          const answer = await runInContext(ground.gateway, { timeoutMs: 50 }, () => ground.ask());
          expect(answer.failure?.code).toMatch(/^deadline_exceeded/);
          expect(isFine(answer, door)).toBe(false);
        },
      ),
  },
];
