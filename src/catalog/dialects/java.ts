/**
 * Messages of Tomcat and of Apache's mod_jk, which use AJP: the log of the module, and
 * catalina.out.
 */
import type { Dialect } from "./foreign-term.js";

/** Apache Tomcat Connectors 1.2.50. */
export const MOD_JK: Dialect = {
  speaker: "mod_jk",
  spoken: "in_lines",
  terms: [
    {
      term: "jk_open_socket … failed (errno=111)",
      match: /jk_(?:open_socket|ajp_common).*errno=(?:111|61)|connect to \S+ failed \(errno=111\)/i,
      meaning:
        "Nothing listens where Tomcat's AJP connector should: it is down, or on another port.",
      failures: ["connection_refused"],
      causes: [
        "Tomcat does not run, or its AJP connector is commented out in server.xml (as installed).",
        "The connector listens on ::1 or 127.0.0.1 only, which is the default since 9.0.31.",
      ],
      remedies: ["ss -ltnp | grep 8009, and address= and secret= of the Connector in server.xml"],
    },
    {
      term: "connect to … failed (errno=110, errno=113)",
      match: /(?:connect to \S+ failed|jk_open_socket).*errno=(?:110|113|101|60)\b/i,
      meaning: "Tomcat's host does not answer at that port: a firewall, or a wrong address.",
      failures: ["connection_timeout", "destination_ip_unroutable"],
      remedies: ["A firewall between the two, and host= of the worker in workers.properties"],
    },
    {
      term: "can't receive the response header message (errno=110)",
      match: /can't receive the response.*err(?:no)?=-?(?:110|11|60|35)\b/i,
      meaning: "The request was sent, and nothing came back in time.",
      failures: ["http_response_timeout", "stale_connection", "connection_read_timeout"],
      causes: [
        "Tomcat is slow: its threads wait for a database or another service.",
        "A firewall has forgotten the idle connection and drops what is sent on it.",
      ],
      remedies: ["ping_mode=A and connection_pool_timeout find dead connections before a request."],
    },
    {
      term: "can't receive the response header message (errno=104)",
      match: /can't receive the response.*err(?:no)?=-?(?:104|32|54|0)\b/i,
      meaning: "Tomcat closed the connection before it answered.",
      failures: ["connection_terminated", "stale_connection"],
      remedies: ["connectionTimeout of the connector must be longer than connection_pool_timeout."],
    },
    {
      term: "all tomcat instances failed / are busy or in error state",
      match:
        /all tomcat instances (?:failed|are busy)|no more workers left|sending error to client/i,
      meaning: "No worker of the balancer is usable: the client gets 503 or 502.",
      failures: ["no_healthy_target", "connection_refused"],
      remedies: ["The lines above it say why each worker failed; recover_time is its pause."],
    },
    {
      term: "Tomcat is down or refused connection / network problems",
      match: [
        /tomcat is down|tomcat \(\S+\) is down|No response has been sent to the client/i,
        /connecting to tomcat failed|worker \S+ is in error state/i,
      ],
      meaning: "The connection to Tomcat failed, or ended without an answer.",
      failures: ["connection_refused", "connection_terminated", "stale_connection"],
      remedies: ["connectionTimeout of the connector must be longer than connection_pool_timeout."],
    },
    {
      term: "timeout waiting for … reply / timeout with tomcat",
      match: /jk_\w+.*(?:timeout waiting for|reply.?timeout|Timeout with waiting reply)/i,
      meaning: "Tomcat took the request and did not answer within reply_timeout.",
      failures: ["http_response_timeout"],
      remedies: ["jstack PID shows what its threads wait for; then raise reply_timeout."],
    },
  ],
};

/** Tomcat 10 and 11. */
export const TOMCAT: Dialect = {
  speaker: "Tomcat",
  spoken: "in_lines",
  terms: [
    {
      term: "All threads (200) are currently busy … maxThreads",
      match: /All threads \(\d+\) are currently (?:busy|in use)/i,
      meaning: "All threads of the connector are busy: further requests wait in the accept queue.",
      failures: ["bulkhead_full", "http_response_timeout"],
      remedies: ["jstack PID shows what they wait for, usually a database pool."],
    },
    {
      term: "The AJP Connector is configured with secretRequired",
      match: /secretRequired="true" but the secret attribute is either null/i,
      meaning: "The AJP connector does not start without a secret: the port refuses connections.",
      failures: ["connection_refused"],
      remedies: [
        "secret= in the Connector, and the same in the front (secret=, ProxyPass … secret).",
      ],
    },
    {
      term: "java.lang.OutOfMemoryError",
      match: /java\.lang\.OutOfMemoryError|There is insufficient memory for the Java Runtime/i,
      meaning: "The heap of the JVM is exhausted: requests fail or hang until it is restarted.",
      failures: ["connection_terminated", "http_response_timeout"],
      remedies: ["-XX:+HeapDumpOnOutOfMemoryError shows what grows; set -Xmx below the limit."],
    },
    {
      term: "Address already in use (BindException)",
      match: /java\.net\.BindException: Address already in use/i,
      meaning: "Another program has the port, so this one does not listen.",
      failures: ["connection_refused"],
      remedies: ["ss -ltnp | grep PORT names the program that has it."],
    },
  ],
};
