/**
 * All foreign dialects, in the order in which a text is compared with them: log messages first,
 * then separate words.
 */
import { APACHE } from "./apache.js";
import { APPLICATION_TEXTS } from "./application-servers.js";
import { CLIENTS } from "./clients.js";
import { AWS_ALB, AWS_TEXTS, CLOUDFLARE, GOOGLE_LB } from "./clouds.js";
import { EDGES } from "./edges.js";
import { ENVOY_FLAGS, ENVOY_TEXTS } from "./envoy.js";
import type { Dialect } from "./foreign-term.js";
import { CADDY, TRAEFIK } from "./go-proxies.js";
import { GRPC_LINES, GRPC_WORDS } from "./grpc.js";
import { HAPROXY, HAPROXY_LINES } from "./haproxy.js";
import { HOSTING } from "./hosting.js";
import { MOD_JK, TOMCAT } from "./java.js";
import { LANGUAGE_TEXTS } from "./languages.js";
import { EXIT_CODES, MANAGERS } from "./managers.js";
import { NGINX_LOG, NGINX_STATUSES } from "./nginx.js";
import { CLIENT_TEXTS, NODE_TEXTS } from "./node.js";
import { APPLICATION_SERVERS, ORCHESTRATORS } from "./orchestrators.js";
import { PHRASE_TEXTS } from "./phrases.js";
import { HEROKU_LINES, HEROKU_WORDS, PLATFORM_TEXTS } from "./platforms.js";
import { ROUTERS } from "./routers.js";
import { RUST_ELIXIR } from "./rust-elixir.js";
import { SQUID } from "./squid.js";
import { STARTUPS } from "./startups.js";
import { APPARMOR, SELINUX } from "./systems.js";
import { VARNISH } from "./varnish.js";

export const DIALECTS: readonly Dialect[] = [
  SELINUX,
  APPARMOR,
  NGINX_LOG,
  MOD_JK,
  APACHE,
  HAPROXY_LINES,
  SQUID,
  VARNISH,
  ENVOY_TEXTS,
  CADDY,
  TRAEFIK,
  GOOGLE_LB,
  AWS_TEXTS,
  HEROKU_LINES,
  ...EDGES,
  ...HOSTING,
  PLATFORM_TEXTS,
  ...ROUTERS,
  TOMCAT,
  ...CLIENTS,
  ...RUST_ELIXIR,
  ...STARTUPS,
  ...APPLICATION_TEXTS,
  ORCHESTRATORS,
  APPLICATION_SERVERS,
  MANAGERS,
  CLIENT_TEXTS,
  NODE_TEXTS,
  GRPC_LINES,
  LANGUAGE_TEXTS,
  PHRASE_TEXTS,
  NGINX_STATUSES,
  EXIT_CODES,
  CLOUDFLARE,
  AWS_ALB,
  HAPROXY,
  ENVOY_FLAGS,
  HEROKU_WORDS,
  GRPC_WORDS,
];
