/**
 * `gatewayFetch` over the fetch of Node, and over that of undici.
 */
import { gatewayFetch } from "good-gateway/fetch";
import { fetch as undiciFetch } from "undici";
import type { Door, DoorEngine, Place } from "../door.js";
import { askByFetch } from "../tools/fetch-client.js";
import { foreignFetch } from "../tools/foreign-fetch.js";

const over = (name: string, given?: typeof fetch, engine: DoorEngine = "own"): Door => ({
  name: `gatewayFetch, ${name}`,
  kind: "caller",
  engine,
  ...(given === undefined || given === foreignFetch ? { first: true } : {}),
  repeats: true,
  open: async ({ gateway, fetch }: Place) => {
    const over = given === undefined ? {} : { fetch: given };
    const call = gatewayFetch(gateway.upstream("app"), { ...over, ...fetch });
    return {
      ask: (asked = {}, how = {}) => askByFetch(call as typeof globalThis.fetch, "", asked, how),
      close: async () => {},
    };
  },
});

export const FETCH = over("the fetch of Node");
export const FETCH_UNDICI = over("the fetch of undici", undiciFetch as unknown as typeof fetch);
export const FETCH_FOREIGN = over("a foreign fetch", foreignFetch, "foreign fetch");
