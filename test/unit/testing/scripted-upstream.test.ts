import { once } from "node:events";
import { existsSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { connect as tlsConnect } from "node:tls";
import { afterEach, describe, expect, it, vi } from "vitest";
import { eventLoopTurn } from "../../../src/base/clock.js";
import { InvariantError } from "../../../src/base/invariant.js";
import {
  accept,
  ok,
  refusingPort,
  respond,
  type Script,
  ScriptError,
  type ScriptedUpstream,
  type ScriptedUpstreamOptions,
  scriptedUpstream,
  testCertificates,
} from "../../../src/testing/index.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function start(
  scripts: readonly Script[],
  options?: ScriptedUpstreamOptions,
): Promise<ScriptedUpstream> {
  const upstream = await scriptedUpstream(scripts, options);
  cleanUps.push(() => upstream.close());
  return upstream;
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly error: string | undefined;
}

/** One request over a connection of its own. */
function ask(
  upstream: ScriptedUpstream,
  { method = "GET", path = "/", body = "" } = {},
): Promise<Answer> {
  const { host, port, socketPath } = upstream;
  return new Promise((resolve) => {
    const where = socketPath === undefined ? { host, port } : { socketPath };
    const request = httpRequest({ ...where, method, path, agent: false }, (response) => {
      let text = "";
      const end = (error?: string) => resolve({ status: response.statusCode, body: text, error });
      response.on("data", (bytes) => {
        text += bytes;
      });
      response.on("end", () => end());
      response.on("error", (error: NodeJS.ErrnoException) => end(error.code));
    });
    request.on("error", (error: NodeJS.ErrnoException) =>
      resolve({ status: undefined, body: "", error: error.code }),
    );
    request.end(body);
  });
}

