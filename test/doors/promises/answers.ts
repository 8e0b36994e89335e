/** What a proxy makes of the answers of its upstream. */
import { AsyncLocalStorage } from "node:async_hooks";
import { gunzipSync, gzipSync } from "node:zlib";
import type { ProxyOptions } from "good-gateway";
import { accept, respond, type Script } from "good-gateway/testing";
import { expect } from "vitest";
import { eventually, type World } from "../../gallery/tools/world.js";
import type { Door } from "../door.js";
import { at, type DoorPromise, either, ended, ofOwnConnections, ofProxies } from "../promise.js";

const ofEngines = either(ofProxies, ofOwnConnections);

const answering = (payload: string | Uint8Array): Script =>
  accept().readHead().readBody().send(payload).again();

/** An answer with a body of bytes. */
function bytes(body: Uint8Array, fields: Readonly<Record<string, string>>, status = 200): Buffer {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = `content-length: ${body.byteLength}\r\n\r\n`;
  const head = `HTTP/1.1 ${status} X\r\n${lines.join("")}${length}`;
  return Buffer.concat([Buffer.from(head), body]);
}

function show(
  door: Door,
  payload: string | Uint8Array,
  proxy: ProxyOptions,
  run: (ground: World) => Promise<void>,
): Promise<void> {
  return at(door, { script: answering(payload), proxy }, run);
}

const cookiesOf = (answer: { readonly fields: readonly (readonly [string, string])[] }) =>
  answer.fields.filter(([name]) => name.toLowerCase() === "set-cookie").map(([, value]) => value);

const HTML = { "content-type": "text/html; charset=utf-8", etag: '"one"' };
const louder: ProxyOptions["transformBody"] = {
  types: ["text/html"],
  bytesMax: 1_000,
  whole: (body) => body.toString().toUpperCase(),
};

