/**
 * What is compared: one row per proxy process, the baseline first.
 *
 * A row names the script, what it is given beside the upstream's origin, and what its environment
 * adds; an optional one runs only when it is asked for. To compare a further proxy is to add a row
 * and its script.
 */
export const BASELINE = "bare-undici";

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
  },
  {
    name: "good-gateway",
    label: "good-gateway nodeProxy, all policies",
    script: "proxies/good-gateway.mjs",
  },
  {
    name: "metrics",
    label: "the same with metrics",
    script: "proxies/good-gateway.mjs",
    args: ["metrics"],
    optional: true,
  },
  {
    name: "log",
    label: "the same with an access log",
    script: "proxies/good-gateway.mjs",
    args: ["log"],
    optional: true,
  },
  {
    name: "dashboard",
    label: "the same with the dashboard",
    script: "proxies/good-gateway.mjs",
    args: ["dashboard"],
    optional: true,
  },
  {
    name: "everything",
    label: "the same with metrics, log, dashboard and subscribers of channels",
    script: "proxies/good-gateway.mjs",
    args: ["metrics", "log", "dashboard", "channels"],
    optional: true,
  },
  {
    name: "bare-http",
    label: "bare node:http + keep-alive agent",
    script: "proxies/bare-http.mjs",
  },
  {
    name: "hpm3-keep-alive",
    label: "http-proxy-middleware 3, keep-alive agent",
    script: "proxies/http-proxy-middleware.mjs",
    args: ["keep-alive"],
    packages: true,
  },
  {
    name: "hpm3",
    label: "http-proxy-middleware 3, as it comes",
    script: "proxies/http-proxy-middleware.mjs",
    args: ["as-it-comes"],
    packages: true,
  },
];

/** The rows of these names, and one more good-gateway for each further build. */
export function chooseContenders(names, builds) {
  const unknown = names.filter((name) => !CONTENDERS.some((row) => row.name === name));
  if (unknown.length > 0) {
    const known = CONTENDERS.map((row) => row.name).join(", ");
    throw new Error(`--proxies: "${unknown[0]}" is none of ${known}`);
  }
  const chosen = CONTENDERS.filter((row) =>
    names.length === 0 ? row.optional !== true : names.includes(row.name),
  );
  const further = builds.map(({ name, dist }) => ({
    name,
    label: `good-gateway of build ${name}`,
    script: "proxies/good-gateway.mjs",
    env: { GOOD_GATEWAY_DIST: dist },
  }));
  return [...chosen, ...further];
}
