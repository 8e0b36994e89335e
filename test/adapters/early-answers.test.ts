/**
 * An answer that comes before its upload is over: it arrives whole, and says what becomes of the
 * connection. Judged by the client's side of the socket, byte by byte.
 */
import { once } from "node:events";
import { accept } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { rawClient } from "./raw-client.js";
import { PROXY_SERVERS, type ProxyServer } from "./servers.js";
import { inWorld, type WorldOptions } from "./world.js";

const LARGE = 64 * 1_024 * 1_024;
const HEAD = "HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nno!";
const EARLY = accept().readHead().send(HEAD).stopReading().hang();
const DENYING: WorldOptions = {
  scripts: [],
  options: { admit: () => ({ refuse: "request_denied" }) },
};

function head(fields: string): string {
  return `POST /up HTTP/1.1\r\nhost: shop.example\r\n${fields}\r\n\r\n`;
}

/** Sends a head and some of the body, waits for the answer, and goes on until it is closed. */
async function upload(serve: ProxyServer, world: WorldOptions, fields: string, begin: string) {
  let result = { head: "", over: "" };
  await inWorld(serve, world, async ({ port }) => {
    const client = await rawClient(port);
    client.write(head(fields) + begin);
    client.write(Buffer.alloc(1_000));
    await client.until("\r\n\r\n");
    let left = LARGE - 1_000;
    const part = Buffer.alloc(100_000);
    while (left > 0 && !client.socket.destroyed && !client.socket.readableEnded) {
      if (!client.socket.write(part))
        await Promise.race([once(client.socket, "drain").catch(() => {}), client.over]);
      left -= part.length;
    }
    const received = client.received().toString("latin1").toLowerCase();
    client.socket.end();
    result = { head: received, over: await client.over };
  }).catch((error: unknown) => {
    if (result.head === "") throw error;
  });
  return result;
}

describe.each(Object.entries(PROXY_SERVERS))("through %s", (_name, serve) => {
  describe.each<[string, WorldOptions, string]>([
    ["of the upstream", { scripts: [EARLY] }, "413"],
    ["of ours", DENYING, "403"],
    [
      "to a body that is too large",
      { scripts: [accept().hang()], settings: { limits: { requestBodyBytesMax: 10 } } },
      "413",
    ],
  ])("an early answer %s", (_whose, world, status) => {
    it.each([
      ["a large upload", `content-length: ${LARGE}`, ""],
      ["an upload of unknown length", "transfer-encoding: chunked", `${LARGE.toString(16)}\r\n`],
    ])("to %s says that the connection is going to be closed", async (_what, fields, begin) => {
      const { head, over } = await upload(serve, world, fields, begin);
      expect(head).toMatch(new RegExp(`^http/1.1 ${status}`));
      expect(head).toContain("connection: close");
      expect(["end", "reset"]).toContain(over);
    });
  });

  it("an upload that is short is read to its end, and its connection serves the next", async () => {
    await inWorld(serve, DENYING, async ({ port }) => {
      const client = await rawClient(port);
      client.write(head("content-length: 300000"));
      await client.until("\r\n\r\n");
      expect(client.received().toString().toLowerCase()).not.toContain("connection: close");
      client.write(Buffer.alloc(300_000));
      client.write("GET /next HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n");
      expect(await client.over).toBe("end");
      expect(
        client
          .received()
          .toString()
          .match(/HTTP\/1\.1 403/g),
      ).toHaveLength(2);
    });
  });
});