async function dial(upstream: ScriptedUpstream): Promise<Socket> {
  const socket = connect({ host: upstream.host, port: upstream.port });
  cleanUps.push(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

async function complaintsOf(upstream: ScriptedUpstream): Promise<readonly string[]> {
  const error: unknown = await upstream.verify().then(
    () => undefined,
    (reason) => reason,
  );
  return error instanceof ScriptError ? error.complaints : [];
}

/** The close of a socket, whether an error led to it or not. */
const closeOf = (socket: Socket) =>
  new Promise((resolve) => void socket.once("close", resolve).resume());

const untilSeen = (upstream: ScriptedUpstream, count: number) =>
  vi.waitFor(() => expect(upstream.connections()).toBe(count));

const GET = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";

describe("scriptedUpstream", () => {
  it("plays one script for each connection, in order", async () => {
    const upstream = await start([
      accept().readHead().reset(),
      accept().readHead().send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").close(),
      accept().readHead().send(ok("done")),
    ]);
    expect(await ask(upstream)).toMatchObject({ status: undefined, error: "ECONNRESET" });
    expect(await ask(upstream)).toEqual({ status: 200, body: "half", error: "ECONNRESET" });
    expect(await ask(upstream)).toEqual({ status: 200, body: "done", error: undefined });
    await upstream.verify();
    expect(upstream.connections()).toBe(3);
    expect(upstream.openConnections()).toBe(0);
  });

  it("tells heads as they came and requests taken apart", async () => {
    const upstream = await start([accept().readHead().send(ok()).close()]);
    const socket = await dial(upstream);
    socket.end("GET /a?b HTTP/1.1\r\nHost: test\r\nX-Twice: 1\r\nX-Twice:2\r\n\r\n");
    socket.resume();
    await closeOf(socket);
    expect(upstream.heads()).toEqual([
      "GET /a?b HTTP/1.1\r\nHost: test\r\nX-Twice: 1\r\nX-Twice:2",
    ]);
    const [request] = upstream.requests();
    expect(request).toMatchObject({ method: "GET", path: "/a?b", version: "HTTP/1.1" });
    expect(request?.headers).toEqual([
      ["Host", "test"],
      ["X-Twice", "1"],
      ["X-Twice", "2"],
    ]);
    expect(request?.header("x-twice")).toBe("1");
    expect(request?.connection).toBe(1);
  });

  it("reads a head that arrives byte by byte", async () => {
    const upstream = await start([accept().readHead().send("done").close()]);
    const socket = await dial(upstream);
    socket.setNoDelay(true);
    for (const byte of GET) {
      socket.write(byte);
      await eventLoopTurn();
    }
    const [answer] = await once(socket, "data");
    expect(String(answer)).toBe("done");
    socket.end();
    await upstream.verify();
  });

  it("reads bodies by their length and by their chunks, trailers too", async () => {
    const upstream = await start([
      accept().readHead().readBody().readHead().readBody().send("done").close(),
    ]);
    const socket = await dial(upstream);
    socket.write("POST /1 HTTP/1.1\r\ncontent-length: 5\r\n\r\nfirst");
    socket.write("POST /2 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nsec\r\n");
    await eventLoopTurn();
    socket.end("A\r\nond\r\nthird\r\n0\r\nchecksum: 7\r\n\r\n");
    await once(socket, "data");
    await closeOf(socket);
    expect(upstream.bodies().map(String)).toEqual(["first", "second\r\nthird"]);
    expect(upstream.requests()[1]?.trailers).toEqual([["checksum", "7"]]);
    await upstream.verify();
  });

  it("skips a body that the script does not read, between heads and at the end", async () => {
    const upstream = await start([
      accept()
        .times(2, (one) => one.readHead())
        .send("done"),
    ]);
    const socket = await dial(upstream);
    socket.write("POST /1 HTTP/1.1\r\ncontent-length: 5\r\n\r\nfirst");
    socket.write("POST /2 HTTP/1.1\r\ncontent-length: 6\r\n\r\nsec");
    await once(socket, "data");
    socket.end("ond");
    await upstream.verify();
    expect(upstream.requests().map(({ path }) => path)).toEqual(["/1", "/2"]);
    expect(upstream.bodies()).toEqual([]);
  });

  it("reads raw bytes after an upgrade", async () => {
    const switching = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    const upstream = await start([accept().readHead().send(switching).readBytes(4).close()]);
    const socket = await dial(upstream);
    socket.write(GET);
    await once(socket, "data");
    socket.end("ping");
    await upstream.verify();
    expect(upstream.bodies().map(String)).toEqual(["ping"]);
  });

  it("answers with what is made from the request", async () => {
    const upstream = await start(
      [
        accept()
          .readHead()
          .readBody()
          .send((request) => respond(201, `${request?.path} ${request?.body}`)),
      ],
      { loop: true },
    );
    expect(await ask(upstream, { method: "POST", path: "/x", body: "hello" })).toMatchObject({
      status: 201,
      body: "/x hello",
    });
  });

  it("sends bytes as they are and text as UTF-8", async () => {
    const upstream = await start([
      accept()
        .send(Buffer.from([0xff, 0x00]))
        .send("ü")
        .close(),
    ]);
    const socket = await dial(upstream);
    const chunks: Buffer[] = [];
    socket.on("data", (bytes: Buffer) => chunks.push(bytes));
    await once(socket, "end");
    expect([...Buffer.concat(chunks)]).toEqual([0xff, 0x00, 0xc3, 0xbc]);
  });

  it("resets so that a client sees what was sent before, and then no orderly end", async () => {
    const tls = testCertificates();
    const script = accept().readHead().send("half").reset();
    const plain = await start([script]);
    const secure = await start([script], { tls: tls.valid });
    const dials = [
      () => connect({ host: plain.host, port: plain.port }),
      () => tlsConnect({ host: secure.host, port: secure.port, ca: tls.ca }),
    ];
    for (const open of dials) {
      const socket = open();
      const told: string[] = [];
      socket.on("data", (bytes) => told.push(String(bytes)));
      socket.on("end", () => told.push("end"));
      socket.on("error", (error: NodeJS.ErrnoException) => told.push(error.code ?? "no code"));
      socket.write(GET);
      await closeOf(socket);
      expect(told).toEqual(["half", "ECONNRESET"]);
    }
    await plain.verify();
    await secure.verify();
  });

  it("sends slowly in pieces of the given size", async () => {
    const upstream = await start([
      accept().readHead().sendSlowly("abcde", { bytesPerWrite: 2, everyMs: 15 }).close(),
    ]);
    const socket = await dial(upstream);
    const pieces: string[] = [];
    socket.on("data", (bytes) => pieces.push(String(bytes)));
    socket.write(GET);
    await once(socket, "end");
    expect(pieces.join("")).toBe("abcde");
    // A loaded machine may let two pieces arrive together; one write would arrive as one.
    expect(pieces.length).toBeGreaterThan(1);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(5);
  });

  it("serves many requests on one connection, by count or until the client leaves", async () => {
    const counted = await start([
      accept()
        .times(2, (one) => one.readHead().send("a"))
        .close(),
    ]);
    const endless = await start([accept().readHead().send("b").again()]);
    for (const [upstream, rounds] of [
      [counted, 2],
      [endless, 3],
    ] as const) {
      const socket = await dial(upstream);
      for (let round = 0; round < rounds; round += 1) {
        socket.write(GET);
        await once(socket, "data");
      }
      socket.end();
      await upstream.verify();
      expect(upstream.heads()).toHaveLength(rounds);
    }
  });

  it("waits for a gate that the test opens, and tells when it has come there", async () => {
    let open: () => void = () => {};
    const reached = vi.fn(() => new Promise<void>((resolve) => (open = resolve)));
    const upstream = await start([accept().readHead().waitFor(reached).send(ok("late")).close()]);
    const asked = ask(upstream);
    await vi.waitFor(() => expect(reached).toHaveBeenCalledOnce());
    const settled = vi.fn();
    void asked.then(settled);
    await eventLoopTurn();
    expect(settled).not.toHaveBeenCalled();
    open();
    expect(await asked).toMatchObject({ status: 200, body: "late" });
    await upstream.verify();
  });

  it("waits in real time", async () => {
    const upstream = await start([accept().readHead().wait(5).send(ok("rested")).close()]);
    expect(await ask(upstream)).toMatchObject({ status: 200, body: "rested" });
  });

  it("takes no bytes after stopReading, so that the sender is held back", async () => {
    const upstream = await start([accept().readHead().stopReading().hang()]);
    const socket = await dial(upstream);
    socket.write(GET);
    await vi.waitFor(() => expect(upstream.heads()).toHaveLength(1));
    const written = vi.fn();
    // Far more than the buffers of both sockets can hold.
    socket.write(Buffer.alloc(64 * 1024 * 1024), written);
    await eventLoopTurn();
    await eventLoopTurn();
    expect(written).not.toHaveBeenCalled();
    expect(socket.writableLength).toBeGreaterThan(0);
    socket.destroy();
    await upstream.verify();
  });

  it("swallows what comes while it hangs, until the client leaves", async () => {
    const upstream = await start([accept().hang()]);
    const socket = await dial(upstream);
    await new Promise((resolve) => void socket.write(Buffer.alloc(10_000_000), resolve));
    socket.end();
    await closeOf(socket);
    await upstream.verify();
  });

  it("lives on behind a closed door after destroyServer", async () => {
    const upstream = await start([accept().readHead().destroyServer().send(ok("last")).close()]);
    expect(await ask(upstream)).toMatchObject({ body: "last" });
    expect(await ask(upstream)).toMatchObject({ error: "ECONNREFUSED" });
    await upstream.verify();
  });

  it("repeats its last script for further connections when it loops", async () => {
    const upstream = await start([accept().reset(), accept().readHead().send(ok("up")).close()], {
      loop: true,
    });
    const answers = [await ask(upstream), await ask(upstream), await ask(upstream)];
    expect(answers.map(({ status }) => status)).toEqual([undefined, 200, 200]);
    await upstream.verify();
  });

  it("keeps a common beginning as it is when it is continued in two ways", () => {
    const beginning = accept().readHead();
    const kinds = (script: Script) => script.steps.map(({ kind }) => kind);
    expect(kinds(beginning.reset())).toEqual(["readHead", "reset"]);
    expect(kinds(beginning.send("x"))).toEqual(["readHead", "send"]);
    expect(kinds(beginning)).toEqual(["readHead"]);
  });

  it("refuses a script with a step that nothing can reach, or that turns on the spot", () => {
    expect(() => accept().reset().send("x")).toThrow(InvariantError);
    expect(() => accept().hang().close()).toThrow(InvariantError);
    expect(() => accept().readHead().again().readHead()).toThrow(InvariantError);
    expect(() => accept().send("x").again()).toThrow(InvariantError);
  });
});

describe("the places of a scripted upstream", () => {
  it("can be a Unix socket, whose folder goes when it is closed", async () => {
    const upstream = await start([accept().readHead().send(ok("here")).close()], { unix: true });
    const { socketPath = "" } = upstream;
    expect(upstream.origin).toBe(`unix:${socketPath}`);
    expect(await ask(upstream)).toMatchObject({ status: 200, body: "here" });
    await upstream.verify();
    await upstream.close();
    expect(existsSync(socketPath)).toBe(false);
  });

  it("can be a port of the test's choice, as of a server that comes back", async () => {
    const script = accept().readHead().send(ok("back")).close();
    const first = await start([script]);
    await first.close();
    const second = await start([script], { port: first.port });
    expect(second.origin).toBe(`http://127.0.0.1:${first.port}`);
    expect(await ask(second)).toMatchObject({ body: "back" });
  });

  it("rejects when nothing can listen there", async () => {
    const port = await refusingPort();
    await expect(scriptedUpstream([], { port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

describe("verify of a scripted upstream", () => {
  it("tells a script that no connection came for", async () => {
    const upstream = await start([accept().readHead().send(ok()).close(), accept().reset()]);
    await ask(upstream);
    expect(await complaintsOf(upstream)).toEqual([
      "script 2 was not reached: no connection came for it",
    ]);
  });

  it("tells a step at which the client left", async () => {
    const upstream = await start([
      accept().readHead().readBody().send("never").close(),
      accept().readHead().wait(600_000).send("never"),
      accept()
        .readHead()
        .waitFor(new Promise(() => {}))
        .send("never"),
      accept().readHead().send("a").readHead().send("never"),
    ]);
    (await dial(upstream)).end("POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nhalf");
    (await dial(upstream)).end(GET);
    (await dial(upstream)).end(GET);
    (await dial(upstream)).end(GET);
    await untilSeen(upstream, 4);
    expect(await complaintsOf(upstream)).toEqual([
      "connection 1: the client left at step 2 of 4, readBody",
      "connection 2: the client left at step 2 of 3, wait",
      "connection 3: the client left at step 2 of 3, waitFor",
      "connection 4: the client left at step 3 of 4, readHead",
    ]);
  });

  it("tells a client that left in the midst of a round of a script that begins anew", async () => {
    const upstream = await start([accept().readHead().send("a").again()]);
    const socket = await dial(upstream);
    socket.write(GET);
    await once(socket, "data");
    socket.end("GET / HT");
    expect(await complaintsOf(upstream)).toEqual([
      "connection 1: the client left at step 1 of 3, readHead",
    ]);
  });

  it("tells bytes that no step reads, and cuts the connection that brought them", async () => {
    const upstream = await start([accept().readHead().readBody().send(ok())]);
    const socket = await dial(upstream);
    const cut = once(socket, "error");
    socket.resume().write(`${GET}GET /again HTTP/1.1\r\n\r\n`);
    expect((await cut)[0]).toMatchObject({ code: "ECONNRESET" });
    expect(await complaintsOf(upstream)).toEqual([
      'connection 1: 23 bytes came that no step reads: "GET /again HTTP/1.1\\r\\n\\r\\n"',
    ]);
  });

  it("tells a socket that is left open, until it is closed", async () => {
    const upstream = await start([accept().readHead().send("a")], { verifyMs: 20 });
    const socket = await dial(upstream);
    socket.write(GET);
    await once(socket, "data");
    expect(await complaintsOf(upstream)).toEqual(["connection 1: is still open"]);
    expect(upstream.openConnections()).toBe(1);
    socket.end();
    await closeOf(socket);
    await upstream.verify();
  });

  it("notices that a client has left although the script had stopped reading", async () => {
    const upstream = await start([accept().readHead().stopReading().send("a")]);
    const socket = await dial(upstream);
    socket.write(GET);
    await once(socket, "data");
    socket.end();
    await upstream.verify();
  });

  it("tells a connection that came when all scripts were taken, and cuts it", async () => {
    const upstream = await start([]);
    const socket = connect({ host: upstream.host, port: upstream.port });
    expect((await once(socket, "error"))[0]).toMatchObject({ code: "ECONNRESET" });
    expect(await complaintsOf(upstream)).toEqual([
      "connection 1: came when all scripts were taken",
    ]);
  });

  it("tells what a function of the script threw, and cuts the connection", async () => {
    const upstream = await start([
      accept().waitFor(() => {
        throw new Error("a bug in the test");
      }),
      accept().waitFor(() => Promise.reject(new Error("another"))),
      accept().send(() => {
        throw new Error("a third");
      }),
    ]);
    for (let round = 0; round < 3; round += 1) {
      const socket = connect({ host: upstream.host, port: upstream.port });
      await once(socket, "error");
    }
    const [first, second, third] = await complaintsOf(upstream);
    expect(first).toContain("a bug in the test");
    expect(second).toContain("another");
    expect(third).toContain("a third");
  });

  it("asks nothing of a script that never reads about what came", async () => {
    const upstream = await start([accept().send(ok("unasked")).close(), accept().send(ok("x"))]);
    for (let round = 0; round < 2; round += 1) {
      const socket = await dial(upstream);
      socket.write(GET);
      socket.resume();
      await eventLoopTurn();
      socket.end();
      await closeOf(socket);
    }
    await upstream.verify();
  });

  it("tells a client that ended before its TLS handshake was complete", async () => {
    const tls = testCertificates().valid;
    const upstream = await start([accept().readHead(), accept().hang()], { tls });
    for (let round = 0; round < 2; round += 1) {
      const socket = await dial(upstream);
      socket.resume().end("GET / HTTP/1.1\r\n\r\n");
      await closeOf(socket);
    }
    expect(await complaintsOf(upstream)).toEqual([
      "connection 1: ended before its TLS handshake was complete",
    ]);
  });
});

describe("close of a scripted upstream", () => {
  it("cuts what is open, whatever its script waits for, and leaves no timer", async () => {
    const LONG_MS = 600_000;
    const set = vi.spyOn(globalThis, "setTimeout");
    const clear = vi.spyOn(globalThis, "clearTimeout");
    const upstream = await start([
      accept().readHead().wait(LONG_MS),
      accept().waitFor(new Promise(() => {})),
      accept().stopReading().readHead(),
      accept().sendSlowly("ab", { bytesPerWrite: 1, everyMs: LONG_MS }),
      accept().hang(),
    ]);
    const sockets: Socket[] = [];
    for (let round = 0; round < 5; round += 1) sockets.push(await dial(upstream));
    sockets[0]?.write(GET);
    await untilSeen(upstream, 5);
    await vi.waitFor(() => expect(upstream.heads()).toHaveLength(1));
    const closed = sockets.map((socket) => closeOf(socket.on("error", () => {})));
    await upstream.close();
    await Promise.all(closed);
    expect(upstream.openConnections()).toBe(0);
    const started = set.mock.results.filter((_, index) => set.mock.calls[index]?.[1] === LONG_MS);
    const cleared = clear.mock.calls.map(([timer]) => timer);
    expect(started).toHaveLength(2);
    expect(cleared).toEqual(expect.arrayContaining(started.map(({ value }) => value)));
  });

  it("can be repeated", async () => {
    const upstream = await start([]);
    await upstream.close();
    await expect(upstream.close()).resolves.toBeUndefined();
  });
});
