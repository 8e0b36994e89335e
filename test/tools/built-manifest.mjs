/**
 * Writes the package.json of a project that tests the packed package: `node built-manifest.mjs
 * <tarball>`, in a folder that holds a copy of ours.
 *
 * The project depends on the tarball and on what the tests themselves import. The dependencies of
 * the package are chosen by npm, which takes the newest that the ranges allow.
 */
import { readFileSync, writeFileSync } from "node:fs";

const TEST_PACKAGES = [
  "@fastify/compress",
  "@fastify/cookie",
  "@fastify/cors",
  "@fastify/etag",
  "@fastify/session",
  "@grpc/grpc-js",
  "@hono/node-server",
  "@opentelemetry/api",
  "@opentelemetry/context-async-hooks",
  "@opentelemetry/core",
  "@opentelemetry/sdk-metrics",
  "@opentelemetry/sdk-trace-base",
  "@prometheus-io/client",
  "compression",
  "express",
  "express4",
  "fast-check",
  "fastify",
  "formdata-node",
  "h3",
  "hono",
  "http-proxy-middleware",
  "http-proxy-middleware4",
  "koa",
  "koa2",
  "msw",
  "nock",
  "pino",
  "prom-client",
  "tsx",
  "vitest",
  "ws",
];
/** Beside the version that the repository has: what runs on a newer Node only. */
const NEWER = { undici8: "npm:undici@^8.12.4" };

const { dependencies: own, devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const dependencies = Object.fromEntries(TEST_PACKAGES.map((name) => [name, devDependencies[name]]));
const manifest = {
  name: "good-gateway-built-tests",
  private: true,
  type: "module",
  dependencies: {
    ...dependencies,
    undici: own.undici,
    ...NEWER,
    "good-gateway": `file:${process.argv[2]}`,
  },
};
writeFileSync("package.json", `${JSON.stringify(manifest, null, 2)}\n`);
