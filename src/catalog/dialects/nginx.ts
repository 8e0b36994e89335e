/**
 * Messages of nginx's error log about upstreams, and its non-standard statuses.
 *
 * The texts are those of nginx 1.18 to 1.31; the number in parentheses is the errno of its machine.
 * FastCGI (PHP-FPM) upstreams use the same lines.
 */
import type { Dialect } from "./foreign-term.js";
import { NGINX_DETAILS } from "./nginx-details.js";

const KEEP_ALIVE = "Set keepAliveTimeout of the Node server above nginx's keepalive_timeout (60 s)";

export const NGINX_LOG: Dialect = {
  speaker: "nginx error log",
  spoken: "in_lines",
  terms: [
    ...NGINX_DETAILS,
    {
      term: "client sent too long header line / too large request",
      match: /client sent too (?:long (?:header line|URI)|large request)/i,
      meaning: "The head of the request does not fit large_client_header_buffers: 400 or 414.",
      failures: ["request_header_too_large", "bad_request"],
      causes: ["Usually cookies that have grown; or a long query."],
      remedies: ["large_client_header_buffers 4 16k; and find the cookie that grows."],
    },
    {
      term: "rewrite or internal redirection cycle",
      match: /rewrite or internal redirection cycle/i,
      meaning: "try_files, index or rewrite loop: nginx answers 500.",
      failures: ["proxy_configuration_error", "loop_detected"],
      causes: ["The last argument of try_files, or a page of index, does not exist."],
      remedies: ["Compare root with the folder of index.php; end try_files with =404 to see it."],
    },
    {
      term: "connect() failed (111: Connection refused) while connecting to upstream",
      match: /connect\(\) (?:to \S+ )?failed \(111\b/i,
      meaning: "Nothing listens at the address of proxy_pass or fastcgi_pass.",
      failures: ["connection_refused"],
      causes: [
        "The application is down, or is just restarting.",
        "proxy_pass names a port that the application does not listen on.",
        "localhost means ::1 and 127.0.0.1 here, and the application listens on only one of them.",
      ],
      remedies: [
        "Check what listens: ss -ltnp | grep PORT, on the machine of the upstream.",
        "Write 127.0.0.1 instead of localhost in proxy_pass, or listen on ::.",
      ],
    },
    {
      term: "connect() to unix:… failed (2: No such file or directory)",
      match: /connect\(\) to unix:\S+ failed \(2\b/i,
      meaning: "The socket file of the upstream does not exist.",
      failures: ["unix_socket_missing"],
      remedies: ["List the sockets in the same folder: ls -l /run/php/ or its own folder."],
    },
    {
      term: "connect() to unix:… failed (13: Permission denied)",
      match: /connect\(\) to unix:\S+ failed \(13\b/i,
      meaning: "The nginx user has no write permission for the socket, or SELinux denies it.",
      failures: ["unix_socket_forbidden"],
      causes: [
        "listen.owner, listen.group or listen.mode of the pool do not admit the user of nginx.",
        "A folder above the socket cannot be entered by that user.",
        "SELinux: httpd_can_network_connect is off.",
      ],
      remedies: ["namei -l PATH shows owner and mode of every folder on the path."],
    },
    {
      term: "connect() to ADDRESS:PORT failed (13: Permission denied)",
      match: /connect\(\) to \S+ failed \(13\b/i,
      meaning: "This machine itself denies nginx the connection: SELinux, AppArmor or a firewall.",
      failures: ["destination_ip_prohibited"],
      causes: [
        "SELinux: httpd_can_network_connect is off.",
        "A local rule rejects packets of this user to this port.",
      ],
      remedies: [
        "ausearch -m avc -ts recent: what was denied. setsebool -P httpd_can_network_connect 1",
      ],
    },
    {
      term: "failed (28: No space left on device)",
      match: /failed \(28\b/i,
      meaning:
        "The disk with nginx's temporary files is full: uploads are rejected, answers are cut.",
      failures: ["local_resources_exhausted"],
      causes: [
        "client_body_temp_path or proxy_temp_path is on a full disk, or has no inodes left.",
      ],
      remedies: [
        "df -h and df -i of the folder in the line.",
        "proxy_max_temp_file_size 0 keeps answers out of files.",
      ],
    },
    {
      term: "connect() to unix:… failed (11: Resource temporarily unavailable)",
      match: /connect\(\) to \S+ failed \(11\b/i,
      meaning: "The accept queue of the socket is full: the application does not keep up.",
      failures: ["unix_backlog_full"],
      remedies: ["PHP-FPM: compare pm.max_children and listen.backlog with its status page."],
    },
    {
      term: "connect() failed (113: No route to host)",
      match: /connect\(\)[^(]*failed \((?:113|101)\b/i,
      meaning: "The kernel has no route to that address, or a firewall rejects it.",
      failures: ["destination_ip_unroutable"],
    },
    {
      term: "connect() failed (110: Connection timed out)",
      match: /connect\(\)[^(]*failed \(110\b|timed out\)? while connecting to upstream/i,
      meaning: "The connection was not established within proxy_connect_timeout (60 s).",
      failures: ["connection_timeout"],
    },
    {
      term: "connect() failed (99: Cannot assign requested address)",
      match: /failed \((?:99|24)\b[^)]*\)?.*(?:upstream|connect)/i,
      meaning: "nginx itself has no local port or file descriptor left.",
      failures: ["local_resources_exhausted"],
      remedies: ["Switch keepalive on in the upstream block; raise worker_rlimit_nofile."],
    },
    {
      term: "upstream prematurely closed connection while reading response header from upstream",
      match: /upstream prematurely closed connection while reading response header/i,
      meaning: "The upstream accepted the request and closed before it sent a complete head.",
      failures: ["connection_terminated", "stale_connection", "http_response_incomplete"],
      causes: [
        "The application crashed on this request, or was killed (out of memory, a deploy).",
        "The application closed a kept-alive connection just as nginx reused it.",
        "nginx speaks plain HTTP to a port that expects TLS.",
      ],
      remedies: [
        "Look in the application's log for a crash or restart at this second.",
        `${KEEP_ALIVE}; with good-gateway: behind: "nginx".`,
        "If it is always the same URL, it is the application; if it is any URL after idle times, " +
          "it is the kept-alive connection.",
      ],
    },
    {
      term: "upstream prematurely closed connection while reading upstream",
      match: /upstream prematurely closed connection(?: while reading upstream)?/i,
      meaning: "The upstream closed in the middle of the body; the client got a truncated answer.",
      failures: ["http_response_incomplete"],
    },
    {
      term: "recv() failed (104: Connection reset by peer) while reading response header",
      match: /(?:recv|readv)\(\) failed \(104\b.*(?:response header|upstream)/i,
      meaning: "The upstream reset the connection after the request was sent.",
      failures: ["connection_terminated", "stale_connection"],
      causes: [
        "The process died while it served the request (segfault, out of memory, kill -9).",
        "PHP-FPM: request_terminate_timeout ended the worker.",
        "The application had already closed a kept-alive connection.",
      ],
      remedies: [`Crash or race? Look in the application's log at this second. ${KEEP_ALIVE}.`],
    },
    {
      term: "writev() failed (104 / 32: Broken pipe) while sending request to upstream",
      match: /(?:send|writev|sendfile)\(\) failed \((?:104|32)\b.*to upstream/i,
      meaning: "The upstream closed while nginx was still sending the request to it.",
      failures: ["connection_terminated_while_sending", "stale_connection"],
    },
    {
      term: "upstream timed out (110: Connection timed out) while reading response header",
      match: /upstream timed out .*while reading response header/i,
      meaning: "No byte of an answer arrived within proxy_read_timeout (60 s).",
      failures: ["http_response_timeout", "event_loop_stalled"],
      remedies: [
        "Measure the application for this URL first; raise proxy_read_timeout last.",
        "If all URLs fail at once, the event loop of the application or its database hangs.",
      ],
    },
    {
      term: "upstream timed out while reading upstream",
      match: /upstream timed out .*while reading upstream/i,
      meaning: "The body stalled for proxy_read_timeout (60 s between two reads).",
      failures: ["connection_read_timeout"],
    },
    {
      term: "upstream timed out while sending request to upstream",
      match: /upstream timed out .*while sending/i,
      meaning: "The upstream stopped reading the request for proxy_send_timeout (60 s).",
      failures: ["connection_write_timeout"],
    },
    {
      term: "upstream sent too big header while reading response header from upstream",
      match: /upstream sent too big header/i,
      meaning: "The head of the answer is larger than proxy_buffer_size (4 or 8 KiB).",
      failures: ["http_response_header_section_size"],
      causes: ["Large cookies, a long Content-Security-Policy, or a token in a header."],
      remedies: [
        "Make the head smaller first: curl -sI URL shows the fields, and with | wc -c the size.",
        "proxy_buffer_size 16k; proxy_buffers 8 16k; (fastcgi_buffer_size for PHP-FPM)",
      ],
    },
    {
      term: "upstream sent invalid header",
      match: /upstream sent invalid (?:header|response)|upstream sent (?:duplicate|unexpected)/i,
      meaning: "A line of the answer's head is not valid HTTP.",
      failures: ["http_protocol_error", "response_framing_invalid"],
    },
    {
      term: "upstream sent no valid HTTP/1.0 header",
      match: /upstream sent no valid HTTP\/1\.0 header/i,
      meaning: "The answer does not begin like HTTP; nginx passes it on with status 200.",
      failures: ["http_protocol_error"],
      causes: ["Another service listens on this port (a database, SSH, TLS)."],
    },
    {
      term: "upstream sent unsupported FastCGI protocol version",
      match: /upstream sent unsupported FastCGI/i,
      meaning: "The port of fastcgi_pass does not speak FastCGI.",
      failures: ["http_protocol_error"],
      remedies: ["Use proxy_pass for an HTTP server; fastcgi_pass is for PHP-FPM and similar."],
    },
    {
      term: "upstream rejected request / upstream sent invalid chunked response",
      match: /upstream (?:rejected request|sent (?:invalid chunked|more data|too many))/i,
      meaning: "The upstream's answer breaks the rules of HTTP, gRPC or of its own length.",
      failures: ["http_protocol_error", "http_response_transfer_coding", "stream_refused"],
    },
    {
      term: "peer closed connection in SSL handshake",
      match: /peer closed connection in SSL handshake/i,
      meaning: "The upstream closed during the TLS handshake.",
      failures: ["tls_protocol_error", "connection_reset_while_connecting"],
      remedies: ["proxy_ssl_server_name on: without the name many servers close."],
    },
    {
      term: "upstream server temporarily disabled",
      match: /upstream server temporarily disabled/i,
      meaning:
        "A server failed max_fails times and gets nothing for fail_timeout; see the lines above.",
      failures: ["no_healthy_target", "connection_refused"],
    },
    {
      term: "no resolver defined to resolve …",
      match: /no resolver defined to resolve/i,
      meaning:
        "proxy_pass has a variable, so it is resolved at run time, but there is no resolver.",
      failures: ["proxy_configuration_error", "dns_error"],
      remedies: ["resolver 127.0.0.53 valid=10s; in http, server or location."],
    },
    {
      term: "invalid URL prefix / no port in upstream / invalid port in upstream",
      match: [
        /invalid URL prefix|no (?:port|host) in upstream/i,
        /invalid (?:port|host|number of arguments) in upstream/i,
      ],
      meaning: "The address in proxy_pass cannot be used.",
      failures: ["proxy_configuration_error"],
      remedies: ["Write the scheme: proxy_pass http://127.0.0.1:3000;"],
    },
    {
      term: "an upstream response is buffered to a temporary file",
      match: /(?:upstream response|client request body) is buffered to a temporary file/i,
      meaning: "A large body was buffered on disk. It is a warning, not a failure.",
      failures: [],
      remedies: ["On a full disk the answer is truncated: df -h, proxy_max_temp_file_size."],
    },
    {
      term: "no live upstreams while connecting to upstream",
      match: /no live upstreams/i,
      meaning: "Every server of the upstream is disabled for fail_timeout (10 s) after a failure.",
      failures: ["no_healthy_target", "breaker_open"],
      causes: [
        "The failures just before this line; one failure (max_fails=1) disables a server.",
        "localhost counts as two servers, and one of its addresses refuses connections.",
      ],
      remedies: ["Find the first other error before this line, and fix that one."],
    },
    {
      term: "could not be resolved / host not found in upstream",
      match: /could not be resolved|host not found in (?:upstream|resolver)/i,
      meaning: "The name in proxy_pass has no address.",
      failures: ["dns_name_not_found", "dns_error", "dns_timeout"],
    },
    {
      term: "SSL_do_handshake() failed while SSL handshaking to upstream",
      match: /SSL_do_handshake\(\) failed.*(?:upstream|wrong version|alert)/i,
      meaning: "TLS with the upstream failed.",
      failures: ["tls_protocol_error", "tls_alert_received"],
      causes: [
        "https:// in proxy_pass, but the port speaks plain HTTP (wrong version number).",
        "The upstream wants SNI, and proxy_ssl_server_name is off (handshake failure, alert 40).",
      ],
      remedies: ["proxy_ssl_server_name on; proxy_ssl_name NAME;"],
    },
    {
      term: "upstream SSL certificate verify error",
      match: /upstream SSL certificate (?:verify error|does not match)/i,
      meaning: "proxy_ssl_verify is on, and the certificate is not trusted for this name.",
      failures: ["tls_certificate_error", "tls_certificate_expired"],
    },
    {
      term: "client intended to send too large body",
      match: /client intended to send too large/i,
      meaning: "The upload is larger than client_max_body_size (1 MiB); nginx answers 413.",
      failures: ["request_body_too_large"],
      remedies: ["client_max_body_size 20m; in the location that takes uploads."],
    },
    {
      term: 'FastCGI sent in stderr: "Primary script unknown"',
      match: /Primary script unknown/i,
      meaning: "PHP-FPM cannot find the requested file; nginx answers 404.",
      failures: ["proxy_configuration_error"],
      remedies: ["Compare root and SCRIPT_FILENAME with the path as PHP-FPM sees it."],
    },
    {
      term: "worker_connections are not enough",
      match: /worker_connections are not enough|accept4?\(\) failed \(24\b|Too many open files/i,
      meaning: "This process has no connections or file descriptors left.",
      failures: ["local_resources_exhausted"],
    },
    {
      term: "client prematurely closed connection",
      match: /client (?:prematurely )?closed connection|client timed out/i,
      meaning: "The client left before the answer was complete; nginx logs 499.",
      failures: ["client_closed_request"],
    },
  ],
};

/** Statuses that only nginx uses. */
export const NGINX_STATUSES: Dialect = {
  speaker: "nginx",
  spoken: "as_a_word",
  terms: [
    {
      term: "499",
      match: "499",
      meaning: "The client closed the connection before nginx had an answer for it.",
      failures: ["client_closed_request"],
    },
    {
      term: "444",
      match: "444",
      meaning: "nginx is configured (return 444) to close the connection without an answer.",
      failures: ["request_denied"],
    },
    {
      term: "494",
      match: "494",
      meaning: "The request's header section is too large for large_client_header_buffers.",
      failures: ["request_header_too_large"],
    },
    {
      term: "495",
      match: "495",
      meaning: "The client's TLS certificate is not accepted.",
      failures: ["request_denied"],
    },
    {
      term: "496",
      match: "496",
      meaning: "The client sent no TLS certificate, and one is required.",
      failures: ["request_denied"],
    },
    {
      term: "497",
      match: "497",
      meaning: "A client speaks plain HTTP to a port that expects TLS.",
      failures: ["bad_request"],
    },
  ],
};
