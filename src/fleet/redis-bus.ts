/**
 * `redisBus`: over publish and subscribe of Redis or Valkey, with a client of node-redis, ioredis
 * or iovalkey. It makes a second connection, since one that subscribes can do nothing else.
 *
 * All three subscribe again by themselves when their connection comes back.
 */
import type { FleetBus } from "./bus.js";

/** ioredis and iovalkey, as far as they are used. */
export interface IoRedisPublisher {
  publish(channel: string, text: string): Promise<unknown>;
  duplicate(): IoRedisSubscriber;
}

export interface IoRedisSubscriber {
  subscribe(channel: string): Promise<unknown>;
  on(event: "message", heard: (channel: string, text: string) => void): unknown;
  on(event: "error", heard: (error: Error) => void): unknown;
  disconnect(): unknown;
}

/** node-redis, as far as it is used. */
export interface NodeRedisPublisher {
  publish(channel: string, text: string): Promise<unknown>;
  duplicate(): NodeRedisSubscriber;
}

export interface NodeRedisSubscriber {
  connect(): Promise<unknown>;
  subscribe(channel: string, heard: (text: string) => void): Promise<unknown>;
  on(event: "error", heard: (error: Error) => void): unknown;
  destroy(): unknown;
}

export function redisBus(client: IoRedisPublisher | NodeRedisPublisher): FleetBus {
  const { publish, duplicate } = Object(client) as Partial<IoRedisPublisher>;
  if (typeof publish !== "function" || typeof duplicate !== "function") {
    throw new TypeError("redisBus: expected a client of redis, ioredis or iovalkey");
  }
  return {
    kind: "redis",
    send: (channel, text) => client.publish(channel, text),
    async listen(channel, heard) {
      const own = client.duplicate();
      // That it is away is told by what is sent, and it comes back by itself.
      own.on("error", ignore);
      if ("pSubscribe" in own) return listenNode(own as NodeRedisSubscriber, channel, heard);
      const io = own as IoRedisSubscriber;
      io.on("message", (on, text) => {
        if (on === channel) heard(text);
      });
      io.subscribe(channel).catch(ignore);
      return () => io.disconnect();
    },
  };
}

function listenNode(
  own: NodeRedisSubscriber,
  channel: string,
  heard: (text: string) => void,
): () => void {
  own
    .connect()
    .then(() => own.subscribe(channel, (text) => heard(text)))
    .catch(ignore);
  return () => void own.destroy();
}

function ignore(): void {}
