/**
 * The configuration of a front proxy, as far as it speaks of upstreams: where each is asked, with
 * which settings, and in which line that stands. Every reader of a format makes these.
 */
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { EndpointTls } from "../world/endpoint.js";

export interface Where {
  readonly file: string;
  readonly line: number;
}

/** Something in a configuration, in words, and where it stands. */
export interface Problem {
  readonly text: string;
  readonly where: Where;
  /** How it can be asked by hand, where it cannot be asked from here. */
  readonly ask?: string;
}

export type FrontKind =
  | ("nginx" | "apache" | "haproxy" | "caddy" | "varnish" | "lighttpd" | "good-gateway")
  | ("compose" | "traefik" | "envoy" | "kubernetes" | "cloudflared");

/** How one place of a configuration asks an upstream. */
export interface ConfiguredUpstream {
  /** An address that the doctor can look at. */
  readonly address: string;
  readonly where: Where;
  /** Where in the configuration, for people: `location /api of shop.example`. */
  readonly context: string;
  /** What the front does, in milliseconds and bytes; null where it has no such thing. */
  readonly settings: FrontTraits;
  /** Other servers that take its calls when it fails. */
  readonly siblings: number;
  readonly manner?: Manner;
  /** Who is asked for its name; not set where the system is. */
  readonly nameServers?: NameServers;
  /** It asks for the name again while it runs, and not at its start alone. */
  readonly asksAgain?: boolean;
}

/** Name servers that a front asks by itself, past /etc/hosts and /etc/resolv.conf. */
export interface NameServers {
  /** Each an address or a name, with or without a port. */
  readonly servers: readonly string[];
  readonly families: readonly (4 | 6)[];
  readonly where: Where;
}

/** A name that a front resolves for a request, with name servers of its own. */
export interface NameQuestion {
  readonly nameServers: NameServers;
  /** Null where it is known only with a request. */
  readonly host: string | null;
  readonly context: string;
  readonly manner: Manner;
}

/** How a front asks, where it is not how the address alone would be asked. */
export interface Manner {
  /** The value of Host. */
  readonly host?: string;
  /** Others that the application may have been made for: the names of the site. */
  readonly hosts?: readonly string[];
  /** The path that reaches the upstream for the start of this place. */
  readonly path?: string;
  /** The path as the client sent it, where the front changes it. */
  readonly pathBefore?: string;
  readonly tls?: FrontTls;
  readonly proxyProtocol?: boolean;
  /** The file that a FastCGI pool runs. */
  readonly script?: string;
  readonly check?: FrontHealthCheck;
  /** Where the front listens for it. */
  readonly ports?: readonly number[];
  /** TLS ends at this front. */
  readonly secure?: boolean;
  /** Informs the application that the client came over TLS. */
  readonly tellsProto?: boolean;
}

/** A request of the front's own, by which it decides who is alive. */
export interface FrontHealthCheck {
  readonly path: string;
  readonly host: string | null;
  /** Null for the port of the server. */
  readonly port: number | null;
  readonly expects: (status: number) => boolean;
  readonly where: Where;
}

export interface FrontTls {
  /** The name that is sent: null for the host, an empty one for none. */
  readonly servername: string | null;
  /** Each a file, or PEM itself. */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly checks: EndpointTls["checks"];
}

/** As whom the front runs; what that user may not open, it may not. */
export interface FrontUser {
  readonly user: string;
  readonly group: string | null;
}

export interface FrontTraits {
  /** How long the front keeps an idle connection to the upstream; null when it keeps none. */
  readonly poolIdleMs: number | null;
  /** It looks at an idle connection before it uses it again, so that the race is a narrow one. */
  readonly watchesIdle?: boolean;
  /** The longest wait for an answer. */
  readonly responseMs: number | null;
  /** The largest head of an answer. */
  readonly headBytes: number | null;
  /** WebSocket handshakes are passed on. */
  readonly upgrades: boolean;
  /** What to write for each of them, in the language of this front. */
  readonly write: {
    readonly keepAlive: string;
    readonly headBytes: string;
    readonly upgrades: string;
    readonly address: (address: string) => string;
  };
}

/** What a client asks a front for. */
export interface ClientRequest {
  readonly port: number;
  readonly host: string;
  /** Path and query. */
  readonly path: string;
}

/** What a front does with one request. */
export interface WayBehind {
  readonly upstreams: readonly ConfiguredUpstream[];
  readonly questions: readonly NameQuestion[];
  /** The front answers it by itself, without an upstream. */
  readonly itself: boolean;
  /** The place of the configuration that decides, for people. */
  readonly place: string;
}

/** A service of a compose file, as its containers are compared with it. */
export interface ComposeService {
  readonly name: string;
  readonly where: Where;
  /** Services whose address it asks for at its start alone. */
  readonly keeps: readonly string[];
}

export interface FrontConfig {
  readonly front: FrontKind;
  /** Of a compose file; not there for anything else. */
  readonly services?: readonly ComposeService[];
  /** The route of one request; null if unknown. Absent for fronts without routes. */
  readonly wayOf?: (request: ClientRequest) => Promise<WayBehind | null>;
  readonly upstreams: readonly ConfiguredUpstream[];
  /** Names that it asks for while it runs. */
  readonly questions?: readonly NameQuestion[];
  /** What is wrong in the text itself, whatever the upstreams do. */
  readonly findings: readonly Finding[];
  /** Places that cannot be probed, and why: what is not probed is not reported as well. */
  readonly notLookedAt: readonly Problem[];
  /** What the front itself does not start with. */
  readonly problems: readonly Problem[];
  /** Null when the configuration does not say. */
  readonly user: FrontUser | null;
  /** A folder that the front takes for the root; null for the usual one. */
  readonly chroot: string | null;
  /** Where the front writes what went wrong, as it is written; null when that is not known. */
  readonly errorLog: string | null;
  /** Folders where it keeps bodies that do not fit its memory, as they are written. */
  readonly temporary?: readonly string[];
}
