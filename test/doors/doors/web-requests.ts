/**
 * `webProxy`, called with a Request.
 */
import { webProxy } from "good-gateway/web";
import type { Door } from "../door.js";
import { answeredOf } from "../tools/answered.js";
import { type AnyFetch, askByFetch } from "../tools/fetch-client.js";

export const WEB_REQUESTS: Door = {
  name: "webProxy, called with Requests",
  kind: "proxy",
  engine: "own",
  bodies: "fetch",
  requests: true,
  repeats: true,
  async open({ gateway, proxy }) {
    const client = () => ({ address: "127.0.0.1", protocol: "http" as const });
    // Hooks that look at a URL and at fields alone can be given to both.
    const handler = webProxy(gateway.upstream("app"), { ...(proxy as object), client });
    const ask: AnyFetch = (input, init) => handler(new Request(input, init));
    return {
      ask: async (asked = {}, how = {}) =>
        answeredOf(await askByFetch(ask, "http://edge.example", asked, how)),
      close: async () => {},
    };
  },
};
