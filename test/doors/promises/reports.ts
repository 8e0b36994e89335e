/**
 * What was reported of other proxies and clients, asked of every door. A row names the reports that
 * it was rebuilt from.
 */
import { accept, ok, refusingPort, respond, type Script } from "good-gateway/testing";
import { expect } from "vitest";
import type { Caller } from "../../gallery/tools/raw-client.js";
import { eventually } from "../../gallery/tools/world.js";
import type { Door } from "../door.js";
import {
  at,
  codesOf,
  type DoorPromise,
  either,
  ended,
  isFine,
  ofRequests,
  works,
} from "../promise.js";

/** No timeout may be what ends a call. */
const SLOW = {
  retry: false as const,
  timeouts: { responseMs: 60_000, idleMs: 60_000, clientMs: 60_000, totalMs: 60_000 },
};

/** The Fetch Standard gives a GET no body, and follows what says where else to go. */
const ofFetch = ({ kind, bodies, requests }: Door): string | null =>
  requests === true || (kind === "caller" && bodies !== "send" && bodies !== "undici")
    ? "fetch"
    : null;

/** Of servers, by HTTP/1.1. */
const ofClients = ({ kind, requests, http2 }: Door): string | null => {
  if (kind === "caller") return "client";
  return requests === true ? "server" : http2 === true ? "session" : null;
};

const LARGE = "0123456789abcdef".repeat(131_072);
const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n";
const chunks = (text: string, size: number): string => {
  const parts: string[] = [];
  for (let at = 0; at < text.length; at += size) {
    const part = text.slice(at, at + size);
    parts.push(`${part.length.toString(16)}\r\n${part}\r\n`);
  }
  return `${parts.join("")}0\r\n\r\n`;
};

/** A body of unknown length. */
async function* pieces(text: string) {
  yield Buffer.from(text.slice(0, 2));
  yield Buffer.from(text.slice(2));
}

/** Answers each request of a connection anew. */
const always = (answer: string): Script => accept().readHead().readBody().send(answer).again();

