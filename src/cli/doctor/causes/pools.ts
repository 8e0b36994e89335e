/**
 * Causes in a FastCGI pool (PHP-FPM): full, dead, or no FastCGI at all.
 * The ping proves life; the status page, where there is one, says how full it is.
 */

import { fault, said, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { Facts } from "../facts/facts.js";
import type { PoolAsked } from "../fastcgi/ask.js";

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
  if (ping.code === "connection_terminated") {
    const overNetwork =
      endpoint.socketPath === null && /php-fpm/.test(local?.process?.command ?? "");
    return [overNetwork ? notAllowed(evidence) : workerDies(evidence)];
  }
  const ran = pool.ran === null ? null : scriptCause(pool.ran, endpoint.script ?? "", evidence);
  if (ran !== null) return [ran];
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

/** PHP-FPM takes the connection of a client that is not allowed, and closes it without a word. */
function notAllowed(evidence: readonly string[]): Finding {
  return fault({
    cause: "fpm_client_not_allowed",
    layer: "connect",
    code: "connection_terminated",
    blame: "upstream",
    confidence: "likely",
    title:
      "The pool closes without a word: this address is not among its " + "listen.allowed_clients.",
    evidence: [...evidence, "its log says: Connection disallowed: IP address … has been dropped"],
    fix: "Add the address of the front to the pool, and reload it:",
    write: "listen.allowed_clients = 127.0.0.1",
  });
}

function workerDies(evidence: readonly string[]): Finding {
  return fault({
    cause: "fpm_worker_dies",
    layer: "process",
    code: "connection_terminated",
    confidence: "likely",
    title: "The pool closes without an answer: a worker died, or it speaks no FastCGI.",
    evidence,
    fix: "Its log has it: exited on signal 9 (memory), 11 (segfault), or execution timed out.",
  });
}

const ERROR_STATUS = 500;

/** What came of the script that the front has it run; null when all is well. */
function scriptCause(ran: PoolAsked, script: string, before: readonly string[]): Finding | null {
  const { answer, code } = ran;
  const words = `${answer?.stderr ?? ""}\n${answer?.stdout ?? ""}`;
  const evidence = said(
    ...before,
    `SCRIPT_FILENAME ${script}: ${ran.detail}`,
    answer?.stderr.trim(),
  );
  if (code === "http_response_timeout") {
    return fault({
      cause: "script_is_slow",
      layer: "head",
      code: "http_response_timeout",
      title: `${script} does not answer in time, while the pool itself does.`,
      evidence,
      fix: "The slow log of the pool has the line of the script:",
      write: "request_slowlog_timeout = 3s\nslowlog = /var/log/php-fpm-slow.log",
    });
  }
  if (code === "connection_terminated") {
    return fault({
      cause: "script_is_terminated",
      layer: "process",
      code: "connection_terminated",
      confidence: "likely",
      title:
        `The worker ends while it runs ${script}: request_terminate_timeout, memory, or a ` +
        "crash.",
      evidence,
      fix: "Its log has the reason: execution timed out, exited on signal 9 or 11. Compare:",
      write:
        "request_terminate_timeout = 60s  # below fastcgi_read_timeout, above the slowest script",
    });
  }
  return (
    limitedScript(words, script, evidence) ??
    refusedScript(words, script, evidence) ??
    failedScript(words, script, evidence)
  );
}

/** Limits of PHP itself end a script in its middle. */
export function limitedScript(
  words: string,
  script: string,
  evidence: readonly string[],
): Finding | null {
  const memory = /Allowed memory size of (\d+) bytes exhausted/.exec(words)?.[1];
  const time = /Maximum execution time of (\d+) seconds? exceeded/.exec(words)?.[1];
  if (memory === undefined && time === undefined) return null;
  const limit = memory === undefined ? `max_execution_time (${time} s)` : "memory_limit";
  return fault({
    cause: memory === undefined ? "script_over_time" : "script_over_memory",
    layer: "process",
    code: "received_server_error",
    blame: "upstream",
    title: `PHP ends ${script}: it needs more than ${limit} allows.`,
    evidence,
    fix: "Find what it loads or waits for; only then raise the limit in php.ini or the pool:",
    write:
      memory === undefined
        ? "php_admin_value[max_execution_time] = 60"
        : "php_admin_value[memory_limit] = 256M",
  });
}

function refusedScript(words: string, script: string, evidence: readonly string[]): Finding | null {
  if (/security\.limit_extensions/.test(words)) {
    return fault({
      cause: "script_extension_refused",
      layer: "config",
      code: "proxy_configuration_error",
      blame: "upstream",
      title: `The pool does not run ${script}: its extension is not in security.limit_extensions.`,
      evidence,
      fix: "Name the extension in the pool, or correct SCRIPT_FILENAME:",
      write: "security.limit_extensions = .php",
    });
  }
  if (!/Primary script unknown|Unable to open primary script|File not found\./.test(words))
    return null;
  const closed = /Permission denied|Unable to open/.test(words);
  return fault({
    cause: closed ? "script_not_readable" : "script_not_found",
    layer: "config",
    code: "proxy_configuration_error",
    blame: "proxy",
    title: `The pool finds no file ${script}, or may not read it: it answers 404 File not found.`,
    evidence,
    fix:
      "Compare root with where the files are (and the chroot of the pool), and who may " +
      "read them:",
    write: `namei -l ${script}`,
  });
}

function failedScript(words: string, script: string, evidence: readonly string[]): Finding | null {
  const status = Number(/^Status: (\d{3})/m.exec(words)?.[1] ?? 0);
  if (status < ERROR_STATUS) return null;
  return fault({
    cause: "application_answers_error",
    layer: "head",
    code: "received_server_error",
    title: `The script ${script} itself answers ${status}.`,
    evidence,
    fix: "The error log of PHP has the line: error_log in php.ini, or php_admin_value[error_log].",
  });
}
