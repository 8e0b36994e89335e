/**
 * Upstreams that misbehave in other ways than by the bytes of one answer: opening, uploads, time,
 * TLS, Unix sockets, connections at rest. GET and POST (or PUT and POST, for uploads) go through
 * each; what is never allowed is checked for all (`tools/ordeal.ts`).
 */
import { describe, expect, it } from "vitest";
import { BEHAVIOURS } from "./faults/behaviours.js";
import { runOrdeals } from "./tools/ordeal.js";

const ordeals = runOrdeals(
  BEHAVIOURS.flatMap((behaviour) =>
    (behaviour.methods ?? ["GET", "POST"]).map((method) => ({
      ...behaviour,
      group: behaviour.name,
      name: method,
      method,
      warmUps: 0,
      requests: behaviour.requests ?? 1,
      allowed: (method === "POST" ? behaviour.allowedForPost : undefined) ?? behaviour.allowed,
    })),
  ),
);

describe("an upstream that", () => {
  it.each(BEHAVIOURS.map(({ name }) => name))("%s", async (name) => {
    expect(await ordeals.complaints(name)).toEqual([]);
  });
});
