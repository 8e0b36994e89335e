/** What Apache httpd writes into its error log about a proxied backend (mod_proxy, mod_proxy_fcgi);
 * the AH numbers are those of httpd 2.4. */
import type { Dialect } from "./foreign-term.js";

const RETRY_60 =
  "Add retry=0 to the ProxyPass line, so that one failure does not close it for 60 s.";
const TTL =
  "Add ttl=4 (below the keepAliveTimeout of Node) or disablereuse=on to the ProxyPass line.";

export const APACHE: Dialect = {
  speaker: "Apache error log",
  spoken: "in_lines",
  terms: [
    {
      term: "(70007)The timeout specified has expired: AH01102 / AH01075",
      match: /\(70007\)The timeout specified has expired/i,
      meaning: "The backend did not answer within ProxyTimeout (60 s).",
      failures: ["http_response_timeout", "connection_timeout", "connection_read_timeout"],
    },
    {
      term: "AH00957 … (111)Connection refused: attempt to connect to … failed",
      match: /\(111\)Connection refused|AH00957.*111/i,
      meaning: "Nothing listens at the address of ProxyPass; Apache answers 503.",
      failures: ["connection_refused"],
      remedies: [RETRY_60],
    },
    {
      term: "(2)No such file or directory: AH02454: FCGI: attempt to connect to Unix domain socket",
      match: /\(2\)No such file or directory:.*(?:AH02454|socket)/i,
      meaning: "The socket file of the backend does not exist.",
      failures: ["unix_socket_missing"],
    },
    {
      term: "(13)Permission denied: AH00957",
      match: /\(13\)Permission denied:.*AH00957: \w+: attempt to connect to [^/]/i,
      meaning: "Over TCP, errno 13 is not about file modes: SELinux denies Apache the connection.",
      failures: ["destination_ip_prohibited"],
      remedies: ["setsebool -P httpd_can_network_connect on"],
    },
    {
      term: "(13)Permission denied: AH02454",
      match: /\(13\)Permission denied:.*(?:AH02454|AH00957|connect|socket)/i,
      meaning: "Apache's user may not open the backend's socket, or SELinux denies the connection.",
      failures: ["unix_socket_forbidden"],
      remedies: ["SELinux: setsebool -P httpd_can_network_connect on"],
    },
    {
      term: "(11)Resource temporarily unavailable: AH02454",
      match: /\(11\)Resource temporarily unavailable:.*(?:AH02454|socket)/i,
      meaning: "The accept queue of the backend's socket is full.",
      failures: ["unix_backlog_full"],
    },
    {
      term: "AH01114: HTTP: failed to make connection to backend",
      match: "AH01114",
      meaning: "No connection to the backend came about; the line before says why. Answer: 503.",
      failures: ["connection_refused", "connection_timeout", "dns_name_not_found"],
      remedies: ["Read the AH00957 line just before it.", RETRY_60],
    },
    {
      term: "AH00957: http: attempt to connect to … failed",
      match: "AH00957",
      meaning: "The connection to the backend failed; the reason stands before the number.",
      failures: ["connection_refused", "connection_timeout", "destination_ip_unroutable"],
    },
    {
      term: "AH00959: ap_proxy_connect_backend disabling worker for (…) for 60s",
      match: "AH00959",
      meaning: "After one failed connection Apache sends nothing there for 60 s and answers 503.",
      failures: ["breaker_open", "no_healthy_target"],
      remedies: ["Treat the failure of the line before.", RETRY_60],
    },
    {
      term: "AH00940: worker for (…) has been disabled / AH01170: All workers are in error state",
      match: /AH00940|AH01170|All workers are in error state/i,
      meaning: "Every member of the balancer is in the error state; Apache answers 503.",
      failures: ["no_healthy_target", "breaker_open"],
      remedies: ["Find the first failure of each member before this line.", RETRY_60],
    },
    {
      term: "AH01102: error reading status line from remote server",
      match: "AH01102",
      meaning: "The backend closed the connection before an answer began; Apache answers 502.",
      failures: ["stale_connection", "connection_terminated", "connection_reset_in_body"],
      causes: [
        "Apache reused a kept connection that Node had closed (Node closes after 5 s, up to 25.x).",
        "The application crashed or was killed while it served the request.",
      ],
      remedies: [
        TTL,
        'Set keepAliveTimeout of the Node server higher; with good-gateway: behind: "apache".',
        "Look in the application's log for a crash or restart at this second.",
      ],
    },
    {
      term: "AH00898: DNS lookup failure",
      match: /DNS lookup failure|AH00898.*DNS/i,
      meaning: "The name in ProxyPass has no address.",
      failures: ["dns_name_not_found", "dns_error"],
    },
    {
      term: "AH00898: Error during SSL Handshake with remote server",
      match: /Error during SSL Handshake with remote server/i,
      meaning: "TLS with the backend failed; the AH lines before it say how. Answer: 502.",
      failures: ["tls_protocol_error", "tls_certificate_error", "tls_alert_received"],
      remedies: [
        "Compare the scheme of ProxyPass with what the backend speaks; SSLProxyEngine on.",
      ],
    },
    {
      term: "AH00898: Corrupt status line returned by remote server",
      match: /Corrupt status line returned/i,
      meaning: "What the backend sent does not begin like an answer of HTTP.",
      failures: ["response_status_invalid", "http_protocol_error"],
    },
    {
      term: "AH00898: Timeout on 100-Continue",
      match: /AH00898: Timeout on 100-Continue/i,
      meaning: "The backend did not say whether it wants the body.",
      failures: ["http_response_timeout"],
    },
    {
      term: "AH00898: Connect to remote machine blocked",
      match: /Connect to remote machine blocked/i,
      meaning: "ProxyBlock forbids this backend.",
      failures: ["request_denied"],
    },
    {
      term: "AH00898: Error reading from remote server",
      match: "AH00898",
      meaning: "The answer could not be read; the line before says why. Answer: 502.",
      failures: ["connection_terminated", "stale_connection", "http_response_incomplete"],
      remedies: ["Read the line just before it (AH01102, AH01110, AH02608).", TTL],
    },
    {
      term: "AH01110: error reading response",
      match: "AH01110",
      meaning: "The backend closed or stopped in the middle of the body.",
      failures: ["http_response_incomplete", "connection_read_timeout"],
    },
    {
      term: "AH01106 / AH10124: bad HTTP header from backend",
      match: /AH01106|AH10124|AH01107|AH01108/,
      meaning: "A line of the answer's head is not valid HTTP.",
      failures: ["http_protocol_error"],
    },
    {
      term: "AH01079: failed to make connection to backend (FastCGI)",
      match: /AH0(?:1079|1080|0896|2608)\b/,
      meaning: "The connection to the backend could not be made.",
      failures: ["connection_refused", "connection_timeout", "unix_socket_missing"],
    },
    {
      term: "AH01095: prefetch request body failed",
      match: /AH01095|AH02609|AH01086|AH10153/,
      meaning: "The body of the client's request could not be read: it left, or sent too slowly.",
      failures: ["client_closed_request", "request_body_timeout"],
    },
    {
      term: "AH01030 / ajp: connection to the backend (mod_proxy_ajp)",
      match: /AH01030|AH00890|AH00892|AH00893|AH01028/,
      meaning: "The AJP connection to Tomcat failed or was closed.",
      failures: ["connection_terminated", "connection_refused"],
      remedies: ["AJP needs secret= (or secretRequired=false) and its own port in Tomcat."],
    },
    {
      term: "AH00526: Syntax error",
      match: /AH00526|AH00558|AH00014/,
      meaning: "The configuration of Apache is wrong, or only warned about.",
      failures: ["proxy_configuration_error"],
      remedies: ["apachectl -t names file and line."],
    },
    {
      term: "proxy: error reading status line from remote server",
      match: /error reading status line from remote server/i,
      meaning: "The backend closed the connection before it had answered.",
      failures: ["stale_connection", "connection_terminated"],
    },
    {
      term: "AH01097: pass request body failed",
      match: /AH01097|AH01084|AH10154/,
      meaning: "The backend closed while Apache was sending the request's body to it.",
      failures: ["connection_terminated_while_sending", "stale_connection"],
      remedies: [TTL],
    },
    {
      term: "AH00961 / AH01961: failed to enable ssl support for … / SSL Proxy",
      match: /AH00961|AH01961|AH02003|SSL Proxy.*(?:failed|handshake)/i,
      meaning: "TLS with the backend failed.",
      failures: ["tls_protocol_error", "tls_certificate_error"],
      remedies: ["SSLProxyEngine on; SSLProxyCheckPeerName and SSLProxyCACertificateFile fit?"],
    },
    {
      term: "AH01144: No protocol handler was valid for the URL",
      match: "AH01144",
      meaning: "The module for this scheme is not loaded (proxy_http, proxy_fcgi, proxy_wstunnel).",
      failures: ["proxy_configuration_error"],
      remedies: ["a2enmod proxy_http proxy_fcgi proxy_wstunnel"],
    },
    {
      term: "AH01071: Got error 'Primary script unknown'",
      match: "AH01071",
      meaning: "PHP-FPM reports an error of the script, or does not find it.",
      failures: ["proxy_configuration_error", "received_server_error"],
    },
    {
      term: "AH01067: Failed to read FastCGI header / AH01075: Error dispatching request",
      match: /AH01067|AH01075|AH01068/,
      meaning: "PHP-FPM closed the connection, or answered too late.",
      failures: ["connection_terminated", "http_response_timeout"],
      causes: ["A worker died or was ended by request_terminate_timeout, or the pool is full."],
    },
    {
      term: "AH00484 / AH00161: server reached MaxRequestWorkers setting",
      match: /AH00484|AH00161|reached MaxRequestWorkers/i,
      meaning: "All of Apache's own workers are busy; further requests wait.",
      failures: ["bulkhead_full", "local_resources_exhausted"],
      remedies: ["Slow backends hold workers: look at their latency before raising the number."],
    },
  ],
};
