import { expect, it } from "vitest";
import { EVIDENCE } from "../../../src/catalog/defaults.js";
import { StaleRoutes } from "../../../src/targets/stale-routes.js";

const BREAKER = { routeOf: ({ path }: { readonly path: string }) => path };

function bench() {
  const routes = new StaleRoutes();
  const passed = (path: string, times = 1): void => {
    for (let time = 0; time < times; time += 1) routes.passed(BREAKER, { method: "GET", path });
  };
  /** What each of so many resets says, with an answer of another route before each. */
  const lost = (route: string, times: number): readonly boolean[] =>
    Array.from({ length: times }, () => {
      passed("/other");
      return routes.lost(route);
    });
  return { routes, passed, lost };
}

it("the third in a row is no chance, nor are those behind it", () => {
  expect(bench().lost("/boom", 4)).toEqual([false, false, true, true]);
});

it("connections that end together, as by a restart, are one", () => {
  const { routes, passed } = bench();
  passed("/other");
  for (let at = 0; at < 20; at += 1) expect(routes.lost("/orders")).toBe(false);
});

it("a good answer of the route begins anew", () => {
  const { lost, passed } = bench();
  lost("/boom", 2);
  passed("/boom");
  expect(lost("/boom", 2)).toEqual([false, false]);
});

it("what was long ago is forgotten", () => {
  const { lost, passed } = bench();
  lost("/boom", 2);
  passed("/other", EVIDENCE.staleMemory + 1);
  expect(lost("/boom", 2)).toEqual([false, false]);
});

it("routes without end push out those of long ago", () => {
  const { lost } = bench();
  lost("/first", 2);
  for (let at = 0; at < EVIDENCE.routesMax; at += 1) lost(`/route-${at}`, 1);
  expect(lost("/first", 2)).toEqual([false, false]);
});
