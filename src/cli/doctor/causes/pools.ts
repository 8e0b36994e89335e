/**
 * Causes in a FastCGI pool (PHP-FPM): full, dead, or no FastCGI at all.
 * The ping proves life; the status page, where there is one, says how full it is.
 */

import { fault, said, warning } from "../../../gateway/diagnosis-finding.js";
import type { Finding } from "../../../gateway/diagnosis-report.js";
import type { Facts } from "../facts.js";

export function poolCauses({ pool, endpoint, local, otherProtocol }: Facts): readonly Finding[] {
  if (pool === null) return [];
  const { ping, status } = pool;
  const waiting = local?.unixSocket?.waiting ?? local?.onPort[0]?.waiting ?? 0;
  const evidence = said(
    `FastCGI ping: ${ping.detail}`,
    waiting > 0 && `${waiting} connections wait to be accepted`,
    status !== null &&
      `pool ${status.pool}: ${status.active} of ${status.total} active, queue ` +
        `${status.listenQueue}, ` +
        `max children reached ${status.maxChildrenReached} times`,
  );
  if (ping.code === "http_response_timeout") {
    return [
      fault({
        cause: "fpm_pool_full",
        layer: "head",
        code: "http_response_timeout",
        blame: "overload",
        confidence: waiting > 0 ? "certain" : "likely",
        title: "The pool takes connections and answers none: all of its workers are busy.",
        evidence,
        fix:
          "Find the slow scripts first (slowlog, request_slowlog_timeout), then " +
          "pm.max_children.",
      }),
    ];
  }
  if (ping.code === "http_protocol_error" || otherProtocol === "http") {
    return [
      fault({
        cause: "fastcgi_to_http_port",
        layer: "head",
        code: "http_protocol_error",
        blame: "proxy",
        title: `Port ${endpoint.port} speaks HTTP, and FastCGI is spoken to it.`,
        evidence,
        fix: "proxy_pass in place of fastcgi_pass.",
      }),
    ];
  }
  if (ping.code === "connection_terminated") {
    return [
      fault({
        cause: "fpm_worker_dies",
        layer: "process",
        code: "connection_terminated",
        confidence: "likely",
        title: "The pool closes without an answer: a worker died, or it speaks no FastCGI.",
        evidence,
        fix: "Its log has it: exited on signal 9 (memory), 11 (segfault), or execution timed out.",
      }),
    ];
  }
  if (status === null || (status.listenQueue === 0 && status.maxChildrenReached === 0)) return [];
  return [
    warning({
      cause: "fpm_pool_was_full",
      layer: "head",
      code: "unix_backlog_full",
      title: "The pool has reached pm.max_children; requests had to wait.",
      evidence,
      fix: "Find the slow scripts first (slowlog), then raise pm.max_children with the memory.",
    }),
  ];
}
