/**
 * Messages of the kernel and of process managers when an application ends: the other half of the
 * evidence for a refused or cut connection.
 */
import type { Dialect } from "./foreign-term.js";

export const MANAGERS: Dialect = {
  speaker: "process manager or kernel",
  spoken: "in_lines",
  terms: [
    {
      term: "Out of memory: Killed process …",
      fatal: true,
      match: [
        /Out of memory: Kill(?:ed)? process|oom-kill|oom_reaper|OOMKilled|result 'oom-kill'/i,
        /^\s*OOM\s*$|killed by the OOM killer/i,
        /[Rr]an out of memory \(used over|[Oo]ut of memory \(used over/,
      ],
      meaning: "The kernel killed a process, since the machine or its cgroup had no memory left.",
      failures: ["connection_terminated", "connection_refused", "http_response_incomplete"],
      remedies: [
        "Compare memory.max of the cgroup with --max-old-space-size and the real need.",
        "Look for a leak: memory that grows from start to kill in every run of the process.",
      ],
    },
    {
      term: "exited with code 137 / status=9/KILL",
      match: /(?:exit(?:ed)?(?: with)?(?: code| status)?[ :=(]+137\b)|status=9\/KILL|SIGKILL/i,
      meaning: "The process was killed (signal 9): out of memory, or it took too long to stop.",
      failures: ["connection_terminated", "connection_refused", "http_response_incomplete"],
      causes: [
        "The kernel's out-of-memory killer.",
        "The manager lost patience: PM2 1.6 s, supervisord 10 s, Kubernetes 30 s, systemd 90 s.",
      ],
      remedies: ["installShutdown() drains within that time, and warns when it is too short."],
    },
    {
      term: "exited with code 139 / signal SIGSEGV",
      match: [
        /exit(?:ed)?(?: with)?(?: code| status)?[ :=(]+139\b|SIGSEGV/i,
        /segfault at|^Segmentation fault/i,
      ],
      meaning: "The process crashed in native code.",
      failures: ["connection_terminated", "connection_refused"],
    },
    {
      term: "Failed at step EXEC spawning …",
      match: /Failed at step [A-Z]+ spawning|Failed to set up (?:mount|network|user) namespac/i,
      meaning: "systemd could not start the process: wrong program, folder, user or limits.",
      failures: ["connection_refused"],
      remedies: ["The path in ExecStart or its #! line, its mode, WorkingDirectory, User."],
    },
    {
      term: "Active: failed (Result: …)",
      match: /Active: (?:failed|inactive \(dead\)|activating \(auto-restart\))/,
      meaning: "The service does not run: it ended with an error, was stopped, or starts anew.",
      failures: ["connection_refused", "connection_terminated"],
      remedies: ["journalctl -u NAME -n 50 has its last words; then systemctl start NAME."],
    },
    {
      term: "start operation timed out / Dependency failed / Failed to listen on sockets",
      match: [
        /(?:start|reload) operation timed out|Dependency failed for|Failed to listen on/i,
        /systemd\[\d+\]: Failed to start|Failed to start \S+\.service/i,
      ],
      meaning: "systemd did not start the service.",
      failures: ["connection_refused"],
      remedies: ["journalctl -u NAME -n 50; Type=notify needs a program that reports ready."],
    },
    {
      term: "State 'stop-sigterm' timed out. Killing.",
      match: /State '(?:stop|final)-\w+' timed out/i,
      meaning: "The process did not end within TimeoutStopSec, and was killed with its requests.",
      failures: ["connection_terminated", "http_response_incomplete"],
      remedies: ["installShutdown() ends in time; TimeoutStopSec above the longest request."],
    },
    {
      term: "nf_conntrack: table full, dropping packet",
      match: /nf_conntrack: (?:nf_conntrack: )?table full/i,
      meaning: "The kernel tracks as many connections as it may, and drops new ones.",
      failures: ["connection_timeout", "local_resources_exhausted"],
      remedies: ["Reuse connections; then raise net.netfilter.nf_conntrack_max."],
    },
    {
      term: "TCP: out of memory / Out of socket memory",
      match: /TCP: out of memory|out of socket memory|too many orphaned sockets/i,
      meaning: "The kernel has no memory left for sockets.",
      failures: ["local_resources_exhausted", "connection_terminated"],
      remedies: ["ss -s shows what holds them; net.ipv4.tcp_mem."],
    },
    {
      term: "http: panic serving …",
      match: /http: panic serving/,
      meaning: "Go: the handler of this request panicked, and its connection was closed.",
      failures: ["connection_terminated", "received_server_error"],
      remedies: ["The stack below it names the line."],
    },
    {
      term: "panic: … / triggerUncaughtException / ERR_UNHANDLED_REJECTION",
      match: [
        /^panic: |^fatal error: (?:all goroutines|runtime)|triggerUncaughtException/,
        /ERR_UNHANDLED_REJECTION|UnhandledPromiseRejection: /,
      ],
      meaning: "The process ended with an error that nothing caught; its requests were cut.",
      failures: ["connection_terminated", "connection_refused"],
      remedies: ["The stack below it names the line."],
    },
    {
      term: "status=203/EXEC, 200/CHDIR, 217/USER, 226/NAMESPACE",
      match: /status=2(?:0\d|1\d|2\d)\/[A-Z]/,
      meaning: "systemd could not start the process: wrong program, folder, user or limits.",
      failures: ["connection_refused"],
      remedies: [
        "203: path or #! of ExecStart. 200: WorkingDirectory. 217: User. journalctl -u NAME",
      ],
    },
    {
      term: "Failed with result 'watchdog' / 'timeout' / 'start-limit-hit'",
      match: /Failed with result '(?:watchdog|timeout|start-limit-hit|exit-code|signal|core-dump)'/,
      meaning: "systemd stopped the service or gave up; the word in quotes says why.",
      failures: ["connection_refused", "connection_terminated"],
      remedies: [
        "watchdog: its event loop hung. timeout: it did not report ready, or did not stop in time.",
      ],
    },
    {
      term: "[PM2] App … exited with code [1]",
      match: [
        /App \[[^\]]+\] exited with code|too many unstable restarts|"errored"/i,
        /PM2.*\berrored\b|[│|] (?:errored|stopped) +[│|]/i,
      ],
      meaning: "The application's process exited; after 16 quick exits PM2 gives up (errored).",
      failures: ["connection_refused", "connection_terminated"],
      remedies: ["pm2 logs NAME --err --lines 50; then pm2 restart NAME."],
    },
    {
      term: "[PM2][ERROR] Script already launched / Script not found",
      match: /\[PM2\]\[ERROR\]|Script already launched|Script not found/i,
      meaning: "PM2 did not start the application.",
      failures: ["connection_refused"],
    },
    {
      term: "exited with code 1; not expected",
      match: /exited: .*\(exit status \d+; not expected\)|Main process exited, code=exited/i,
      meaning: "The application exited on its own, with an error.",
      failures: ["connection_refused", "connection_terminated"],
      remedies: ["Its own log has the error: an uncaught exception or an unhandled rejection."],
    },
    {
      term: "Start request repeated too quickly / entered FATAL state",
      match: /Start request repeated too quickly|entered FATAL state|too many start retries/i,
      meaning: "The manager has given up: the application is down until it is started by hand.",
      failures: ["connection_refused"],
      remedies: [
        "systemd: StartLimitIntervalSec and RestartSec; supervisord: startretries.",
        "First fix the error that makes it exit at startup.",
      ],
    },
    {
      term: "[PM2] … kill timeout / process … has been killed",
      match: /Process with pid \d+ still alive after \d+ms|has been killed after/i,
      meaning: "PM2 killed the process, since it did not exit within kill_timeout (1600 ms).",
      failures: ["connection_terminated", "http_response_incomplete"],
      remedies: ["Raise kill_timeout above lameDuckMs and drainTimeoutMs together."],
    },
    {
      term: "[php-fpm] server reached pm.max_children setting",
      match: /server reached (?:pm\.)?max_children/i,
      meaning: "All workers of the PHP-FPM pool are busy; further requests wait in its backlog.",
      failures: ["unix_backlog_full", "http_response_timeout", "connection_timeout"],
      remedies: ["Find the slow scripts (slowlog) before raising pm.max_children."],
    },
    {
      term: "[php-fpm] child … exited on signal",
      match: /child \d+ (?:said|exited) on signal|execution timed out .*terminating/i,
      meaning: "A PHP-FPM worker died or was killed while it served a request.",
      failures: ["connection_terminated"],
      remedies: ["Check request_terminate_timeout, memory_limit and the PHP error log."],
    },
    {
      term: "TCP: request_sock_TCP: Possible SYN flooding / listen queue overflow",
      match: /Possible SYN flooding|listen queue.*overflow/i,
      meaning: "The accept queue of a listening socket is full: the application does not keep up.",
      failures: ["connection_timeout", "connection_refused"],
      remedies: ["First check for a stuck event loop; then somaxconn and the listen() backlog."],
    },
  ],
};

/** Bare exit codes, as `docker ps`, `kubectl get pods` and shells print them. */
export const EXIT_CODES: Dialect = {
  speaker: "exit code of a process",
  spoken: "as_a_word",
  terms: [
    {
      term: "134",
      match: "134",
      meaning: "SIGABRT: the process aborted; Node does so when its heap is full.",
      failures: ["connection_terminated", "connection_refused"],
      remedies: ['The last lines of its log: "heap out of memory" names --max-old-space-size.'],
    },
    {
      term: "137",
      match: "137",
      meaning: "SIGKILL: the process was killed, out of memory, or it took too long to stop.",
      failures: ["connection_terminated", "connection_refused", "http_response_incomplete"],
      causes: [
        "The kernel's out-of-memory killer.",
        "The manager lost patience: PM2 1.6 s, supervisord 10 s, Kubernetes 30 s, systemd 90 s.",
      ],
      remedies: [
        "dmesg -T | grep -i 'killed process', or kubectl describe pod, names the process.",
        "Compare memory.max of the cgroup with --max-old-space-size and the real need.",
      ],
    },
    {
      term: "139",
      match: "139",
      meaning: "SIGSEGV: the process crashed in native code.",
      failures: ["connection_terminated", "connection_refused"],
      remedies: ["Suspect native add-ons first: rebuild them for this version of Node."],
    },
    {
      term: "143",
      match: "143",
      meaning:
        "SIGTERM: the process was requested to exit: a deployment, a scale-down, a failed probe.",
      failures: ["connection_refused", "connection_terminated", "draining"],
      remedies: ["If requests were lost, the process did not drain: installShutdown() does that."],
    },
  ],
};