export const REPORTS: readonly DoorPromise[] = [
  {
    // node-fetch#1576, node-fetch#1767
    name: "chunks that end anywhere are whole, also on a connection that was used before",
    cannot: ofRequests,
    show: (door) => {
      const answer = `${CHUNKED}\r\n${chunks("hello there", 4)}`;
      const drip = { bytesPerWrite: 7, everyMs: 1 };
      const script = accept().readHead().readBody().sendSlowly(answer, drip).again();
      return at(door, { script, options: SLOW }, async ({ ask }) => {
        for (let call = 0; call < 4; call += 1) {
          const { ending, body } = await ask();
          expect([ending, body]).toEqual(["whole", "hello there"]);
        }
      });
    },
  },
  {
    // undici#5360, axios#4806
    name: "an answer whose connection closes behind it is whole, however slow its reader is",
    cannot: ofRequests,
    show: async (door) => {
      const close = "connection: close\r\n\r\n";
      for (const answer of [
        `HTTP/1.1 200 OK\r\ncontent-length: ${LARGE.length}\r\n${close}${LARGE}`,
        `HTTP/1.1 200 OK\r\n${close}${LARGE}`,
        `${CHUNKED}${close}${chunks(LARGE, 50_000)}`,
      ]) {
        const script = accept().readHead().send(answer).close();
        await at(door, { script, options: SLOW }, async (ground) => {
          let caller: Caller | null = null;
          const asking = ground.ask(
            {},
            {
              onCaller: (one) => {
                caller = one;
                one.pause();
              },
            },
          );
          await eventually("it is asked", () => ground.sent() === 1 && caller !== null);
          await new Promise((resolve) => setTimeout(resolve, 100));
          (caller as unknown as Caller).resume();
          const { ending, bytes } = await asking;
          expect([ending, bytes.byteLength]).toEqual(["whole", LARGE.length]);
          expect(bytes.equals(Buffer.from(LARGE))).toBe(true);
        });
      }
    },
  },
  {
    // undici#5728
    name: "a large body of a redirect holds nothing up",
    cannot: ofRequests,
    show: async (door) => {
      const moved = respond(302, LARGE, { location: "/y" });
      const script = accept()
        .readHead()
        .send((request) => (request?.path === "/y" ? ok("there") : moved))
        .again();
      await at(door, { script, options: SLOW }, async ({ ask }) => {
        const { status, ending, bytes } = await ask();
        expect(ending).toBe("whole");
        if (status === 302) expect(bytes.byteLength).toBe(LARGE.length);
        else expect([status, bytes.toString()]).toEqual([200, "there"]);
      });
    },
  },
  {
    // fastify#953
    name: "a GET with a body arrives with it, and its connection goes on",
    cannot: either(ofRequests, ofFetch),
    show: (door) =>
      at(door, { script: always(ok("fine")), options: SLOW }, async (ground) => {
        const text = '{"a": 1}';
        for (const sent of [text, pieces(text)]) {
          const fields = { "content-type": "application/json" };
          const { status, body } = await ground.ask({ method: "GET", fields, body: sent });
          expect([status, body]).toEqual([200, "fine"]);
        }
        const seen = ground.played?.requests().map((one) => `${one.method} ${one.body}`);
        expect(seen).toEqual(['GET {"a": 1}', 'GET {"a": 1}']);
      }),
  },
  {
    // node-http-proxy#960, httpxy#153, h2o2#133
    name: "a DELETE or OPTIONS has a body where one was sent, and else no field of one",
    cannot: ofRequests,
    show: (door) =>
      at(door, { script: always(ok("fine")), options: SLOW }, async (ground) => {
        for (const method of ["DELETE", "OPTIONS"]) {
          for (const body of [undefined, "gone", pieces("gone")]) {
            const sent = body === undefined ? {} : { body };
            expect((await ground.ask({ method, ...sent })).status).toBe(200);
            const seen = ground.played?.requests().at(-1);
            const text = body === undefined ? "" : "gone";
            expect([seen?.method, String(seen?.body ?? "")]).toEqual([method, text]);
            const framed = [seen?.header("content-length"), seen?.header("transfer-encoding")];
            const count = body === undefined ? 0 : 1;
            expect(framed.filter((value) => value !== undefined)).toHaveLength(count);
          }
        }
        expect(ground.sent()).toBe(6);
      }),
  },
  {
    // ApacheBench and old health checks ask so
    name: "a client of HTTP/1.0 gets a body of unknown length as it is, and sees where it breaks",
    cannot: either(ofClients, ofRequests),
    show: async (door) => {
      const head = `${CHUNKED}\r\n`;
      for (const [rest, endings] of [
        [chunks("hello there", 4), ["whole"]],
        ["5\r\nhello\r\n", ["cut", "reset"]],
      ] as const) {
        const script = accept().readHead().send(head).wait(20).send(rest).wait(20).close();
        await at(door, { script, options: SLOW }, async ({ ask }) => {
          const answer = await ask({ version: "1.0" });
          expect(answer.field("transfer-encoding")).toBeUndefined();
          expect(endings).toContain(answer.ending);
          if (endings[0] === "whole") expect(answer.body).toBe("hello there");
        });
      }
    },
  },
  {
    // fastify-reply-from#174
    name: "an answer without Content-Type is given none",
    cannot: ofRequests,
    show: async (door) => {
      for (const answer of [respond(204), ok(""), ok("text")]) {
        await at(door, { script: always(answer) }, async ({ ask }) => {
          expect((await ask()).field("content-type")).toBeUndefined();
        });
      }
    },
  },
  {
    // fastify-reply-from#338
    name: "a 204 to an upload is a call without fault",
    cannot: ofRequests,
    show: (door) =>
      at(door, { script: always(respond(204)), options: SLOW }, async (ground) => {
        const { status, ending } = await ground.ask({ method: "PUT", body: "a".repeat(70_000) });
        expect([status, ending]).toEqual([204, "whole"]);
        const [record] = await ended(ground, 1);
        expect([record?.code, record?.clientEnd, record?.status]).toEqual([null, "complete", 204]);
      }),
  },
  {
    // axios#1098
    name: "of a body that is too large no more is downloaded",
    cannot: ofRequests,
    show: (door) => {
      const endless = `${CHUNKED}\r\n${`7530\r\n${"x".repeat(30_000)}\r\n`.repeat(10)}`;
      const options = { ...SLOW, limits: { responseBodyBytesMax: 100_000 } };
      const script = accept().readHead().send(endless).hang();
      return at(door, { script, options }, async (ground) => {
        expect((await ground.ask()).ending).not.toBe("whole");
        expect(await codesOf(ground, 1)).toEqual(["http_response_body_size"]);
        await eventually("the upstream is left", () => ground.played?.openConnections() === 0);
      });
    },
  },
  {
    // undici#2986, undici#4970
    name: "a part of a resource is passed on as the part that it is",
    cannot: ofRequests,
    show: (door) => {
      const fields = { "content-range": "bytes 0-3/*", etag: '"1"' };
      return at(door, { script: always(respond(206, "part", fields)) }, async (ground) => {
        const answer = await ground.ask({ fields: { range: "bytes=0-3" } });
        expect([answer.status, answer.ending, answer.body]).toEqual([206, "whole", "part"]);
        expect(answer.field("content-range")).toBe("bytes 0-3/*");
        expect(ground.sent()).toBe(1);
      });
    },
  },
  {
    // undici#4970, undici#3356
    name: "an answer that broke is not continued by another one",
    cannot: ofRequests,
    show: (door) => {
      const broken = `HTTP/1.1 200 OK\r\netag: "1"\r\ncontent-length: 5\r\n\r\nuse`;
      const script = accept().readHead().send(broken).wait(30).close();
      return at(door, { script, options: { retry: { attemptsMax: 3 } } }, async (ground) => {
        const { ending, body } = await ground.ask();
        expect([ending, "user".startsWith(body)]).toEqual([
          expect.not.stringMatching(/^whole$/),
          true,
        ]);
        for (const one of ground.played?.requests() ?? []) {
          expect(one.header("range")).toBeUndefined();
        }
      });
    },
  },
  {
    // undici#5564, node-fetch#128
    name: "a coded answer without a body is none that is broken",
    cannot: ofRequests,
    show: async (door) => {
      const coded = { "content-encoding": "gzip", vary: "accept-encoding" };
      const head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 100\r\n\r\n";
      for (const [method, answer] of [
        ["HEAD", head],
        ["GET", respond(204, "", coded)],
        ["GET", respond(304, "", coded)],
      ] as const) {
        await at(door, { script: always(answer), options: SLOW }, async (ground) => {
          const { ending, body, field } = await ground.ask({ method });
          expect([ending, body, field("content-encoding")]).toEqual(["whole", "", "gzip"]);
          expect(await codesOf(ground, 1)).toEqual([null]);
        });
      }
    },
  },
  {
    // fastify-http-proxy#460
    name: "many calls in a row to an upstream that is away fail one by one, each by its name",
    show: async (door) => {
      const port = await refusingPort();
      const targets = () => `http://127.0.0.1:${port}`;
      await at(door, { targets, options: { retry: false } }, async (ground) => {
        const together = await Promise.all(Array.from({ length: 10 }, () => ground.ask()));
        for (const { failure } of together) expect(failure?.code).toBe("connection_refused");
        for (let call = 0; call < 10; call += 1) {
          const kept = door.kind === "proxy" && door.http2 !== true;
          expect((await ground.ask({}, { kept })).failure?.code).toBe("connection_refused");
        }
      });
    },
  },
  {
    // ws#2230
    name: "a request of more fields than Node keeps is refused, and ends nothing",
    cannot: ofClients,
    show: (door) =>
      at(door, { script: works(door), options: SLOW }, async (ground) => {
        const fields: Record<string, string> = {};
        for (let field = 0; field < 2_500; field += 1) fields[`x-${field}`] = "1";
        const upgrade =
          door.kind === "upgrade" ? "connection: upgrade\r\nupgrade: websocket\r\n" : "";
        const lines = Object.keys(fields).map((name) => `${name}: 1\r\n`);
        const bytes = `GET /x HTTP/1.1\r\nhost: a\r\n${lines.join("")}${upgrade}\r\n`;
        const refused = await ground.ask({ method: "GET", bytes });
        expect(refused.status === null || refused.status >= 400).toBe(true);
        expect(ground.sent()).toBe(0);
        expect(isFine(await ground.ask(), door)).toBe(true);
      }),
  },
  {
    // node-http-proxy#783, node-http-proxy#708
    name: "what a refused upgrade has opened is closed with its client",
    cannot: ({ kind }) => (kind === "upgrade" ? null : "upgrade"),
    show: (door) => {
      const script = accept().readHead().send(respond(404, "no such socket")).hang();
      return at(door, { script, options: SLOW }, async (ground) => {
        const { status, body } = await ground.ask();
        expect([status, body]).toEqual([404, "no such socket"]);
        await eventually("the upstream is left", () => ground.played?.openConnections() === 0);
      });
    },
  },
];
