/**
 * Caddy's configuration in JSON, as its administration interface shows it: every handler of the
 * kind `reverse_proxy` with its upstreams, wherever it stands.
 */
import { addressOf, CADDY_SETTINGS, type CaddyConfig } from "./caddy.js";
import type { ConfiguredUpstream, Manner, Problem } from "./front-config.js";

type CaddyJson = Readonly<Record<string, unknown>>;

/** Whether a text is a configuration of Caddy in JSON. */
export function isCaddyJson(text: string): boolean {
  const apps = parsed(text)?.["apps"];
  return typeof apps === "object" && apps !== null;
}

function parsed(text: string): CaddyJson | null {
  if (!/^\s*\{/.test(text)) return null;
  try {
    return JSON.parse(text) as CaddyJson;
  } catch {
    return null;
  }
}

export function caddyJson(file: string, text: string): CaddyConfig {
  const upstreams: ConfiguredUpstream[] = [];
  const notLookedAt: Problem[] = [];
  const where = { file, line: 1 };
  for (const { handler, manner } of handlersIn(parsed(text), {})) {
    const { protocol } = (handler["transport"] ?? {}) as CaddyJson;
    const tls = ((handler["transport"] ?? {}) as CaddyJson)["tls"] !== undefined;
    const listed = (handler["upstreams"] ?? []) as readonly CaddyJson[];
    if (handler["dynamic_upstreams"] !== undefined) {
      notLookedAt.push({ text: "reverse_proxy with dynamic_upstreams", where });
    }
    for (const { dial } of listed) {
      const place = String(dial ?? "");
      if (place === "" || place.includes("{")) {
        notLookedAt.push({ text: `reverse_proxy ${place}`, where });
        continue;
      }
      const address = addressOf(place, protocol === "fastcgi");
      upstreams.push({
        address: tls ? address.replace(/^http:/, "https:") : address,
        where,
        context: `reverse_proxy of ${(manner.hosts ?? []).join(" ") || "the site"}`,
        settings: CADDY_SETTINGS,
        siblings: listed.length - 1,
        manner,
      });
    }
  }
  return { upstreams, notLookedAt, problems: [] };
}

interface Found {
  readonly handler: CaddyJson;
  readonly manner: Manner;
}

/** A tree of any depth; nothing in it points upwards. */
function handlersIn(value: unknown, manner: Manner): readonly Found[] {
  if (Array.isArray(value)) return value.flatMap((one) => handlersIn(one, manner));
  if (typeof value !== "object" || value === null) return [];
  const node = value as CaddyJson;
  if (node["handler"] === "reverse_proxy") return [{ handler: node, manner }];
  const inner = { ...manner, ...portsOf(node), ...matchOf(node) };
  return Object.values(node).flatMap((one) => handlersIn(one, inner));
}

function portsOf({ listen }: CaddyJson): Manner {
  if (!Array.isArray(listen)) return {};
  return { ports: listen.map((place) => Number(/:(\d+)$/.exec(String(place))?.[1] ?? 0)) };
}

function matchOf({ match }: CaddyJson): Manner {
  const [first] = Array.isArray(match) ? (match as readonly CaddyJson[]) : [];
  const hosts = first?.["host"] as readonly string[] | undefined;
  const path = (first?.["path"] as readonly string[] | undefined)?.[0]?.replace(/\*$/, "");
  return { ...(hosts === undefined ? {} : { hosts }), ...(path === undefined ? {} : { path }) };
}
