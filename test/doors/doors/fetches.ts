/**
 * `gatewayFetch` over the fetch of Node, and over that of undici.
 */
import { gatewayFetch } from "good-gateway/fetch";
import { fetch as undiciFetch } from "undici";
import {
  type Asked,
  type BodyTaker,
  type Door,
  type DoorEngine,
  type Place,
  RequestBody,
} from "../door.js";
import { addressOf } from "../tools/answered.js";
import { type AnyFetch, askByFetch } from "../tools/fetch-client.js";
import { foreignFetch } from "../tools/foreign-fetch.js";

const over = (
  name: string,
  bodies: BodyTaker,
  given?: typeof fetch,
  engine: DoorEngine = "own",
): Door => ({
  name: `gatewayFetch, ${name}`,
  kind: "caller",
  engine,
  bodies,
  ...(given === undefined || given === foreignFetch ? { first: true } : {}),
  repeats: true,
  open: async ({ gateway, fetch }: Place) => {
    const over = given === undefined ? {} : { fetch: given };
    const call = gatewayFetch(gateway.upstream("app"), { ...over, ...fetch });
    // A Request has an absolute address.
    const base = ({ body }: Asked) => (body instanceof RequestBody ? addressOf(gateway) : "");
    return {
      ask: (asked = {}, how = {}) => askByFetch(call as AnyFetch, base(asked), asked, how),
      close: async () => {},
    };
  },
});

export const FETCH = over("the fetch of Node", "fetch");
export const FETCH_UNDICI = over(
  "the fetch of undici",
  "undici's fetch",
  undiciFetch as unknown as typeof fetch,
);
export const FETCH_FOREIGN = over("a foreign fetch", "a fetch", foreignFetch, "foreign fetch");
