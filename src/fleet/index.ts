/**
 * `good-gateway/fleet`: gateways that know of each other, over a bus between the workers of a
 * machine or between machines.
 */
export { type FleetBus, memoryBus } from "./bus.js";
export { clusterBus } from "./cluster-bus.js";
export { type FleetOptions, fleet } from "./fleet.js";
export {
  type IoRedisPublisher,
  type IoRedisSubscriber,
  type NodeRedisPublisher,
  type NodeRedisSubscriber,
  redisBus,
} from "./redis-bus.js";
