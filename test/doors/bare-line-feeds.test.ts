/**
 * Heads whose lines end with a line feed alone, as those of some devices do: refused by default,
 * and taken at every door over our own connections where the upstream's options say so.
 */
import { accept, type Script } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { world } from "../gallery/tools/world.js";
import { DOORS } from "./all-doors.js";
import type { Door } from "./door.js";

const OWN = DOORS.filter((door) => door.engine === "own" && door.kind !== "upgrade");
const LENIENT = { allowBareLineFeeds: true, retry: false } as const;
const BODY = "line one\nline two\r\n\r\nline three\n\n";

const COUNTED = `HTTP/1.1 200 OK\nContent-Length: ${BODY.length}\nX-Device: lamp\n\n${BODY}`;
const CLOSED = `HTTP/1.0 200 OK\nX-Device: lamp\n\n${BODY}`;
const MIXED = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\nX-Device: lamp\r\n\n${BODY}`;
const CHUNK = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
const CHUNKED = `HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nX-Device: lamp\n\n${CHUNK}`;

const once = (bytes: string): Script => accept().readHead().send(bytes).close();

async function answerOf(door: Door, script: Script, options: object) {
  const ground = await world({ door, script, options });
  try {
    const { status, bytes, failure, field } = await ground.ask();
    return {
      status,
      body: bytes.toString("latin1"),
      code: failure?.code,
      device: field("x-device"),
    };
  } finally {
    await ground.close();
  }
}

describe.each(OWN.map((door) => [door.name, door] as const))("%s", (_, door) => {
  it.each([
    ["of known length", COUNTED],
    ["until the connection closes", CLOSED],
    ["with both ends of lines", MIXED],
    ["in chunks", CHUNKED],
  ])("takes an answer %s where that is allowed", async (_what, bytes) => {
    const { status, body, device } = await answerOf(door, once(bytes), LENIENT);
    expect({ status, body, device }).toEqual({ status: 200, body: BODY, device: "lamp" });
  });

  it("keeps the connection, and sees the next answer where it begins", async () => {
    const script = accept().readHead().send(COUNTED).readHead().send(MIXED).hang();
    const ground = await world({ door, script, options: LENIENT });
    for (let time = 0; time < 2; time += 1) expect((await ground.ask()).body).toBe(BODY);
    expect(ground.attempts.map(({ reused }) => reused)).toEqual([false, true]);
    await ground.close();
  });

  it("refuses it else", async () => {
    const { code } = await answerOf(door, once(COUNTED), { retry: false });
    expect(code).toBe("http_protocol_error");
  });

  it("refuses chunks whose lines end so, whatever the options say", async () => {
    const bytes = CHUNKED.replace(CHUNK, CHUNK.replace("\r\n", "\n"));
    const { body, code } = await answerOf(door, once(bytes), LENIENT);
    expect(body).not.toBe(BODY);
    expect(code ?? "cut").toMatch(/^(?:http_response_transfer_coding|http_protocol_error|cut)$/);
  });
});