const FIELDS_AND_HOOKS: readonly DoorPromise[] = [
  {
    name: "fields of an answer are set and removed, and framing stays ours",
    shows: ["proxy.responseHeaders"],
    cannot: ofEngines,
    show: async (door) => {
      const payload = respond(404, "none", { "x-inner": "1", "x-kept": "1", "X-Old": "1" });
      const record = { "x-new": ["a", "b"], "x-old": "2", "x-inner": undefined };
      const fieldsOf = () => ({ ...record, "content-length": "1" });
      const both: readonly NonNullable<ProxyOptions["responseHeaders"]>[] = [fieldsOf(), fieldsOf];
      for (const responseHeaders of both) {
        await show(door, payload, { responseHeaders }, async ({ ask }) => {
          const answer = await ask();
          expect([answer.ending, answer.status, answer.body]).toEqual(["whole", 404, "none"]);
          expect(answer.field("x-inner")).toBeUndefined();
          expect([answer.field("x-old"), answer.field("x-kept")]).toEqual(["2", "1"]);
          expect(answer.fields.filter(([name]) => name.toLowerCase() === "x-new")).not.toEqual([]);
        });
      }
    },
  },
  {
    name: "a hook looks at each answer, in the context of its request, and passes it on",
    shows: ["proxy.onResponse"],
    cannot: ofEngines,
    show: async (door) => {
      const seen: unknown[] = [];
      const store = new AsyncLocalStorage<string>();
      const proxy: ProxyOptions = {
        admit() {
          store.enterWith("of this request");
          return null;
        },
        async onResponse(answer, req) {
          await new Promise((resolve) => setImmediate(resolve));
          seen.push([
            answer.status,
            answer.headers["x-a"],
            answer.code,
            req.method,
            store.getStore(),
          ]);
        },
      };
      const payload = respond(503, "busy", { "x-a": ["1", "2"] });
      await show(door, payload, proxy, async ({ ask }) => {
        const answer = await ask({ fields: { "x-asked": "1" } });
        expect([answer.status, answer.body]).toEqual([503, "busy"]);
      });
      expect(seen).toEqual([[503, ["1", "2"], "received_gateway_error", "GET", "of this request"]]);
    },
  },
  {
    name: "a hook replaces status, fields and body, and the upstream's body is dropped",
    shows: ["proxy.onResponse"],
    cannot: ofEngines,
    show: async (door) => {
      const large = Buffer.alloc(300_000, "x");
      const payload = bytes(gzipSync(large), { ...HTML, "content-encoding": "gzip" }, 404);
      const proxy: ProxyOptions = {
        onResponse: ({ status }) => ({ status: status - 1, headers: { "x-b": "1" }, body: "ours" }),
      };
      await show(door, payload, proxy, async ({ ask }) => {
        const answer = await ask();
        expect([answer.ending, answer.status, answer.body]).toEqual(["whole", 403, "ours"]);
        expect([answer.field("x-b"), answer.field("content-type")]).toEqual([
          "1",
          HTML["content-type"],
        ]);
        expect([answer.field("content-encoding"), answer.field("etag")]).toEqual([
          undefined,
          undefined,
        ]);
      });
      const empty: ProxyOptions = { onResponse: () => ({ status: 204 }) };
      await show(door, payload, empty, async ({ ask }) => {
        const answer = await ask();
        expect([answer.ending, answer.status, answer.bytes.length]).toEqual(["whole", 204, 0]);
        expect(answer.field("content-length")).toBeUndefined();
      });
    },
  },
  {
    name: "a hook that throws, or gives what no answer can be, fails its own request only",
    shows: ["proxy.onResponse", "proxy.responseHeaders"],
    cannot: ofEngines,
    show: async (door) => {
      const wrong = { onResponse: () => ({ status: 101 }) };
      const field = { responseHeaders: () => ({ "x-a": "line\r\nbreak" }) };
      const rejects = { onResponse: () => Promise.reject(new Error("a secret of the hook")) };
      for (const [proxy, code] of [
        [wrong, "proxy_configuration_error"],
        [field, "proxy_configuration_error"],
        [rejects, "proxy_internal_error"],
      ] as const) {
        await show(door, respond(404, "none"), proxy, async (ground) => {
          const answer = await ground.ask();
          expect([answer.status, answer.failure?.code]).toEqual([500, code]);
          expect(answer.body).not.toContain("secret");
          expect((await ended(ground, 1))[0]?.answeredBy).toBe("gateway");
        });
      }
    },
  },
  {
    name: "an answer is left to the next handler by its status, where there is one",
    shows: ["proxy.onStatus"],
    cannot: either(ofEngines, ({ requests }) => (requests === true ? "option" : null)),
    show: (door) =>
      show(door, respond(410, "gone"), { onStatus: { 410: "next" } }, async (ground) => {
        const answer = await ground.ask();
        const hasNext = door.kind === "proxy" && /Express|fastify/.test(door.name);
        // The frameworks have a handler of their own for what nobody has answered.
        expect([answer.status, answer.body === "gone"]).toEqual(
          hasNext ? [404, false] : [410, true],
        );
        const [record] = await ended(ground, 1);
        expect(record?.answeredBy).toBe(hasNext ? "application" : "upstream");
      }),
  },
];

