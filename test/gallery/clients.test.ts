/**
 * Clients that leave, stall, close half, pipeline, or speak HTTP/1.0, while upstreams work or
 * fail: the upstream hears of it at once, answers stay with their requests, and nothing is left.
 */
import { connect, type Socket } from "node:net";
import { accept, ok } from "good-gateway/testing";
import { expect, it } from "vitest";
import { nonced, OK, WORKS } from "./faults/fault.js";
import { fieldOf, readMessage } from "./tools/read-message.js";
import { eventually, type World, world } from "./tools/world.js";

interface Client {
  readonly socket: Socket;
  readonly received: () => Buffer;
  readonly ended: () => "open" | "end" | "reset" | "closed";
}

function client({ port }: World): Client {
  const chunks: Buffer[] = [];
  let ended: ReturnType<Client["ended"]> = "open";
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("data", (chunk) => void chunks.push(chunk));
  socket.on("end", () => {
    ended = "end";
  });
  socket.on("error", () => {
    ended = "reset";
  });
  socket.on("close", () => {
    if (ended === "open") ended = "closed";
  });
  return { socket, received: () => Buffer.concat(chunks), ended: () => ended };
}

const GET = "GET /x HTTP/1.1\r\nhost: edge.example\r\n\r\n";
const heads = (ground: World): number => ground.played?.heads().length ?? 0;
const openUpstream = (ground: World): number => ground.played?.openConnections() ?? 0;

it.concurrent("a client that leaves before the answer ends the exchange at once", async () => {
  const slow = { timeouts: { responseMs: 60_000, totalMs: 60_000 } };
  const ground = await world({ script: accept().readHead().hang(), options: slow });
  const { socket } = client(ground);
  socket.write(GET);
  await eventually("the request is there", () => heads(ground) === 1);
  socket.destroy();
  await eventually("the upstream is left", () => openUpstream(ground) === 0);
  expect(ground.attempts.map(({ code }) => code)).toEqual(["client_closed_request"]);
  await ground.close();
});

it.concurrent("a client that leaves within the body ends the exchange at once", async () => {
  const script = accept().readHead().send(`${OK}content-length: 100\r\n\r\nhello`).hang();
  const slow = { timeouts: { idleMs: 60_000 } };
  const ground = await world({ script, options: slow });
  const { socket, received } = client(ground);
  socket.write(GET);
  await eventually("the body begins", () => received().includes("hello"));
  socket.destroy();
  await eventually("the upstream is left", () => openUpstream(ground) === 0);
  expect(ground.attempts.map(({ code }) => code)).toEqual(["client_closed_request"]);
  await ground.close();
});

it.concurrent("a client that leaves within its upload ends the exchange at once", async () => {
  const slow = { timeouts: { idleMs: 60_000 } };
  const ground = await world({ script: accept().readHead().hang(), options: slow });
  const { socket } = client(ground);
  socket.write("POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\nhello");
  await eventually("the request is there", () => heads(ground) === 1);
  socket.destroy();
  await eventually("the upstream is left", () => openUpstream(ground) === 0);
  expect(ground.attempts.map(({ code }) => code)).toEqual(["client_closed_request"]);
  await ground.close();
});

it.concurrent("a client that stops reading stops the upstream, and is cut in the end", async () => {
  const body = "x".repeat(30_000_000);
  const ground = await world({ script: accept().readHead().send(ok(body)).hang() });
  const { socket } = client(ground);
  socket.pause();
  socket.write(GET);
  await eventually("the exchange is over", () => ground.attempts.length === 1);
  expect(ground.attempts.map(({ code }) => code)).toEqual(["client_stalled"]);
  socket.resume();
  await ground.close();
});

it.concurrent("a client that closes its half after the request leaves nothing behind", async () => {
  const ground = await world({ script: accept().readHead().wait(30).send(nonced(WORKS)).hang() });
  const { socket, ended } = client(ground);
  socket.end(GET);
  await eventually("the connection is over", () => ended() !== "open");
  socket.destroy();
  await ground.close();
});

it.concurrent("pipelined requests get their own answers in their order", async () => {
  // Later ones are answered sooner, each on a connection of its own.
  const scripts = [60, 30, 0].map((ms) =>
    accept()
      .readHead()
      .wait(ms)
      .send(nonced(`${OK}content-length: 2\r\n\r\nok`))
      .hang(),
  );
  const ground = await world({ scripts });
  const { socket, received } = client(ground);
  const ask = (nonce: string): string =>
    `GET /x HTTP/1.1\r\nhost: edge.example\r\nx-nonce: ${nonce}\r\n\r\n`;
  socket.write(["one", "two", "three"].map(ask).join(""));
  const answers: (string | undefined)[] = [];
  await eventually("three answers are there", () => {
    answers.length = 0;
    let rest = received();
    for (;;) {
      const reading = readMessage(rest, { method: "GET", ended: false });
      if (reading.kind !== "whole") return answers.length === 3;
      answers.push(fieldOf(reading.message.fields, "x-nonce"));
      rest = reading.rest;
    }
  });
  expect(answers).toEqual(["one", "two", "three"]);
  socket.destroy();
  await ground.close();
});

it.concurrent("a connection goes on after failures, bodies of requests included", async () => {
  const ground = await world({ script: accept().readHead().close() });
  const { socket, received } = client(ground);
  const post = "POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhello";
  const failures = (): number => received().toString("latin1").split("HTTP/1.1 502").length - 1;
  for (let turn = 1; turn <= 3; turn += 1) {
    socket.write(post);
    await eventually("it is answered", () => failures() === turn);
  }
  expect(heads(ground)).toBe(3);
  socket.destroy();
  await ground.close();
});

it.concurrent("a client of HTTP/1.0 sees a broken body as a reset, not an end", async () => {
  const chunked = `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`;
  const ground = await world({ script: accept().readHead().send(chunked).wait(50).reset() });
  const { socket, received, ended } = client(ground);
  socket.write("GET /x HTTP/1.0\r\nhost: edge.example\r\n\r\n");
  await eventually("the connection is over", () => ended() !== "open");
  expect(ended()).toBe("reset");
  expect(received().toString("latin1")).not.toMatch(/content-length/i);
  socket.destroy();
  await ground.close();
});

it.concurrent("a client of HTTP/1.0 gets a whole body without chunks, then the end", async () => {
  const chunked = `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`;
  const ground = await world({ script: accept().readHead().send(chunked).hang() });
  const { socket, received, ended } = client(ground);
  socket.write("GET /x HTTP/1.0\r\nhost: edge.example\r\n\r\n");
  await eventually("the connection is over", () => ended() !== "open");
  expect(ended()).toBe("end");
  expect(received().toString("latin1")).toMatch(/\r\n\r\nhello$/);
  socket.destroy();
  await ground.close();
});

it.concurrent("an upgrade behind a request that is still answered waits for its turn", async () => {
  const switching =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
  const scripts = [
    accept().readHead().wait(60).send(`${OK}content-length: 5\r\n\r\nfirst`).hang(),
    accept().readHead().send(`${switching}from the tunnel`).hang(),
  ];
  const ground = await world({ scripts });
  const { socket, received } = client(ground);
  const upgrade = "GET /y HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
  socket.write(GET + upgrade);
  await eventually("the tunnel stands", () => received().includes("from the tunnel"));
  const text = received().toString("latin1");
  expect(text.indexOf("first")).toBeGreaterThan(-1);
  expect(text.indexOf("first")).toBeLessThan(text.indexOf("101 Switching"));
  socket.destroy();
  await ground.close();
});
