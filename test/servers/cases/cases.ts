/**
 * Cases as people have them, one row each: what stands behind the front, the front's own text, what
 * the doctor is given, and what it must say. `$app` is the address behind, `$port` the front's own,
 * `$folder` a folder of the case, `$full` a disk of a few kilobytes without a free one.
 */
export interface Case {
  readonly name: string;
  /** A server of the stage with its arguments, or how a scripted one answers. */
  readonly behind: string;
  /** A front of the stage, and its configuration; nothing where the address behind is given. */
  readonly front?: readonly [kind: string, lines: string];
  /** `config` for the front's file, a path to ask the front for, or an address with `$app`. */
  readonly give: string;
  /** Options of the doctor. */
  readonly with?: readonly string[];
  /** Null where all is well. */
  readonly layer: string | null;
  readonly cause: string | null;
  /** A finding beside a verdict that is well. */
  readonly beside?: string;
  /** What the advice must speak of. */
  readonly next?: RegExp;
}

const caddy = (lines: string): readonly [string, string] => ["caddy", `:$port {\n${lines}\n}`];
const varnish = (more = ""): readonly [string, string] => [
  "varnish",
  `backend app { .host = "$host"; .port = "$behind"; ${more} }`,
];
const lighttpd = (kind: string, path: string, more = ""): readonly [string, string] => [
  "lighttpd",
  `server.modules = ( "mod_${kind}" )\n` +
    `${kind}.server = ( "${path}" => ( ( "host" => "$host", "port" => $behind ) ) )\n${more}`,
];
const nginx = (lines: string): readonly [string, string] => [
  "nginx",
  `server { listen $port; location / { ${lines} } }`,
];
const haproxy = (server: string): readonly [string, string] => [
  "haproxy",
  `listen shop\n bind $port\n server app $app ${server}`,
];
const apache = (lines: string): readonly [string, string] => ["apache", lines];

/** Where the server needs its time, also on a machine that is busy. */
const PATIENT = ["--timeout", "9000"];
const well = { layer: null, cause: null } as const;
const down = { layer: "connect", cause: "nothing_listens", next: /start/i } as const;

const CADDY: readonly Case[] = [
  {
    name: "Caddy answers 502: nothing listens behind it",
    ...{ behind: "nothing", front: caddy("reverse_proxy $app"), give: "/", ...down },
  },
  {
    name: "Caddy and gunicorn are well",
    ...{ behind: "gunicorn", front: caddy("reverse_proxy $app"), give: "config", ...well },
  },
  {
    name: "Caddy asks a plain port over TLS",
    ...{ behind: "gunicorn", front: caddy("reverse_proxy https://$app"), give: "/" },
    ...{ layer: "secure", cause: "https_to_plain_port", next: /http:/ },
  },
  {
    name: "Caddy strips the prefix that the application wants",
    ...{ behind: "wants-prefix", front: caddy("handle_path /api/* {\nreverse_proxy $app\n}") },
    ...{ give: "config", layer: "config", cause: "path_prefix_lost" },
  },
  {
    name: "Caddy speaks FastCGI to a server of HTTP",
    ...{ behind: "gunicorn", front: caddy("php_fastcgi $app"), give: "config" },
    ...{ layer: "head", cause: "fastcgi_to_http_port", next: /reverse_proxy|HTTP/ },
  },
  {
    name: "Caddy speaks h2c to a server of HTTP/1 alone",
    ...{ behind: "gunicorn", front: caddy("reverse_proxy h2c://$app"), give: "config" },
    ...{ layer: "head", cause: "another_protocol", next: /HTTP/ },
  },
  {
    name: "Caddy's snippet with an argument leads nowhere",
    behind: "nothing",
    front: ["caddy", "(to) {\nreverse_proxy {args.0}\n}\n:$port {\nimport to $app\n}"],
    ...{ give: "/", ...down },
  },
];

const VARNISH: readonly Case[] = [
  {
    name: "Varnish answers 503: nothing listens behind it",
    ...{ behind: "nothing", front: varnish(), give: "/", ...down },
  },
  {
    name: "Varnish and gunicorn are well",
    ...{ behind: "gunicorn", front: varnish(), give: "config", ...well },
  },
  {
    name: "Varnish: first_byte_timeout is shorter than the answer",
    ...{ behind: "after-1200", front: varnish(".first_byte_timeout = 1s;"), give: "config" },
    ...{ layer: "head", cause: "front_waits_too_short" },
  },
  {
    name: "Varnish: its probe asks for a path that is not there",
    behind: "only-root",
    front: varnish('.probe = { .url = "/healthz"; .interval = 1s; }'),
    ...{ give: "config", layer: "health", cause: "health_check_fails", next: /healthz/ },
  },
  {
    name: "Varnish speaks HTTP to a TLS port",
    ...{ behind: "tls", front: varnish(), give: "/", layer: "secure", cause: "http_to_tls_port" },
  },
  {
    name: "Varnish: the application fails itself",
    ...{ behind: "gunicorn", front: varnish(), give: "/error" },
    ...{ layer: "head", cause: "application_answers_error", next: /log/ },
  },
];

