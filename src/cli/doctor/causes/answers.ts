/**
 * Causes of an accepted connection without a valid answer: another protocol, a crash, silence.
 * What the process did in that time distinguishes them, where it is on this machine.
 */

import { fault, inMiB, said } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { Facts } from "../facts/facts.js";
import type { ProcessFacts } from "../facts/local-facts.js";
import { bannerOf, spokenBy } from "./banners.js";
import { stuckProcess, waitingOf } from "./stuck.js";

export function answerCauses(facts: Facts): readonly Finding[] {
  const { first } = facts;
  if (first === null) return droppedAtOnce(facts);
  if (first.answer !== null) return bodyCauses(facts);
  // The causes of TLS report it.
  if (/CERTIFICATE_REQUIRED/.test(first.errno ?? "")) return [];
  const evidence = said(
    `GET ${facts.endpoint.path}: ` +
      `${first.errno ?? `no answer within ${facts.limits.responseMs} ms`}`,
    first.firstBytes !== "" && `first bytes: ${shown(first.firstBytes)}`,
  );
  switch (first.code) {
    case "http_response_timeout":
      return [silent(facts, evidence)];
    case "connection_terminated":
    case "connection_terminated_while_sending":
    case "stale_connection":
      return [closed(facts, evidence)];
    case "http_response_incomplete":
      return first.firstBytes === "" ? [closed(facts, evidence)] : [rubbish(facts, evidence)];
    case "http_response_header_section_size":
      return [headTooLarge(evidence)];
    default:
      return [rubbish(facts, evidence)];
  }
}

/** A connection came about, and the next one did not: it is thrown away as soon as it is made. */
function droppedAtOnce(facts: Facts): readonly Finding[] {
  const { dialled, endpoint, secured, pool } = facts;
  const accepted = dialled.some(({ step }) => step.result === "ok");
  if (!accepted || endpoint.protocol !== "http" || secured !== null || pool !== null) return [];
  return [closed(facts, ["the connection is accepted, and closed at once"])];
}

function shown(bytes: string): string {
  return JSON.stringify(bytes.slice(0, 60)).replace(/\\u00/g, "\\x");
}

/** The connection ended without a byte. */
function closed(facts: Facts, evidence: readonly string[]): Finding {
  const { otherProtocol, endpoint, local } = facts;
  if (otherProtocol === "tls") {
    return fault({
      cause: "http_to_tls_port",
      layer: "secure",
      code: "tls_protocol_error",
      blame: "proxy",
      title: `Port ${endpoint.port} speaks TLS, and http:// is asked of it.`,
      evidence: [...evidence, "a TLS handshake with the same port succeeded"],
      fix: `Write https://${endpoint.authority}, or the port of its plain listener.`,
    });
  }
  if (otherProtocol === "proxy_protocol") {
    return fault({
      cause: "proxy_protocol_expected",
      layer: "config",
      code: "connection_terminated",
      blame: "proxy",
      title: "The server wants a line of the PROXY protocol first, and the front sends none.",
      evidence: [...evidence, "with that line before it the same request was answered"],
      fix:
        "HAProxy: send-proxy on the server line. nginx cannot send it over HTTP: take " +
        "proxy_protocol away from the listen of the server.",
    });
  }
  const command = local?.process?.command ?? "";
  const spoken = spokenBy(command);
  if (spoken !== null) {
    return fault({
      cause: "another_protocol",
      layer: "head",
      code: "http_protocol_error",
      blame: "proxy",
      title: `Port ${endpoint.port} belongs to ${spoken}, which speaks no HTTP.`,
      evidence: [...evidence, `pid ${local?.process?.pid ?? "?"}: ${command}`],
      fix: "Correct the port in the proxy; this one belongs to another service.",
    });
  }
  const files = filesUsedUp(local?.processAfter ?? local?.process ?? null);
  if (files !== null) return { ...files, evidence: [...evidence, ...files.evidence] };
  if (/php-fpm/.test(command)) {
    return fault({
      cause: "http_to_fastcgi_port",
      layer: "head",
      code: "http_protocol_error",
      blame: "proxy",
      title: "PHP-FPM listens there, and it speaks FastCGI, not HTTP.",
      evidence: [...evidence, `pid ${local?.process?.pid ?? "?"}: ${command}`],
      fix: "fastcgi_pass in place of proxy_pass; to check it: good-gateway doctor fastcgi://…",
    });
  }
  const crash = crashed(facts);
  if (crash !== null) return crash(evidence);
  const held = [...evidence, `pid ${local?.process?.pid ?? "?"}: ${command}`];
  const known = closedByServer(facts, command, held) ?? workerEnded(facts, evidence);
  if (known !== null) return known;
  return fault({
    cause: "closes_without_answer",
    layer: "head",
    code: "connection_terminated",
    confidence: "possible",
    title: "The server accepts the request and closes without an answer.",
    evidence,
    fix:
      "Read the application's log at this second: a crash, a handler that destroys the socket. " +
      "Or the port speaks another protocol, such as AJP.",
  });
}

