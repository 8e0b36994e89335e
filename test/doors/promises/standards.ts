/**
 * What standards say of methods and fields, at every door: QUERY, and the parameters of
 * Proxy-Status.
 */
import { accept, respond, type Script } from "good-gateway/testing";
import { expect } from "vitest";
import { parseItem } from "../../fuzz/structured-field.js";
import type { WorldOptions } from "../../gallery/tools/world.js";
import type { Door } from "../door.js";
import {
  at,
  type DoorPromise,
  either,
  ended,
  ofOwnConnections,
  ofProxies,
  ofRequests,
  WORKS,
  works,
} from "../promise.js";

const QUERY = { method: "QUERY", body: "select=name", fields: { "content-type": "text/plain" } };

/** The parameters of our member in an answer to a failure. */
async function told(door: Door, world: Omit<WorldOptions, "door">) {
  let parameters: ReadonlyMap<string, unknown> = new Map();
  await at(door, { ...world, proxy: { diagnostics: "code" } }, async (ground) => {
    const member = parseItem((await ground.ask()).field("proxy-status") ?? "");
    parameters = new Map(member?.parameters ?? []);
  });
  return parameters;
}

const ofHttp1 = either(ofProxies, ofOwnConnections);

function answering(text: string): Script {
  return accept().readHead().send(text).close();
}

export const STANDARDS: readonly DoorPromise[] = [
  {
    name: "QUERY reaches the upstream with its body",
    cannot: ofRequests,
    show: (door) =>
      at(door, { script: WORKS }, async (ground) => {
        expect((await ground.ask(QUERY)).status).toBe(200);
        expect(ground.played?.requests().map(({ method }) => method)).toEqual(["QUERY"]);
        expect(ground.played?.bodies().map(String)).toEqual([QUERY.body]);
      }),
  },
  {
    name: "QUERY asks for no change, so it is repeated, with its body",
    cannot: either(ofRequests, ({ repeats }) => (repeats ? null : "once")),
    show: (door) => {
      const scripts = [accept().readHead().readBody().close(), WORKS];
      return at(door, { scripts, options: { retry: { backoffBaseMs: 1 } } }, async (ground) => {
        expect((await ground.ask(QUERY)).status).toBe(200);
        expect(ground.played?.bodies().map(String)).toEqual([QUERY.body, QUERY.body]);
        expect((await ended(ground, 1))[0]?.attempts).toHaveLength(2);
      });
    },
  },
  {
    name: "the Priority field is understood where it is named, and goes on as it came",
    shows: ["upstream.priority"],
    show: async (door) => {
      const layers = { priorityHeader: "x-next" };
      const seen = async (more: NonNullable<WorldOptions["options"]>) => {
        let values: readonly (string | undefined)[] = [];
        await at(door, { script: works(door), options: { layers, ...more } }, async (ground) => {
          await ground.ask({ fields: { priority: "u=7, i" } }, { kept: false });
          const [request] = ground.played?.requests() ?? [];
          values = ["priority", "x-next"].map((name) => request?.header(name));
        });
        return values;
      };
      expect(await seen({ priority: { header: "priority" } })).toEqual(["u=7, i", "SHEDDABLE"]);
      expect(await seen({})).toEqual(["u=7, i", "CRITICAL"]);
    },
  },
  {
    name: "Proxy-Status tells how much came of a body above the limit",
    cannot: either(ofProxies, ofRequests),
    show: async (door) => {
      const script = answering(respond(200, "x".repeat(11)));
      const limits = { responseBodyBytesMax: 10 };
      const parameters = await told(door, { script, options: { limits } });
      expect(parameters.get("error")).toBe("http_response_body_size");
      expect(parameters.get("body-size")).toBe(11);
    },
  },
  {
    name: "Proxy-Status tells the coding that cannot be undone",
    cannot: either(ofHttp1, ofRequests),
    show: async (door) => {
      const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: ";
      const unknown = answering(`${head}gzip, chunked\r\n\r\n0\r\n\r\n`);
      const parameters = await told(door, { script: unknown });
      expect(parameters.get("error")).toBe("http_response_transfer_coding");
      expect(parameters.get("coding")).toBe("gzip");
      const broken = await told(door, { script: answering(`${head}chunked\r\n\r\nZZ\r\n`) });
      expect(broken.get("coding")).toBe("chunked");
    },
  },
  {
    name: "Proxy-Status tells the alert that ended a handshake",
    cannot: ofHttp1,
    show: async (door) => {
      // RFC 8446 §6: a fatal alert, handshake_failure.
      const alert = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 0x28);
      const script = accept().readBytes(1).send(alert).close();
      const targets: WorldOptions["targets"] = (played) => `https://127.0.0.1:${played?.port}`;
      const parameters = await told(door, { script, targets });
      expect(parameters.get("error")).toBe("tls_alert_received");
      expect([parameters.get("alert-id"), String(parameters.get("alert-message"))]).toEqual([
        40,
        "handshake_failure",
      ]);
    },
  },
];
