/**
 * Addresses that are never connected to, whatever leads there.
 */
import { expect } from "vitest";
import { at, codesOf, type DoorPromise, isFine, works } from "../promise.js";

const unguarded = ({ engine }: { readonly engine: string }): string | null =>
  engine === "foreign fetch" ? "connections" : null;

export const GUARD: readonly DoorPromise[] = [
  {
    name: "an address that is forbidden is not connected to",
    shows: ["upstream.addresses", "addresses.forbid"],
    cannot: unguarded,
    show: (door) =>
      at(
        door,
        { script: works(door), options: { retry: false, addresses: { forbid: ["loopback"] } } },
        async (ground) => {
          const answer = await ground.ask();
          expect(answer.failure?.code).toBe("destination_ip_prohibited");
          if (door.kind !== "caller") expect(answer.status).toBe(502);
          expect(ground.played?.connections()).toBe(0);
          expect(await codesOf(ground, 1)).toEqual(["destination_ip_prohibited"]);
        },
      ),
  },
  {
    name: "a name that resolves to a forbidden address is not connected to",
    shows: ["upstream.addresses", "addresses.forbid"],
    cannot: unguarded,
    show: (door) =>
      at(
        door,
        {
          script: works(door),
          targets: (played) => `http://localhost:${played?.port}`,
          options: { retry: false, addresses: { forbid: ["loopback"] } },
        },
        async (ground) => {
          const answer = await ground.ask();
          expect(answer.failure?.code).toBe("destination_ip_prohibited");
          expect(ground.played?.connections()).toBe(0);
        },
      ),
  },
  {
    name: "an address of IPv6 is judged, and connected to, as any other",
    cannot: unguarded,
    show: async (door) => {
      for (const [forbidden, code] of [
        ["metadata", null],
        ["loopback", "destination_ip_prohibited"],
      ] as const) {
        const options = { retry: false as const, addresses: { forbid: [forbidden] } };
        const serve = { host: "::1" };
        await at(door, { script: works(door), serve, options }, async (ground) => {
          const answer = await ground.ask();
          expect([answer.failure?.code ?? null, isFine(answer, door)]).toEqual([
            code,
            code === null,
          ]);
        });
      }
    },
  },
  {
    name: "what is allowed of a forbidden group is connected to",
    shows: ["addresses.allow"],
    show: (door) =>
      at(
        door,
        {
          script: works(door),
          options: { retry: false, addresses: { forbid: ["loopback"], allow: ["127.0.0.1"] } },
        },
        async (ground) => {
          expect(isFine(await ground.ask(), door)).toBe(true);
        },
      ),
  },
];