/** A worker is gone, and the process that began it lives on. */
function workerEnded({ local }: Facts, evidence: readonly string[]): Finding | null {
  const [before, after] = [local?.process ?? null, local?.processAfter ?? null];
  if (before === null || after === null || !sameProcess(before, after)) return null;
  const gone = (before.children ?? []).find((pid) => after.children?.includes(pid) === false);
  if (gone === undefined) return null;
  return fault({
    cause: "crashes_on_request",
    layer: "process",
    code: "connection_terminated",
    confidence: "likely",
    title: "A worker of the process ends when it gets this request.",
    evidence: [...evidence, `pid ${gone}, a worker of pid ${before.pid}, is gone after it`],
    fix: "The log of the application has the error, and that of its master the end of the worker.",
  });
}

/** Servers whose command says why they close. */
function closedByServer(
  { steps }: Facts,
  command: string,
  evidence: readonly string[],
): Finding | null {
  if (/\buwsgi\b/.test(command) && !/--?http/.test(command)) {
    return fault({
      cause: "http_to_uwsgi_port",
      layer: "head",
      code: "http_protocol_error",
      blame: "proxy",
      confidence: "likely",
      title: "uWSGI listens there, and at its socket it speaks uwsgi, not HTTP.",
      evidence,
      fix: "uwsgi_pass in place of proxy_pass, or http-socket in uWSGI.",
    });
  }
  const limit = workerTimeout(command);
  // What closes before its time is over has another cause.
  const waitedMs = steps.findLast(({ layer }) => layer === "head")?.durationMs ?? null;
  if (limit === null || (waitedMs !== null && waitedMs < limit * 1_000)) return null;
  return fault({
    cause: "worker_timeout",
    layer: "process",
    code: "connection_terminated",
    confidence: "possible",
    title: `gunicorn ends a worker that has not answered after ${limit} s, and closes.`,
    evidence,
    fix: "Its log says WORKER TIMEOUT. Make the request faster, or give it more time:",
    write: `--timeout ${limit * 2}`,
  });
}

/** Seconds after which gunicorn kills a worker, as its command says; null where it does not. */
function workerTimeout(command: string): number | null {
  const seconds = /\bgunicorn\b.*\s(?:-t|--timeout)[ =](\d+)/.exec(command)?.[1];
  return seconds === undefined || Number(seconds) === 0 ? null : Number(seconds);
}

/** Of that many files a process keeps a few for itself; Node's last one takes and closes. */
const FILES_SPARE = 2;

/** No file is left to accept a connection with. */
export function filesUsedUp(seen: ProcessFacts | null): Finding | null {
  if (seen === null || seen.openFiles === null || seen.openFilesMax === null) return null;
  if (seen.openFiles < seen.openFilesMax - FILES_SPARE) return null;
  return fault({
    cause: "files_used_up",
    layer: "process",
    code: "local_resources_exhausted",
    blame: "upstream",
    title:
      `Process ${seen.pid} has all of its ${seen.openFilesMax} files open: ` +
      "it cannot accept a connection.",
    evidence: [`${seen.command}: ${seen.openFiles} files open`],
    fix: "Raise LimitNOFILE (systemd) or ulimit -n, and look for what is never closed:",
    write: `ls -l /proc/${seen.pid}/fd | awk '{print $NF}' | sort | uniq -c | sort -n | tail`,
  });
}

/** The process is gone, or another one is there: it died of the request. */
export function crashed(facts: Facts): ((evidence: readonly string[]) => Finding) | null {
  const { local } = facts;
  if (local === null || local.process === null) return null;
  const { process: before, processAfter: after } = local;
  if (after !== null && sameProcess(before, after)) return null;
  const memory = local.kernelKills.at(-1) ?? null;
  const killed = memory !== null || (local.cgroup?.oomKills ?? 0) > 0;
  return (evidence) =>
    fault({
      cause: killed ? "killed_for_memory" : "crashes_on_request",
      layer: "process",
      code: "connection_terminated",
      confidence: killed ? "likely" : "certain",
      title: killed
        ? "The process was killed for memory while it served the request."
        : "The process ends when it gets this request.",
      evidence: said(
        ...evidence,
        after === null
          ? `pid ${before.pid} listened before the request, and no process listens now`
          : `pid ${before.pid} served before, pid ${after.pid} does now`,
        memory,
        local.cgroup?.memoryBytesMax != null &&
          `the cgroup may use ${inMiB(local.cgroup.memoryBytesMax)}`,
      ),
      fix: killed
        ? "Compare the memory limit with what this request needs."
        : "Its log has the error: an uncaught exception, or an unhandled rejection.",
    });
}

