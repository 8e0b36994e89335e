/** What is wrong with options of answers is said when a proxy is created. */
import { createGateway } from "good-gateway";
import { throughGateway } from "good-gateway/http-proxy-middleware";
import { nodeProxy } from "good-gateway/node";
import { webProxy } from "good-gateway/web";
import { expect, it } from "vitest";

const gateway = createGateway({ upstreams: { app: { targets: "http://127.0.0.1:1" } } });
const upstream = gateway.upstream("app");

it.each([
  [{ onStatus: { 99: "next" } }, 'onStatus: [object Object] has "99", which is no status'],
  [{ onStatus: { 404: "nxt" } }, "something other than"],
  [{ onResponse: {} }, "onResponse: [object Object] is not a function"],
  [{ responseHeaders: { "a b": "1" } }, "has a name that no field can have"],
  [{ redirects: "rewrit" }, 'redirects: "rewrit" is neither'],
  [
    { cookies: { domian: false } },
    'cookies.domian: unknown option of a proxy; did you mean "domain"',
  ],
  [{ cookies: { path: "x" } }, 'cookies.path: "x" is neither "rewrite" nor a path'],
  [{ transformBody: {} }, "needs either whole or stream"],
  [{ transformBody: { whole: String, types: ["html"] } }, "transformBody.types"],
  [{ transformBody: { whole: String, bytesMax: 0 } }, "transformBody.bytesMax"],
])("%j", (options, said) => {
  expect(() => nodeProxy(upstream, options as object)).toThrow(said);
});

it("what an adapter does in another way is refused there", () => {
  expect(() => throughGateway(upstream, {}, { cookies: {} } as object)).toThrow(
    "cookies: http-proxy-middleware passes answers on; write cookieDomainRewrite",
  );
  expect(() => webProxy(upstream, { onStatus: {} } as object)).toThrow("onStatus: unknown option");
});

it.each([
  [{ changeOrigin: true }, 'changeOrigin: unknown option of a proxy; write host: "target"'],
  [{ rewriteHeaders: String }, "write responseHeaders"],
  [{ userResDecorator: String }, "write transformBody"],
  [{ skipToNextHandlerFilter: String }, 'write onStatus: { 404: "next" }'],
  [{ timeouts: {} }, '"timeouts" belongs in an upstream, or in defaults for all of them'],
  [{ connectMs: 1 }, '"connectMs" belongs in timeouts'],
  [{ rewritepath: String }, 'did you mean "rewritePath"?'],
  [{ constructor: 1 }, "constructor: unknown option of a proxy"],
])("an option of something else at a proxy: %j", (options, said) => {
  expect(() => nodeProxy(upstream, options as object)).toThrow(said);
});