const ADDRESSES: readonly DoorPromise[] = [
  {
    name: "redirects of the upstream lead the client back through the proxy",
    shows: ["proxy.redirects"],
    cannot: ofEngines,
    show: async (door) => {
      const proxy: ProxyOptions = {
        redirects: "rewrite",
        host: "inner.example:8080",
        rewritePath: (path) => path.slice("/shop".length),
      };
      for (const [written, expected] of [
        ["/login?a=/b#c", "/shop/login?a=/b#c"],
        ["http://inner.example:8080/login", "/shop/login"],
        ["//INNER.example:8080", "/shop/"],
        ["https://other.example/login", "https://other.example/login"],
        ["again", "again"],
        ["http://inner.example:8080//evil.example/", "/shop//evil.example/"],
      ] as const) {
        const payload = respond(302, "", { location: written, "content-location": written });
        await show(door, payload, proxy, async ({ ask }) => {
          const answer = await ask({ path: "/shop/cart/1?x=/y" });
          expect([answer.status, answer.field("location")]).toEqual([302, expected]);
          expect(answer.field("content-location")).toBe(expected);
        });
      }
      const root = respond(302, "", { location: "http://inner.example:8080//evil.example/" });
      const { rewritePath: _, ...unmoved } = proxy;
      await show(door, root, unmoved, async ({ ask }) => {
        expect((await ask()).field("location")).toBe("/.//evil.example/");
      });
    },
  },
  {
    name: "cookies of the upstream get the domain and the path of the client",
    shows: ["proxy.cookies", "cookies.domain", "cookies.path"],
    cannot: ofEngines,
    show: async (door) => {
      const cookies = [
        "a=1; Domain=inner.example; Path=/; HttpOnly",
        "__Host-b=2; Path=/; Secure",
        "c=3; path=/cart",
      ];
      const payload = respond(200, "", { "set-cookie": cookies });
      const rewritePath = (path: string) => path.slice("/shop".length);
      await show(
        door,
        payload,
        { cookies: { domain: false, path: "rewrite" }, rewritePath },
        async ({ ask }) => {
          expect(cookiesOf(await ask({ path: "/shop/cart" }))).toEqual([
            "a=1; Path=/shop; HttpOnly",
            "__Host-b=2; Path=/; Secure",
            "c=3; Path=/shop/cart",
          ]);
        },
      );
      const fixed = { cookies: { domain: "shop.example", path: "/x" } };
      await show(door, payload, fixed, async ({ ask }) => {
        const [first] = cookiesOf(await ask());
        expect(first).toBe("a=1; Domain=shop.example; Path=/x; HttpOnly");
      });
    },
  },
  {
    name: "the upstream is told the prefix that was removed, behind that of a trusted front",
    shows: ["forwarded.prefix"],
    cannot: ofEngines,
    show: async (door) => {
      const rewritePath = (path: string) => path.slice("/shop".length);
      const fields = { "x-forwarded-prefix": "/front" };
      for (const [trust, expected] of [
        [false, "/shop"],
        [true, "/front/shop"],
      ] as const) {
        const proxy: ProxyOptions = { rewritePath, forwarded: { prefix: true, trust } };
        await show(door, respond(404), proxy, async ({ ask, played }) => {
          await ask({ path: "/shop/cart?a=1", fields });
          expect(played?.requests()[0]?.header("x-forwarded-prefix")).toBe(expected);
        });
      }
      await show(door, respond(404), { rewritePath }, async ({ ask, played }) => {
        await ask({ path: "/shop/cart", fields });
        expect(played?.requests()[0]?.header("x-forwarded-prefix")).toBeUndefined();
      });
    },
  },
];

