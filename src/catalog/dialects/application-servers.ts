/**
 * Messages of application servers and proxies around them: PHP, uWSGI, gunicorn, Passenger,
 * lighttpd, YARP and gorouter.
 */
import { type Dialect, dialectOfLines } from "./foreign-term.js";

export const APPLICATION_TEXTS: readonly Dialect[] = [
  dialectOfLines(
    "PHP",
    [
      "Allowed memory size of … bytes exhausted",
      /Allowed memory size of \d+ bytes exhausted/i,
      "The script exceeds memory_limit: PHP stops it, and the answer is a 500 or truncated.",
      ["received_server_error", "connection_terminated", "http_response_incomplete"],
      "Find what the script loads at once; then raise memory_limit in php.ini or the pool.",
    ],
    [
      "Maximum execution time of … seconds exceeded",
      /Maximum execution time of \d+ seconds? exceeded/i,
      "The script ran longer than max_execution_time: PHP stops it with a 500.",
      ["received_server_error", "http_response_timeout"],
      "Find the slow part (slowlog); then raise max_execution_time, below the front's timeout.",
    ],
    [
      "execution timed out … terminating (request_terminate_timeout)",
      /execution timed out \([\d.]+ sec\), terminating/i,
      "PHP-FPM ended the worker after request_terminate_timeout: the front answers 502.",
      ["connection_terminated", "http_response_timeout"],
      "request_slowlog_timeout shows where it hung; then raise request_terminate_timeout.",
    ],
    [
      "PHP Fatal error: Uncaught …",
      /PHP Fatal error:|PHP Parse error:/i,
      "The script failed with an uncaught error: a 500.",
      ["received_server_error"],
      "The line names the file and the error; fix it there.",
    ],
  ),
  dialectOfLines(
    "uWSGI",
    [
      "HARAKIRI ON WORKER",
      /HARAKIRI (?:ON WORKER|!!!|:)|\bF\*CK !!! i must kill myself/i,
      "A request took longer than harakiri: uWSGI killed the worker, and the front got no answer.",
      ["connection_terminated", "http_response_timeout"],
      "Make that request faster, or set harakiri above its duration and below the front's timeout.",
    ],
    [
      "invalid request block size",
      /invalid request block size: \d+/i,
      "The client spoke HTTP to a uwsgi socket, or the head is larger than buffer-size.",
      ["http_protocol_error", "request_header_too_large"],
      "Use uwsgi_pass instead of proxy_pass, or http-socket; buffer-size 32768 for large heads.",
    ],
    [
      "no python application found",
      /no python application found, check your startup logs|unable to load app \d+/i,
      "The application could not be loaded: every request is a 500.",
      ["received_server_error"],
      "The lines at the start of the log have the ImportError.",
    ],
    [
      "bind(): Address already in use",
      /bind\(\): Address already in use/i,
      "Another process has the socket, so this one does not start.",
      ["connection_refused"],
      "ss -ltnp names it.",
    ],
  ),
  dialectOfLines(
    "gunicorn",
    [
      "Worker failed to boot / App failed to load",
      /Worker failed to boot|App failed to load|HaltServer/i,
      "No worker starts: the port will be closed soon.",
      ["connection_refused"],
      "The traceback above it has the reason: an import, a setting, a missing module.",
    ],
    [
      "Worker (pid:…) was sent SIGKILL! Perhaps out of memory?",
      /Worker \(pid:\s?\d+\) was (?:sent SIGKILL|terminated due to signal)/i,
      "A worker was killed while serving, usually for memory or after its timeout.",
      ["connection_terminated"],
      "Compare memory with the limit; --timeout must exceed the slowest valid answer.",
    ],
    [
      "Connection in use",
      /Connection in use: \(/i,
      "Another process has the port, so gunicorn does not listen.",
      ["connection_refused"],
      "ss -ltnp names it.",
    ],
  ),
  dialectOfLines(
    "Passenger",
    [
      "Request queue full / request queue is full",
      /request queue (?:is )?full|Request queue full/i,
      "passenger_max_request_queue_size is reached. Answer: 503.",
      ["bulkhead_full"],
      "passenger-status shows what waits; then raise passenger_max_pool_size.",
    ],
    [
      "Web application could not be started / spawn error",
      /Web application could not be started|Could not spawn process for application/i,
      "The application exited during startup.",
      ["received_server_error", "connection_refused"],
      "Passenger's log has the error id, with the application's own output.",
    ],
  ),
  dialectOfLines(
    "lighttpd",
    [
      "(gw_backend.c…) establishing connection failed",
      /(?:gw_backend|mod_(?:proxy|fastcgi))\.c.*(?:connection failed|connect failed|refused)/i,
      "lighttpd could not connect to the backend: it answers 503, and disables it for a while.",
      ["connection_refused", "unix_socket_missing"],
      "Start the backend, and compare host, port and socket of proxy.server or fastcgi.server.",
    ],
    [
      "all handlers for … are down",
      /(?:gw_backend|mod_\w+)\.c.*(?:all handlers for .* are down|no free backend|overloaded)/i,
      "Every backend is disabled because a connection failed: 503 until disable-time is over.",
      ["no_healthy_target"],
      "The line before it says why the backend failed.",
    ],
    [
      "unexpected end-of-file (perhaps the fastcgi process died)",
      /unexpected end-of-file \(perhaps the|response not received, request sent: \d/i,
      "The backend closed before it answered.",
      ["connection_terminated", "stale_connection"],
      "Its own log at this second: a crash or a limit.",
    ],
  ),
  dialectOfLines(
    "YARP",
    [
      "RequestTimedOut / ResponseHeaders timeout (ActivityTimeout)",
      /Yarp.*\b(?:Request|ResponseBody|UpgradeActivity)TimedOut|ActivityTimeout/i,
      "ActivityTimeout (100 s) expired without a byte.",
      ["http_response_timeout"],
      "HttpRequest.ActivityTimeout of the cluster",
    ],
    [
      "No available destinations / NoAvailableDestinations",
      /NoAvailableDestinations|No available destinations/i,
      "No destination of the cluster is healthy. Answer: 503.",
      ["no_healthy_target"],
      "HealthCheck of the cluster, and its addresses",
    ],
    [
      "Forwarding error: Request",
      /Yarp\.ReverseProxy.*(?:error|RequestCanceled|Request:)/i,
      "YARP could not forward the request; the exception below it has the reason.",
      ["connection_refused", "connection_terminated"],
    ],
  ),
  dialectOfLines(
    "gorouter",
    [
      "Registered endpoint failed to handle the request",
      /Registered endpoint failed to handle the request|x[-_]cf[-_]routererror\W+endpoint_failure/i,
      "The router reached no instance, or the instance closed. Answer: 502.",
      ["connection_refused", "connection_terminated", "stale_connection"],
      "cf logs APP --recent for a crash; X-Cf-RouterError of the answer says which.",
    ],
    [
      "Requested route ('…') does not exist",
      /Requested route \('[^']+'\) does not exist|x[-_]cf[-_]routererror\W+unknown_route/i,
      "No application has this route: it is not mapped, stopped or crashing. Answer: 404.",
      ["destination_not_found", "no_healthy_target"],
      "cf routes and cf map-route; cf app APP shows whether an instance runs",
    ],
    [
      "Requested route ('…') has no available endpoints",
      /Requested route .* has no available endpoints|x[-_]cf[-_]routererror\W+no_endpoints/i,
      "The route exists, but no instance runs. Answer: 503.",
      ["no_healthy_target"],
      "cf app APP shows why its instances exited",
    ],
  ),
];
