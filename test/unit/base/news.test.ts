/** News that many wait for. */
import { describe, expect, it } from "vitest";
import { News } from "../../../src/base/news.js";

describe("news", () => {
  it("reach everyone who waits, once, and by one promise", async () => {
    const news = new News();
    const told: string[] = [];
    const first = news.next();
    expect(news.next()).toBe(first);
    for (const name of ["a", "b"]) void news.next().then(() => told.push(name));
    await Promise.resolve();
    expect(told).toEqual([]);
    news.publish();
    await first;
    expect(told).toEqual(["a", "b"]);
  });

  it("of the past are told to nobody who waits for the next", async () => {
    const news = new News();
    news.publish();
    const later = news.next();
    let told = false;
    void later.then(() => {
      told = true;
    });
    await Promise.resolve();
    expect(told).toBe(false);
    news.publish();
    await later;
    expect(told).toBe(true);
    expect(news.next()).not.toBe(later);
  });
});