const BODIES: readonly DoorPromise[] = [
  {
    name: "bodies of the named types are transformed, decoded before and encoded again",
    shows: ["proxy.transformBody", "transformBody.types", "transformBody.whole"],
    cannot: ofEngines,
    show: async (door) => {
      const page = gzipSync("<p>straße</p>");
      const payload = bytes(page, {
        ...HTML,
        "content-encoding": "gzip",
        "accept-ranges": "bytes",
      });
      await show(door, payload, { transformBody: louder }, async (ground) => {
        const fields = { range: "bytes=0-3", "accept-encoding": "gzip, sdch;q=0.5" };
        const answer = await ground.ask({ fields });
        expect([answer.ending, answer.status]).toEqual(["whole", 200]);
        expect(gunzipSync(answer.bytes).toString()).toBe("<P>STRASSE</P>");
        expect(answer.field("content-length")).toBe(String(answer.bytes.byteLength));
        expect([answer.field("etag"), answer.field("accept-ranges")]).toEqual([
          'W/"one"',
          undefined,
        ]);
        const [request] = ground.played?.requests() ?? [];
        expect([request?.header("range"), request?.header("accept-encoding")]).toEqual([
          undefined,
          "gzip",
        ]);
        if (door.kind === "upgrade") return;
        const head = await ground.ask({ method: "HEAD" });
        expect([head.status, head.bytes.byteLength]).toEqual([200, 0]);
      });
      const image = bytes(page, { "content-type": "image/png", etag: '"one"' });
      await show(door, image, { transformBody: louder }, async ({ ask }) => {
        const answer = await ask();
        expect([answer.bytes, answer.field("etag")]).toEqual([page, '"one"']);
      });
    },
  },
  {
    name: "a body that is too large, cannot be decoded or breaks is an honest failure",
    shows: ["transformBody.bytesMax"],
    cannot: ofEngines,
    show: async (door) => {
      const gzip = { ...HTML, "content-encoding": "gzip" };
      const bomb = bytes(gzipSync(Buffer.alloc(100_000)), gzip);
      const long = bytes(Buffer.alloc(1_001, "x"), HTML);
      const short = bytes(gzipSync("whole").subarray(0, -4), gzip);
      const unknown = bytes(Buffer.from("x"), { ...HTML, "content-encoding": "sdch" });
      for (const [payload, code] of [
        [bomb, "http_response_body_size"],
        [long, "http_response_body_size"],
        [short, "http_response_content_coding"],
        [unknown, "http_response_content_coding"],
      ] as const) {
        await show(door, payload, { transformBody: louder }, async ({ ask }) => {
          const answer = await ask();
          expect([answer.status, answer.failure?.code]).toEqual([502, code]);
        });
      }
      const half = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 9\r\n\r\nhalf";
      const breaks = accept().readHead().readBody().send(half).reset();
      await at(door, { script: breaks, proxy: { transformBody: louder } }, async ({ ask }) => {
        expect((await ask({ method: "POST", body: "x" }))?.status).toBe(502);
      });
      const throws: ProxyOptions = {
        transformBody: () => {
          throw new Error("a secret of the hook");
        },
      };
      await show(door, long, throws, async ({ ask }) => {
        const answer = await ask();
        expect([answer.status, answer.failure?.code]).toEqual([500, "proxy_internal_error"]);
      });
    },
  },
  {
    name: "a body flows through a stream, part by part, and what breaks it cuts the answer",
    shows: ["transformBody.stream"],
    cannot: ofEngines,
    show: async (door) => {
      const upper = () =>
        new TransformStream<Uint8Array, string>({
          transform(part, controller) {
            const text = Buffer.from(part).toString();
            if (text.includes("bad")) throw new Error("a secret of the stream");
            controller.enqueue(text.toUpperCase());
          },
        });
      const proxy: ProxyOptions = { transformBody: { stream: upper } };
      const head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n";
      let more = (): void => {};
      const seen = new Promise<void>((resolve) => {
        more = resolve;
      });
      const script = accept()
        .readHead()
        .readBody()
        .send(`${head}3\r\none\r\n`)
        .waitFor(seen)
        .send("3\r\ntwo\r\n0\r\n\r\n")
        .again();
      await at(door, { script, proxy }, async ({ ask, attempts }) => {
        const asked = ask();
        // The first part is with the client while the second is not sent.
        setTimeout(more, 50);
        expect((await asked).body).toBe("ONETWO");
        await eventually("it is over", () => attempts.length === 1);
      });
      const large = Buffer.alloc(2_000_000, "abc");
      await show(
        door,
        bytes(gzipSync(large), { "content-encoding": "gzip" }),
        proxy,
        async (ground) => {
          const answer = await ground.ask();
          expect(answer.ending).toBe("whole");
          expect(gunzipSync(answer.bytes).toString()).toBe(large.toString().toUpperCase());
        },
      );
      const broken = accept().readHead().readBody().send(`${head}3\r\none\r\n`).wait(30);
      const bad = broken.send("3\r\nbad\r\n").hang();
      await at(door, { script: bad, proxy }, async ({ ask }) => {
        expect((await ask()).ending).not.toBe("whole");
      });
      await at(door, { script: broken.reset(), proxy }, async ({ ask }) => {
        expect((await ask()).ending).not.toBe("whole");
      });
    },
  },
];

export const ANSWERS: readonly DoorPromise[] = [...FIELDS_AND_HOOKS, ...ADDRESSES, ...BODIES];
