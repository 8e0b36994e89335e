/** The engines of http-proxy-middleware look names up as all other adapters do. */
import { afterEach, expect, it, vi } from "vitest";
import { engineLookup } from "../../../../src/doors/hpm/hpm-headers.js";
import { hostNames } from "../../../../src/targets/names/host-names.js";
import { targetAt } from "../../transports/made-exchange.js";

afterEach(() => void vi.restoreAllMocks());

it("a name is looked up once for all, by whatever asks for it", () => {
  const asked: string[] = [];
  vi.spyOn(hostNames, "addresses").mockImplementation((hostname, addressed) => {
    asked.push(hostname);
    addressed(null, [{ address: "127.0.0.9", family: 4 }]);
  });
  const found = vi.fn();
  engineLookup(targetAt("http://app.test:80"))?.("app.test", {}, found);
  expect(asked).toEqual(["app.test"]);
  expect(found).toHaveBeenCalledWith(null, "127.0.0.9", 4);
});

it("an address has none, but for one in brackets", async () => {
  expect(engineLookup(targetAt("http://127.0.0.1:80"))).toBeNull();
  const lookup = engineLookup(targetAt("http://[::1]:80"));
  const found = await new Promise((resolve) => {
    lookup?.("[::1]", {}, (_error, address, family) => resolve([address, family]));
  });
  expect(found).toEqual(["::1", 6]);
});
