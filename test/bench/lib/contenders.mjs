/**
 * What is compared: one row per proxy process, the baseline first.
 *
 * A row names the script, what it is given beside the upstream's origin, and what its environment
 * adds; or the server that it is. An optional one runs only when it is asked for, and one that is
 * said `once` with the first workload only. To compare a further proxy is to add a row and its
 * script.
 */
import { serverVersion } from "./servers.mjs";

export const BASELINE = "bare-undici";
export const OURS = "good-gateway";

const GATEWAY = "proxies/good-gateway.mjs";
const peer = (name, label, versionOf) => ({
  name,
  label,
  script: "proxies/peers.mjs",
  args: [name],
  packages: true,
  versionOf,
});

export const CONTENDERS = [
  {
    name: BASELINE,
    label: "bare node:http + undici dispatch",
    script: "proxies/bare-undici.mjs",
  },
  {
    name: "bare-undici-no-fields",
    label: "the same, adding no fields",
    script: "proxies/bare-undici.mjs",
    args: ["no-fields"],
    once: true,
  },
  {
    name: "bare-http",
    label: "bare node:http + keep-alive agent, piped",
    script: "proxies/bare-http.mjs",
  },
  { name: OURS, label: "good-gateway nodeProxy, all policies", script: GATEWAY },
  {
    name: "bare-express",
    label: "bare undici dispatch, inside Express 5",
    script: "proxies/bare-undici.mjs",
    args: ["express"],
    once: true,
  },
  {
    name: "good-gateway-express",
    label: "good-gateway expressProxy, all policies",
    script: GATEWAY,
    args: ["express"],
  },
  {
    name: "bare-fastify",
    label: "bare undici dispatch, inside Fastify 5",
    script: "proxies/bare-undici.mjs",
    args: ["fastify"],
    once: true,
  },
  {
    name: "good-gateway-fastify",
    label: "good-gateway fastifyProxy, all policies",
    script: GATEWAY,
    args: ["fastify"],
  },
  {
    name: "metrics",
    label: "nodeProxy with metrics",
    script: GATEWAY,
    args: ["metrics"],
    optional: true,
  },
  {
    name: "log",
    label: "nodeProxy with an access log",
    script: GATEWAY,
    args: ["log"],
    optional: true,
  },
  {
    name: "dashboard",
    label: "nodeProxy with the dashboard",
    script: GATEWAY,
    args: ["dashboard"],
    optional: true,
  },
  {
    name: "listening",
    label: "nodeProxy with metrics, log and dashboard",
    script: GATEWAY,
    args: ["metrics", "log", "dashboard"],
    optional: true,
  },
  {
    name: "everything",
    label: "nodeProxy with metrics, log, dashboard and subscribers of channels",
    script: GATEWAY,
    args: ["metrics", "log", "dashboard", "channels"],
    optional: true,
  },
  peer("fast-proxy", "fast-proxy, undici", "fast-proxy"),
  peer("httpxy", "httpxy", "httpxy"),
  peer("http-proxy-3", "http-proxy-3", "http-proxy-3"),
  peer("fastify-http-proxy", "@fastify/http-proxy", "@fastify/http-proxy"),
  peer("express-http-proxy", "express-http-proxy", "express-http-proxy"),
  peer("hpm4", "http-proxy-middleware 4", "http-proxy-middleware-4"),
  peer("hpm3-keep-alive", "http-proxy-middleware 3, keep-alive agent", "http-proxy-middleware-3"),
  {
    ...peer("hpm3", "http-proxy-middleware 3, as it comes", "http-proxy-middleware-3"),
    once: true,
  },
  { name: "nginx", label: "nginx", server: "nginx" },
  { name: "haproxy", label: "HAProxy", server: "haproxy" },
];

/** The rows of these names, and one more good-gateway for each further build. */
export function chooseContenders(names, builds) {
  const unknown = names.filter((name) => !CONTENDERS.some((row) => row.name === name));
  if (unknown.length > 0) {
    const known = CONTENDERS.map((row) => row.name).join(", ");
    throw new Error(`--proxies: "${unknown[0]}" is none of ${known}`);
  }
  const chosen = CONTENDERS.filter((row) =>
    names.length === 0 ? row.optional !== true && isThere(row) : names.includes(row.name),
  );
  const further = builds.map(({ name, dist }) => ({
    name,
    label: `good-gateway of build ${name}`,
    script: GATEWAY,
    env: { GOOD_GATEWAY_DIST: dist },
  }));
  return [...chosen, ...further];
}

function isThere({ server }) {
  return server === undefined || serverVersion(server) !== null;
}
