/**
 * What a configuration of good-gateway says: a module whose default export, or `options`, is what
 * `createGateway` takes. It is read and checked as createGateway does it, and nothing is started.
 */
import { pathToFileURL } from "node:url";
import { note, warning } from "../../../diagnosis/diagnosis-finding.js";
import { normaliseGateway } from "../../../options/normalise.js";
import type { GatewayOptions } from "../../../options/options.js";
import type { TargetTls } from "../../../targets/target.js";
import type { FrontConfig, FrontTls } from "./front-config.js";

/** What our own pools do: they stay below what the upstream announces. */
const HEAD_BYTES = 32_768;

export async function gatewayConfig(file: string): Promise<FrontConfig> {
  const loaded = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const options = (loaded["default"] ?? loaded["options"]) as GatewayOptions | undefined;
  const where = { file, line: 1 };
  if (options === undefined) {
    throw new TypeError(`${file} has no default export: export default { upstreams: … }`);
  }
  const { upstreams, warnings } = normaliseGateway(options);
  const findings = warnings.map((title) =>
    warning({
      cause: "option",
      layer: "config",
      title,
      evidence: [],
      fix: "See docs/options.md.",
      where,
    }),
  );
  const lonely = Object.values(upstreams).filter(({ targets }) => targets.length === 1);
  return {
    front: "good-gateway",
    user: null,
    chroot: null,
    errorLog: null,
    notLookedAt: [],
    problems: [],
    findings: [
      ...findings,
      ...lonely.map(({ name }) =>
        note({
          cause: "single_target",
          layer: "config",
          title: `"${name}" has a single target: a restart of it is an outage.`,
          evidence: [],
          fix: "Add a second entry to targets.",
          where,
        }),
      ),
    ],
    upstreams: Object.values(upstreams).flatMap(({ name, targets, timeouts }) =>
      targets.map((target) => ({
        address: target.socketPath === null ? `${target.id}` : `unix:${target.socketPath}`,
        where,
        context: `upstream ${name}`,
        settings: {
          poolIdleMs: null,
          responseMs: timeouts.responseMs,
          headBytes: HEAD_BYTES,
          upgrades: true,
          write: {
            keepAlive: "",
            headBytes: "",
            upgrades: "",
            address: (address: string) => `targets: ["${address}"]`,
          },
        },
        siblings: targets.length - 1,
        ...(target.tls === null ? {} : { manner: { tls: tlsOf(target.tls) } }),
      })),
    ),
  };
}

/** Options of a target that are text; others are of no use to a diagnosis. */
function tlsOf({ ca, cert, key, servername, rejectUnauthorized = true }: TargetTls): FrontTls {
  const pem = (value: unknown): string | null =>
    typeof value === "string" || Buffer.isBuffer(value) ? value.toString() : null;
  return {
    servername: servername ?? null,
    ca: pem(ca),
    cert: pem(cert),
    key: pem(key),
    checks: { chain: rejectUnauthorized, expiry: rejectUnauthorized, name: rejectUnauthorized },
  };
}
