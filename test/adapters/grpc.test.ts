/**
 * gRPC through the gateway: a client and a server of @grpc/grpc-js, HTTP/2 on both sides.
 */
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import {
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { createGateway } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const text = {
  requestSerialize: (value: string) => Buffer.from(value),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (value: string) => Buffer.from(value),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
};
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/own.Words/${name}`,
  requestStream,
  responseStream,
  ...text,
});
const SERVICE = {
  unary: method("unary", false, false),
  fails: method("fails", false, false),
  waits: method("waits", false, false),
  counts: method("counts", false, true),
  joins: method("joins", true, false),
  echoes: method("echoes", true, true),
};

let cancelled = (): void => {};
const whenCancelled = new Promise<void>((resolve) => {
  cancelled = resolve;
});

const unary: handleUnaryCall<string, string> = (call, answer) => {
  const trailers = new Metadata();
  trailers.set("x-after", "last");
  answer(null, `hello ${call.request}`, trailers);
};
const fails: handleUnaryCall<string, string> = (_call, answer) =>
  answer({ code: status.NOT_FOUND, details: "no such word" });
const waits: handleUnaryCall<string, string> = (call) => void call.on("cancelled", cancelled);
const counts: handleServerStreamingCall<string, string> = (call) => {
  for (let at = 1; at <= Number(call.request); at += 1) call.write(String(at));
  call.end();
};
const joins: handleClientStreamingCall<string, string> = (call, answer) => {
  const words: string[] = [];
  call.on("data", (word: string) => void words.push(word));
  call.on("end", () => answer(null, words.join(" ")));
};
const echoes: handleBidiStreamingCall<string, string> = (call) => {
  call.on("data", (word: string) => void call.write(word.toUpperCase()));
  call.on("end", () => call.end());
};

type Done = (error: ServiceError | null, answer?: string) => void;
interface Words {
  unary(word: string, done: Done): { on(event: "status", listener: OnStatus): void };
  fails(word: string, done: Done): void;
  waits(word: string, done: Done): { cancel(): void };
  counts(word: string): ClientReadableStream<string>;
  joins(done: Done): ClientWritableStream<string>;
  echoes(): ClientDuplexStream<string, string>;
  close(): void;
}
type OnStatus = (told: { readonly metadata: Metadata }) => void;

let client: Words;
const cleanUps: (() => void)[] = [];

beforeAll(async () => {
  const server = new Server();
  server.addService(SERVICE, { unary, fails, waits, counts, joins, echoes });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const app = { targets: `http://127.0.0.1:${port}`, allowH2: "h2c" } as const;
  const gateway = createGateway({ name: "edge", upstreams: { app } });
  const front = createServer(nodeProxy(gateway.upstream("app")));
  const sessions: ServerHttp2Session[] = [];
  front.on("session", (session) => void sessions.push(session));
  await new Promise<void>((resolve) => void front.listen(0, "127.0.0.1", resolve));
  const { port: own } = front.address() as AddressInfo;
  const Client = makeGenericClientConstructor(SERVICE, "Words");
  client = new Client(`127.0.0.1:${own}`, credentials.createInsecure()) as unknown as Words;
  cleanUps.push(() => {
    client.close();
    for (const session of sessions) session.destroy();
    front.close();
    gateway.close();
    server.forceShutdown();
  });
});

afterAll(() => {
  for (const cleanUp of cleanUps) cleanUp();
});

function answered(ask: (done: Done) => void): Promise<string | undefined> {
  return new Promise((resolve, reject) =>
    ask((error, answer) => (error === null ? resolve(answer) : reject(error))),
  );
}

async function wordsOf(stream: AsyncIterable<unknown>): Promise<string[]> {
  const words: string[] = [];
  for await (const word of stream) words.push(String(word));
  return words;
}

describe("gRPC passes", () => {
  it("a call and its answer, with the trailers behind it", async () => {
    const trailers = new Promise<Metadata>((resolve) => {
      client.unary("world", () => {}).on("status", ({ metadata }) => resolve(metadata));
    });
    expect(await answered((done) => client.unary("world", done))).toBe("hello world");
    expect((await trailers).get("x-after")).toEqual(["last"]);
  });

  it("a status without an answer, as it was sent", async () => {
    const failed = answered((done) => client.fails("word", done));
    await expect(failed).rejects.toMatchObject({
      code: status.NOT_FOUND,
      details: "no such word",
    });
  });

  it("a stream of answers", async () => {
    expect(await wordsOf(client.counts("500"))).toHaveLength(500);
  });

  it("a stream of requests", async () => {
    const answer = answered((done) => {
      const stream = client.joins(done);
      for (const word of ["one", "two", "three"]) stream.write(word);
      stream.end();
    });
    expect(await answer).toBe("one two three");
  });

  it("streams both ways at once, each answer before the next request", async () => {
    const stream = client.echoes();
    const answers: string[] = [];
    for (const word of ["one", "two", "three"]) {
      stream.write(word);
      answers.push(await new Promise((resolve) => void stream.once("data", resolve)));
    }
    stream.end();
    expect(answers).toEqual(["ONE", "TWO", "THREE"]);
    await new Promise((resolve) => void stream.once("end", resolve).resume());
  });

  it("a client that gives up", async () => {
    const given = answered((done) => {
      const call = client.waits("word", done);
      setTimeout(() => call.cancel(), 100);
    });
    await expect(given).rejects.toMatchObject({ code: status.CANCELLED });
    await whenCancelled;
  });
});
