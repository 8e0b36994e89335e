/**
 * A taker of a body that is slower than the upstream, and what the upstream does meanwhile.
 *
 * undici's parser throws into the event loop when a peer ends, resets or closes while it is paused;
 * so these answers come while nobody takes them, in sizes around the reads of a socket.
 */
import type { Readable } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { createGateway } from "../../../src/index.js";
import {
  accept,
  type Script,
  type ScriptedUpstream,
  scriptedUpstream,
} from "../../../src/testing/index.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const SIZES = [65_436, 65_536, 70_000, 131_072, 200_000];

function head(length: number | null, connection: string): string {
  const framing = length === null ? "" : `content-length: ${length}\r\n`;
  return `HTTP/1.1 200 OK\r\nconnection: ${connection}\r\n${framing}\r\n`;
}

/** Takes nothing until the upstream is through with its script, then all. */
async function takenLate(script: Script): Promise<{ bytes: number; code: unknown }> {
  const upstream: ScriptedUpstream = await scriptedUpstream([script]);
  cleanUps.push(() => upstream.close());
  const gateway = createGateway({ upstreams: { slow: { targets: upstream.origin } } });
  cleanUps.push(() => gateway.close());
  const outcome = await gateway.upstream("slow").send({ path: "/" });
  if (outcome.kind === "no_response") return { bytes: 0, code: outcome.failure.code };
  const stream: Readable = outcome.response.body.stream();
  let failed: unknown = null;
  stream.on("error", (error) => {
    failed = error;
  });
  for (let turn = 0; turn < 100; turn += 1) await new Promise((go) => setImmediate(go));
  let bytes = 0;
  try {
    for await (const chunk of stream) bytes += (chunk as Buffer).byteLength;
  } catch (error) {
    failed = error;
  }
  return { bytes, code: (failed as { readonly code?: unknown } | null)?.code };
}

describe.each(SIZES)("of %i bytes that nobody takes yet", (size) => {
  const body = Buffer.alloc(size, "x");
  const answered = accept().readHead();

  it.each(["close", "keep-alive"])("a whole answer stays whole (%s)", async (connection) => {
    const taken = await takenLate(answered.send(head(size, connection)).send(body).close());
    expect(taken).toEqual({ bytes: size, code: undefined });
  });

  it("an answer that the close ends stays whole", async () => {
    const taken = await takenLate(answered.send(head(null, "close")).send(body).close());
    expect(taken).toEqual({ bytes: size, code: undefined });
  });

  it.each(["close", "keep-alive"])("an answer cut short is broken (%s)", async (connection) => {
    const { code } = await takenLate(
      answered
        .send(head(size * 2, connection))
        .send(body)
        .close(),
    );
    expect(code).toBe("http_response_incomplete");
  });

  it.each(["close", "keep-alive"])("an answer that is reset is broken (%s)", async (connection) => {
    const { code } = await takenLate(
      answered
        .send(head(size * 2, connection))
        .send(body)
        .reset(),
    );
    expect(["connection_reset_in_body", "http_response_incomplete"]).toContain(code);
  });
});