const LIGHTTPD: readonly Case[] = [
  {
    name: "lighttpd answers 503: nothing listens behind it",
    ...{ behind: "nothing", front: lighttpd("proxy", ""), give: "/", ...down },
  },
  {
    name: "lighttpd and gunicorn are well",
    ...{ behind: "gunicorn", front: lighttpd("proxy", "/"), give: "config", ...well },
  },
  {
    name: "lighttpd: the module for a proxy is not loaded",
    behind: "gunicorn",
    front: ["lighttpd", 'proxy.server = ( "" => ( ( "host" => "$host", "port" => $behind ) ) )'],
    ...{ give: "config", layer: "config", cause: "module_not_loaded", next: /mod_proxy/ },
  },
  {
    name: "lighttpd speaks FastCGI to a server of HTTP",
    ...{ behind: "gunicorn", front: lighttpd("fastcgi", "/"), give: "config" },
    ...{ layer: "head", cause: "fastcgi_to_http_port" },
  },
  {
    name: "lighttpd speaks SCGI, and uWSGI is asked in uwsgi",
    ...{ behind: "uwsgi", front: lighttpd("scgi", "/"), give: "config" },
    ...{ layer: "head", cause: "closes_without_answer" },
  },
];

const PYTHON: readonly Case[] = [
  {
    name: "nginx and uWSGI are well",
    ...{ behind: "uwsgi", front: nginx("uwsgi_pass $app;"), give: "config", ...well },
  },
  {
    name: "nginx speaks HTTP to a socket of uwsgi",
    ...{ behind: "uwsgi", front: nginx("proxy_pass http://$app;"), give: "/" },
    ...{ layer: "head", cause: "http_to_uwsgi_port", next: /uwsgi_pass/ },
  },
  {
    name: "nginx speaks uwsgi to an HTTP socket of uWSGI",
    ...{ behind: "uwsgi --http-socket", front: nginx("uwsgi_pass $app;"), give: "/" },
    ...{ layer: "head", cause: "another_protocol", next: /proxy_pass/ },
  },
  {
    name: "uWSGI has no application",
    ...{ behind: "uwsgi --socket --no-app", front: nginx("uwsgi_pass $app;"), give: "/" },
    ...{ layer: "head", cause: "application_answers_error", next: /log/ },
  },
  {
    name: "uWSGI is down behind nginx",
    ...{ behind: "nothing", front: nginx("uwsgi_pass $app;"), give: "/", ...down },
  },
  {
    name: "the time limit of gunicorn ends its worker",
    ...{ behind: "gunicorn -t 1", front: nginx("proxy_pass http://$app;"), give: "/slow" },
    ...{ layer: "process", cause: "worker_timeout", next: /timeout/, with: PATIENT },
  },
  {
    name: "one request ends a worker of gunicorn",
    ...{ behind: "gunicorn", front: nginx("proxy_pass http://$app;"), give: "/exit" },
    ...{ layer: "process", cause: "crashes_on_request" },
  },
  {
    name: "the application in gunicorn fails behind HAProxy",
    ...{ behind: "gunicorn", front: haproxy("check"), give: "/error" },
    ...{ layer: "head", cause: "application_answers_error", next: /log/ },
  },
  {
    name: "Apache and gunicorn are well",
    ...{ behind: "gunicorn", give: "/", ...well },
    front: apache("ProxyPass / http://$app/ retry=0"),
  },
];

const TOMCAT: readonly Case[] = [
  {
    name: "Tomcat: the context is not deployed",
    ...{ behind: "tomcat", front: nginx("proxy_pass http://$app;"), give: "/shop/" },
    ...{ ...well, beside: "path_not_found", with: PATIENT },
  },
  {
    name: "AJP is spoken to Tomcat's HTTP connector",
    ...{ behind: "tomcat", give: "ajp://$app", layer: "head", cause: "another_protocol" },
    next: /HTTP/,
  },
  {
    name: "Tomcat's AJP connector wants a secret, and has none",
    ...{ behind: "tomcat AJP/1.3", give: "ajp://$app" },
    ...{ layer: "head", cause: "application_is_slow", next: /secret/ },
  },
  {
    name: "Tomcat's AJP connector answers",
    ...{ behind: 'tomcat AJP/1.3 secretRequired="false"', give: "ajp://$app", ...well },
    with: PATIENT,
  },
  {
    name: "HTTP is spoken to Tomcat's AJP connector",
    ...{ behind: 'tomcat AJP/1.3 secretRequired="false"', give: "/" },
    front: nginx("proxy_pass http://$app;"),
    ...{ layer: "head", cause: "closes_without_answer", next: /protocol|ajp/i },
  },
];

