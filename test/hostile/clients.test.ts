/**
 * Hostile clients, users and web sites; and the list of kinds itself.
 */
import { expect, it } from "vitest";
import { DOORS } from "../doors/all-doors.js";
import { KINDS } from "./all-kinds.js";
import { tryKinds } from "./suite.js";

it("there are at least seventy kinds, each with a name of its own, tried somewhere", () => {
  expect(KINDS.length).toBeGreaterThanOrEqual(70);
  expect(new Set(KINDS.map(({ name }) => name)).size).toBe(KINDS.length);
  expect(KINDS.filter((kind) => !DOORS.some((door) => kind.at(door)))).toEqual([]);
});

tryKinds(
  "hostile clients",
  KINDS.filter(({ from }) => from !== "upstream"),
);
