/**
 * Reads a configuration of any front. Which one it is, is decided by what runs with it, by its path
 * and by how it is written, and not by single words that several of them have.
 */
import { readFile } from "node:fs/promises";
import { apacheErrorLog, apacheNotAsked, apacheUpstreams, apacheUser } from "../config/apache.js";
import { readApache } from "../config/apache-lines.js";
import { type CaddyConfig, readCaddy } from "../config/caddy.js";
import { caddyJson, isCaddyJson } from "../config/caddy-json.js";
import type { FrontConfig, FrontKind, Problem } from "../config/front-config.js";
import { gatewayConfig } from "../config/gateway-config.js";
import { haproxyNotAsked, haproxyUpstreams } from "../config/haproxy.js";
import { backendsOf, readSections } from "../config/haproxy-lines.js";
import { haproxyChroot, haproxyUser } from "../config/haproxy-manner.js";
import { readLighttpd } from "../config/lighttpd.js";
import { readNginxPasses } from "../config/nginx.js";
import { nginxRoute } from "../config/nginx-route.js";
import {
  nginxErrorLog,
  nginxTemporary,
  nginxUser,
  notAskedOf,
  questionsOf,
  upstreamsOf,
} from "../config/nginx-upstreams.js";
import { readVcl } from "../config/vcl.js";
import { apacheRules } from "../rules/apache-rules.js";
import { haproxyRules } from "../rules/haproxy-rules.js";
import { nginxRules } from "../rules/nginx-rules.js";
import { readYamlConfig } from "./yaml-config.js";

/** Rejects with a message for people when the file cannot be read, or is of no known front. */
export async function readConfig(
  file: string,
  known: FrontKind | null = null,
): Promise<FrontConfig> {
  if (/\.[cm]?[jt]s$/.test(file)) return gatewayConfig(file);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new TypeError(`${file} cannot be read: ${error.code ?? error.message}`);
  });
  const yaml =
    YAML.test(file) && !isCaddyJson(text) ? await readYamlConfig(file, text, tryRead) : null;
  if (yaml !== null) return yaml;
  const front = known ?? frontOf(file, text);
  switch (front) {
    case "nginx":
      return ofNginx(file);
    case "haproxy":
      return ofHaproxy(file);
    case "apache":
      return ofApache(file);
    case "caddy": {
      const isJson = isCaddyJson(text);
      return ofCaddy(isJson ? caddyJson(file, text) : await readCaddy(file));
    }
    case "varnish":
      return { ...PLAIN, front: "varnish", ...(await readVcl(file)) };
    case "lighttpd":
      return { ...PLAIN, front: "lighttpd", ...(await readLighttpd(file)) };
    default:
      throw new TypeError(
        `${file} is of no front that is known here; known are nginx, Apache, HAProxy, Caddy, ` +
          "Varnish, lighttpd, docker compose, Traefik, Envoy, Kubernetes, cloudflared " +
          "and a module of good-gateway (gateway.config.mjs)",
      );
  }
}

const YAML = /\.(?:ya?ml|json)$/i;

/** A file that another names; null where it is of no front, or cannot be read. */
const tryRead = (file: string): Promise<FrontConfig | null> => readConfig(file).catch(() => null);

async function ofNginx(file: string): Promise<FrontConfig> {
  const { passes, directives, problems, emptyIncludes } = await readNginxPasses(file);
  const upstreams = passes.flatMap((pass) => upstreamsOf(pass));
  const empty = emptyIncludes.map(({ text, where }): Problem => {
    return { text: `include ${text}: no file fits`, where };
  });
  return {
    front: "nginx",
    async wayOf({ port, host, path }) {
      const route = await nginxRoute(passes, directives, { port, host, path });
      if (route === null) return null;
      const { pass, location: place } = route;
      if (pass === null) return { upstreams: [], questions: [], itself: true, place };
      const asked = { host, path: route.path, pathBefore: path };
      const ways = { upstreams: upstreamsOf(pass, asked), questions: questionsOf(pass) };
      return { ...ways, itself: false, place };
    },
    upstreams,
    questions: passes.flatMap(questionsOf),
    findings: nginxRules(passes, directives),
    // A folder of sites that is empty is usual, and of interest where nothing else was found.
    notLookedAt: [...passes.flatMap(notAskedOf), ...(upstreams.length === 0 ? empty : [])],
    problems,
    user: nginxUser(directives),
    chroot: null,
    errorLog: nginxErrorLog(directives),
    temporary: nginxTemporary(directives),
  };
}

