/** A list that everybody leaves at once, from anywhere. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { type Linked, LinkedList } from "../../../src/base/linked-list.js";

class Item implements Linked<Item> {
  before: Item | null = null;
  behind: Item | null = null;
  listed = false;
}

it("holds what a set would hold, in the same order, whatever comes and goes", () => {
  const step = fc.tuple(fc.boolean(), fc.nat(7));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const items = Array.from({ length: 8 }, () => new Item());
      const list = new LinkedList<Item>();
      const set = new Set<Item>();
      for (const [comes, which] of steps) {
        const item = items[which] as Item;
        if (!comes) expect(list.delete(item)).toBe(set.delete(item));
        else if (!set.has(item)) {
          list.add(item);
          set.add(item);
        }
        expect(list.all()).toEqual([...set]);
        expect(list.size).toBe(set.size);
        expect([list.first, list.last]).toEqual([[...set][0] ?? null, [...set].at(-1) ?? null]);
      }
    }),
  );
});

it("is let go of by what has left it", () => {
  const [first, second, third] = [new Item(), new Item(), new Item()];
  const list = new LinkedList<Item>();
  for (const item of [first, second, third]) list.add(item);
  list.delete(second);
  expect(second).toEqual(new Item());
  expect(first.behind).toBe(third);
});
