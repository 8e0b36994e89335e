/**
 * All foreign dialects, in the order in which a text is compared with them: sentences of logs
 * first, then the words that stand alone.
 */
import { APACHE } from "./apache.js";
import { AWS_ALB, AWS_TEXTS, CLOUDFLARE, GOOGLE_LB } from "./clouds.js";
import { ENVOY_FLAGS, ENVOY_TEXTS } from "./envoy.js";
import type { Dialect } from "./foreign-term.js";
import { HAPROXY } from "./haproxy.js";
import { MANAGERS } from "./managers.js";
import { NGINX_LOG, NGINX_STATUSES } from "./nginx.js";
import { CLIENT_TEXTS, NODE_TEXTS } from "./node.js";

export const DIALECTS: readonly Dialect[] = [
  NGINX_LOG,
  APACHE,
  ENVOY_TEXTS,
  GOOGLE_LB,
  AWS_TEXTS,
  MANAGERS,
  CLIENT_TEXTS,
  NODE_TEXTS,
  NGINX_STATUSES,
  CLOUDFLARE,
  AWS_ALB,
  HAPROXY,
  ENVOY_FLAGS,
];