async function ofHaproxy(file: string): Promise<FrontConfig> {
  const sections = await readSections(file);
  const backends = backendsOf(sections);
  return {
    front: "haproxy",
    upstreams: backends.flatMap((one) => haproxyUpstreams(one, sections)),
    findings: haproxyRules(sections),
    notLookedAt: backends.flatMap(haproxyNotAsked),
    problems: [],
    user: haproxyUser(sections),
    chroot: haproxyChroot(sections),
    errorLog: null,
  };
}

async function ofApache(file: string): Promise<FrontConfig> {
  const { lines, problems } = await readApache(file);
  return {
    front: "apache",
    upstreams: apacheUpstreams(lines),
    findings: apacheRules(lines),
    notLookedAt: apacheNotAsked(lines),
    problems,
    user: apacheUser(lines),
    chroot: null,
    errorLog: apacheErrorLog(lines),
  };
}

function ofCaddy(config: CaddyConfig): FrontConfig {
  return { ...PLAIN, front: "caddy", ...config };
}

/** Of a front whose file says nothing of them. */
const PLAIN = { findings: [], user: null, chroot: null, errorLog: null } as const;

const PATHS: readonly (readonly [FrontKind, RegExp])[] = [
  ["caddy", /(?:^|\/)caddyfile[^/]*$|\/caddy\/|\.caddyfile$/i],
  ["varnish", /\.vcl$/i],
  ["lighttpd", /\/lighttpd\/|(?:^|\/)lighttpd[^/]*\.conf$/i],
  ["haproxy", /\/haproxy\/|(?:^|\/)haproxy[^/]*\.(?:cfg|conf)$/i],
  ["nginx", /\/(?:nginx|openresty|angie)\/|(?:^|\/)(?:nginx|openresty)[^/]*\.conf$/i],
  ["apache", /\/(?:apache2|httpd)\/|(?:^|\/)(?:httpd|apache2?)[^/]*\.conf$/i],
];

/** What a text of each of them has in it; and how its lines are written decides. */
const WORDS: readonly (readonly [FrontKind, RegExp])[] = [
  ["nginx", /^\s*(?:\w+\s*\{\s*)*(?:\w+_pass|server_name|listen|upstream|location|http|server)\b/m],
  ["haproxy", /^\s*(?:backend|frontend|listen|defaults|global)\b/m],
  [
    "apache",
    /^\s*(?:<\w+|ProxyPass|BalancerMember|ServerRoot|LoadModule|Rewrite(?:Rule|Engine))\b/im,
  ],
  ["caddy", /\b(?:reverse_proxy|php_fastcgi|handle|respond)\b/],
];

/** Folders of the system, whose names are kept to. */
const SYSTEM = /^\/(?:etc|usr\/local|opt)\//;

/** By its path in the system, else as it is written, else by its name. */
export function frontOf(file: string, text: string): FrontKind | null {
  if (isCaddyJson(text)) return "caddy";
  const named = PATHS.find(([, path]) => path.test(file))?.[0] ?? null;
  if (named !== null && (SYSTEM.test(file) || named === "varnish")) return named;
  return writtenAs(text) ?? named;
}

/** nginx ends with semicolons, Apache has containers, HAProxy sections, and Caddy blocks. */
function writtenAs(text: string): FrontKind | null {
  const lines = text
    .split("\n")
    .map((line) => line.replace(/(?:^|\s)#.*$/, "").trim())
    .filter((line) => line !== "");
  const share = (sign: RegExp): number => lines.filter((line) => sign.test(line)).length;
  const has = (front: FrontKind): boolean =>
    WORDS.some(([one, sign]) => one === front && sign.test(text));
  if (share(/;\s*\}*$|;/) > 0 && share(/[{;]/) > lines.length / 3 && has("nginx")) return "nginx";
  if (share(/^<\/?\w/) > 0 && has("apache")) return "apache";
  if (/^\s*(?:\w+\.server\s*\+?=|server\.(?:modules|port|document-root)\b)/m.test(text)) {
    return "lighttpd";
  }
  const [first = ""] = lines;
  const section = /^(?:global|defaults|frontend|backend|listen)\b[^;{]*$/;
  if (section.test(first) || (share(section) > 0 && share(/[{}]$/) === 0)) return "haproxy";
  if (has("apache")) return "apache";
  if (share(/\{$/) > 0 && has("caddy")) return "caddy";
  return has("caddy") ? "caddy" : null;
}