export function sameProcess(a: ProcessFacts, b: ProcessFacts): boolean {
  return a.pid === b.pid;
}

function silent(facts: Facts, evidence: readonly string[]): Finding {
  const { health, endpoint, limits } = facts;
  const waiting = waitingOf(facts);
  const common = { layer: "head", code: "http_response_timeout" } as const;
  const stuck = stuckProcess(facts, common.code, evidence);
  if (stuck !== null) return stuck;
  if (facts.first !== null && facts.first.firstBytes !== "") {
    return fault({
      ...common,
      cause: "head_stops",
      title: `The answer begins, and its head was not complete after ${limits.responseMs} ms.`,
      evidence,
      fix:
        "A head is written at once: look for what writes its lines one by one, or stops " +
        "in between.",
    });
  }
  if (health?.exchanged.answer != null) {
    return fault({
      ...common,
      cause: "route_is_slow",
      title: `${endpoint.path} does not answer, while ${health.path} does: it is this route.`,
      evidence: [...evidence, `${health.path}: ${health.exchanged.answer.status}`],
      fix: "Look at what this route waits for: a query, a lock, another service.",
    });
  }
  return fault({
    ...common,
    cause: waiting > 0 ? "does_not_accept" : "application_is_slow",
    confidence: "likely",
    title:
      waiting > 0
        ? "The application does not even accept its connections: it is stuck."
        : `The application took the request and did not answer within ${limits.responseMs} ms.`,
    evidence: said(...evidence, waiting > 0 && `${waiting} connections wait to be accepted`),
    fix:
      "Look at what it waits for: a database, a lock, a full pool, a handler that forgot " +
      "to answer.",
  });
}

/** As `nc` takes it. */
function placeOf({ socketPath, hostname, port }: Facts["endpoint"]): string {
  return socketPath === null ? `${hostname} ${port}` : `-U ${socketPath}`;
}

/** Bytes came, and they are not HTTP. */
function rubbish({ first, endpoint }: Facts, evidence: readonly string[]): Finding {
  const banner = bannerOf(first?.firstBytes ?? "");
  if (banner !== null) {
    return fault({
      cause: banner.cause,
      layer: banner.cause === "http_to_tls_port" ? "secure" : "head",
      code: "http_protocol_error",
      blame: "proxy",
      title: `Port ${endpoint.port} speaks ${banner.speaks}, not HTTP.`,
      evidence,
      fix: banner.fix,
    });
  }
  const begun = first?.firstBytes.startsWith("HTTP/") === true;
  const cut = first?.code === "http_response_incomplete";
  return fault({
    cause: cut ? "head_is_cut" : "head_is_invalid",
    layer: "head",
    code: cut ? "http_response_incomplete" : "http_protocol_error",
    title: cut
      ? "The connection ends inside the head of the answer."
      : begun
        ? "The head of the answer has a line that is not valid HTTP."
        : "What comes from this port is not an HTTP answer.",
    evidence,
    fix: cut
      ? "The process died while it answered, or closed the socket by itself: look at its log."
      : `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc ${placeOf(endpoint)} | xxd | head`,
  });
}

function headTooLarge(evidence: readonly string[]): Finding {
  return fault({
    cause: "head_too_large",
    layer: "head",
    code: "http_response_header_section_size",
    title: "The head of the answer is larger than clients accept.",
    evidence,
    fix: "Look for cookies or tokens that grow; curl -sI URL | wc -c measures it.",
  });
}

/** The head was good, and the body is not. */
function bodyCauses(facts: Facts): readonly Finding[] {
  const { first, endpoint, limits } = facts;
  if (first?.code == null || first.answer === null) return [];
  const { headers } = first.answer;
  const length = headers["content-length"];
  const evidence = said(
    `GET ${endpoint.path}: ${first.answer.status}, then ${first.errno ?? first.code}`,
    length !== undefined && `Content-Length ${length}, and ${first.bodyBytes} bytes came`,
  );
  if (first.code === "connection_read_timeout") {
    const stream = /event-stream/.test(headers["content-type"] ?? "");
    if (stream) return [];
    return [
      fault({
        cause: "body_stops",
        layer: "body",
        code: "connection_read_timeout",
        title: `The body stops: it was not complete after ${limits.bodyMs} ms.`,
        evidence,
        fix:
          length === undefined
            ? "The application does not end its answer (res.end), or waits for something."
            : "Content-Length is larger than what is sent: let the server compute it.",
      }),
    ];
  }
  const crash = crashed(facts);
  if (crash !== null) return [crash(evidence)];
  return [
    fault({
      cause: "body_is_cut",
      layer: "body",
      code: first.code,
      title: "The answer ends before it is complete.",
      evidence,
      fix:
        length === undefined
          ? "The process ended or destroyed the socket in the middle of the body: look at its log."
          : "Content-Length is larger than what is sent, or the process ended in the middle.",
    }),
  ];
}