/** One script, in a pool with one limit. */
const php = (limit: string, script: string): Pick<Case, "behind" | "front"> => ({
  behind: `fpm ${limit} ${script}`,
  front: nginx(
    "fastcgi_param REQUEST_METHOD $request_method; " +
      "fastcgi_param SCRIPT_FILENAME $folder/index.php; fastcgi_pass $app;",
  ),
});
const MEMORY = php(
  "php_admin_value[memory_limit]=8M",
  '<?php\techo(strlen(str_repeat("x",1<<26)));',
);
const TIME = php("php_admin_value[max_execution_time]=1", "<?php\tfor(;;);");
const SHOWN = php("php_admin_flag[display_errors]=on", "<?php\tno_such_function();");
/** A page, asked for without the parameters that every script needs. */
const BARE: Pick<Case, "behind" | "front"> = {
  behind: "fpm php_admin_flag[display_errors]=on <?php\techo(1);",
  front: nginx("fastcgi_param SCRIPT_FILENAME $folder/index.php; fastcgi_pass $app;"),
};
const overMemory = { layer: "process", cause: "script_over_memory", next: /memory_limit/ } as const;

const PHP: readonly Case[] = [
  { name: "PHP ends a script over its memory_limit", ...MEMORY, give: "config", ...overMemory },
  { name: "nginx answers 500: memory_limit of PHP", ...MEMORY, give: "/", ...overMemory },
  {
    ...{ name: "nginx answers an empty page: REQUEST_METHOD is not passed", ...BARE, give: "/" },
    ...{ layer: "config", cause: "request_method_missing", next: /fastcgi_params/ },
  },
  {
    ...{ name: "PHP shows a fatal error, with status 200", ...SHOWN, give: "/" },
    ...{ layer: "head", cause: "application_answers_error" },
  },
  {
    ...{ name: "PHP ends a script over its time", ...TIME, give: "config", with: PATIENT },
    ...{ layer: "process", cause: "script_over_time", next: /max_execution_time/ },
  },
];

const BUFFERED = nginx(
  "proxy_pass http://$app; proxy_buffers 2 4k; proxy_buffer_size 4k; " +
    "proxy_busy_buffers_size 4k; proxy_temp_path $full;",
);
const CACHED: readonly [string, string] = [
  "nginx",
  "proxy_cache_path $full keys_zone=kept:1m use_temp_path=off; server { listen $port; location / " +
    "{ proxy_pass http://$app; proxy_cache kept; proxy_cache_valid any 1m; } }",
];
const full = { layer: "process", cause: "disk_full", next: /df -h \S+full/ } as const;

/** Only root can make a disk. */
const DISKS: readonly Case[] = [
  {
    name: "nginx has no room for what it buffers",
    ...{ behind: "large", front: BUFFERED, give: "config", ...full },
  },
  {
    name: "nginx cuts an answer that it keeps: its disk is full",
    ...{ behind: "large", front: CACHED, give: "/", ...full },
  },
];

const OTHERS: readonly Case[] = [
  {
    name: "nginx and memcached are well",
    behind: "memcached",
    front: nginx("set $memcached_key $uri; memcached_pass $app;"),
    ...{ give: "config", ...well },
  },
  {
    name: "nginx speaks HTTP to memcached",
    ...{ behind: "memcached", front: nginx("proxy_pass http://$app;"), give: "/" },
    ...{ layer: "head", cause: "another_protocol", next: /port/ },
  },
  {
    name: "nginx speaks gRPC to a server of HTTP/1",
    ...{ behind: "gunicorn", front: nginx("grpc_pass grpc://$app;"), give: "config" },
    ...{ layer: "head", cause: "another_protocol", next: /HTTP/ },
  },
  {
    name: "nginx asks itself",
    ...{ behind: "nothing", front: nginx("proxy_pass http://$port;"), give: "config" },
    ...{ layer: "config", cause: "asks_itself", next: /address of the application/ },
  },
  {
    name: "HAProxy answers 503 to everything: its check is refused",
    ...{ behind: "nothing", front: haproxy("check inter 200ms"), give: "/", ...down },
  },
];

const ROOTS = process.getuid?.() === 0 ? DISKS : [];
export const CASES = [
  ...[...CADDY, ...VARNISH, ...LIGHTTPD, ...PYTHON, ...TOMCAT],
  ...[...PHP, ...ROOTS, ...OTHERS],
];
