/**
 * `fastifyHealth`: the answers of `healthHandler` as routes of Fastify 5.
 *
 * The answer bypasses Fastify's reply, so that nothing compresses it, adds an ETag or delays it;
 * hooks that run before a handler do run, and the fields that they set are sent.
 */
import type { FastifyInstance, FastifyPluginAsync } from "fastify";
import type { Gateway } from "../gateway/gateway-handle.js";
import type { HealthView } from "../lifecycle/health/health-answer.js";
import { type HealthHandlerOptions, readHealthPaths } from "../lifecycle/health/health-paths.js";
import { takeOver } from "./fastify-take-over.js";
import { probeAnswerer } from "./health.js";

/** Options of the plugin: the gateway, and those of `healthHandler`. */
export interface FastifyHealthOptions extends HealthHandlerOptions {
  /** What `createGateway` returned. */
  readonly gateway: Gateway;
}

/** Registers a route for each path, below the prefix of the registration. */
export const fastifyHealth: FastifyPluginAsync<FastifyHealthOptions> = async (
  instance: FastifyInstance,
  options: FastifyHealthOptions,
) => {
  const { gateway, ...others } = options;
  const {
    prefix: _prefix,
    logLevel: _logLevel,
    logSerializers: _logSerializers,
    ...own
  } = others as HealthHandlerOptions & Readonly<Record<string, unknown>>;
  const paths = readHealthPaths(own);
  const answer = probeAnswerer(gateway, paths);
  // An unexpected body does not change the 405.
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser("*", (_request, _payload, done) => done(null));
  for (const url of paths.paths) {
    const view = paths.viewOf(url) as HealthView;
    instance.route({
      method: instance.supportedMethods,
      url,
      handler: (request, reply) => {
        takeOver(reply);
        answer(request.raw, reply.raw, view);
      },
    });
  }
};
