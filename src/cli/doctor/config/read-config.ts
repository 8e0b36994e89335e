/**
 * Reads a configuration of any front: which one it is, is seen by its name and by what stands in
 * it.
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { apacheRules } from "../rules/apache-rules.js";
import { haproxyRules } from "../rules/haproxy-rules.js";
import { nginxRules } from "../rules/nginx-rules.js";
import { apacheErrorLog, apacheUpstreams, apacheUser } from "./apache.js";
import { readApache } from "./apache-lines.js";
import { caddyUpstreams } from "./caddy.js";
import type { Front, FrontConfig } from "./front-config.js";
import { gatewayConfig } from "./gateway-config.js";
import { haproxyUpstreams } from "./haproxy.js";
import { backendsOf, readSections } from "./haproxy-lines.js";
import { haproxyChroot, haproxyUser } from "./haproxy-manner.js";
import { readNginxPasses } from "./nginx.js";
import { nginxErrorLog, nginxUser, questionsOf, upstreamsOf } from "./nginx-upstreams.js";

/** Whether an argument is a file and no address. */
export function isConfigPath(text: string): boolean {
  return !/^[a-z]+:/i.test(text) && /[./]/.test(text) && !/^[\w.-]+:\d+/.test(text);
}

/** Rejects with a message for people when the file cannot be read, or is of no known front. */
export async function readConfig(file: string): Promise<FrontConfig> {
  if (/\.[cm]?[jt]s$/.test(file)) return gatewayConfig(file);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new TypeError(`${file} cannot be read: ${error.code ?? error.message}`);
  });
  const front = frontOf(file, text);
  switch (front) {
    case "nginx": {
      const { passes, directives } = await readNginxPasses(file);
      return {
        front,
        upstreams: passes.flatMap(upstreamsOf),
        questions: passes.flatMap(questionsOf),
        findings: nginxRules(passes, directives),
        user: nginxUser(directives),
        chroot: null,
        errorLog: nginxErrorLog(directives),
      };
    }
    case "haproxy": {
      const sections = await readSections(file);
      const upstreams = backendsOf(sections).flatMap((one) => haproxyUpstreams(one, sections));
      const user = haproxyUser(sections);
      const chroot = haproxyChroot(sections);
      return { front, upstreams, findings: haproxyRules(sections), user, chroot, errorLog: null };
    }
    case "apache": {
      const lines = await readApache(file);
      return {
        front,
        upstreams: apacheUpstreams(lines),
        findings: apacheRules(lines),
        user: apacheUser(lines),
        chroot: null,
        errorLog: apacheErrorLog(lines),
      };
    }
    case "caddy":
      return { front, upstreams: await caddyUpstreams(file), findings: [], ...UNKNOWN };
    default:
      throw new TypeError(
        `${file} is of no front that is known here; known are nginx, Apache, HAProxy, Caddy and ` +
          "a module of good-gateway (gateway.config.mjs)",
      );
  }
}

const UNKNOWN = { user: null, chroot: null, errorLog: null } as const;

const SIGNS: readonly (readonly [Front, RegExp])[] = [
  ["haproxy", /^\s*(?:backend|frontend|listen)\s+\S+|^\s*defaults\b\s*$/m],
  ["nginx", /\b(?:proxy_pass|fastcgi_pass|grpc_pass|server_name|upstream\s+\S+\s*\{|http\s*\{)/],
  ["apache", /^\s*(?:ProxyPass|<VirtualHost|BalancerMember|ServerRoot|LoadModule|SetHandler)\b/im],
  ["apache", /^\s*Rewrite(?:Rule|Engine)\b/im],
  ["caddy", /\b(?:reverse_proxy|php_fastcgi)\b/],
];

function frontOf(file: string, text: string): Front | null {
  if (/^caddyfile/i.test(basename(file))) return "caddy";
  return SIGNS.find(([, sign]) => sign.test(text))?.[0] ?? null;
}
