/**
 * Events and states of Kubernetes, messages of Docker, and of servers for other languages
 * (gunicorn, uWSGI, Puma): why nothing listens at the address.
 */
import type { Dialect } from "./foreign-term.js";

export const ORCHESTRATORS: Dialect = {
  speaker: "Kubernetes or Docker",
  spoken: "in_lines",
  terms: [
    {
      term: "CrashLoopBackOff / Back-off restarting failed container",
      match: /CrashLoopBackOff|Back-off restarting failed container/i,
      meaning: "The container keeps exiting, and is restarted after increasingly long waits.",
      failures: ["connection_refused", "no_healthy_target"],
      remedies: ["kubectl logs POD --previous, and Last State of kubectl describe pod POD."],
    },
    {
      term: "ImagePullBackOff / ErrImagePull / CreateContainerConfigError",
      match: [
        /ImagePullBackOff|ErrImage\w+|CreateContainer(?:Config)?Error|RunContainerError/,
        /runAsNonRoot/,
        /InvalidImageName|Failed to pull image|pull access denied|manifest unknown/,
      ],
      meaning: "The container was never started: its image, a secret or a config map is missing.",
      failures: ["no_healthy_target", "connection_refused"],
    },
    {
      term: "probe failed: … connect: connection refused",
      match: /probe failed:.*connection refused/i,
      meaning: "Nothing listens at the port of the probe: the application is not up, or elsewhere.",
      failures: ["connection_refused", "no_healthy_target"],
      remedies: ["Compare the port of the probe with the one on which the application listens."],
    },
    {
      term: "probe failed: … Client.Timeout exceeded while awaiting headers",
      match: /probe failed:.*(?:Client\.Timeout|deadline exceeded|i\/o timeout)/i,
      meaning: "The application did not answer the probe in its time.",
      failures: ["http_response_timeout", "connection_timeout", "no_healthy_target"],
      remedies: ["timeoutSeconds is one second by default; a slow start needs a startup probe."],
    },
    {
      term: "probe failed: … read: connection reset by peer",
      match: /probe failed:.*(?:connection reset|\bEOF\b)/i,
      meaning: "What listens at the port of the probe ended the connection without an answer.",
      failures: ["connection_terminated", "no_healthy_target"],
      remedies: ["Compare scheme and port of the probe; then read the log of the application."],
    },
    {
      term: "Readiness probe failed: HTTP probe failed with statuscode: 503",
      match: /Readiness probe failed/i,
      meaning: "The pod runs, but is removed from its service: it gets no requests.",
      failures: ["no_healthy_target"],
      remedies: [
        "Test the path from inside: kubectl exec POD -- wget -qO- localhost:PORT/readyz?verbose.",
        "timeoutSeconds is one second by default.",
      ],
    },
    {
      term: "Liveness probe failed / Startup probe failed",
      match: /(?:Liveness|Startup) probe failed|failed (?:liveness|startup) probe/i,
      meaning: "The container is killed and restarted; its requests are cut.",
      failures: ["connection_terminated", "connection_refused"],
      remedies: ["A liveness probe must not depend on other services; give it five seconds."],
    },
    {
      term: "kubectl get pods: 0/1 Running",
      match: /^\S+ +0\/\d+ +(?:Running|Pending|ContainerCreating|Terminating) /,
      meaning: "The pod is not ready, so its service sends it nothing.",
      failures: ["no_healthy_target", "connection_refused"],
      remedies: ["kubectl describe pod POD: Events has the probe that fails, or why it waits."],
    },
    {
      term: "kubectl get pods: 0/1 Error",
      match: /^\S+ +0\/\d+ +(?:Init:)?(?:Error|OOMKilled|Evicted|Completed|Failed) /,
      meaning: "The container of the pod has ended.",
      failures: ["connection_refused", "connection_terminated", "no_healthy_target"],
      remedies: ["kubectl logs POD --previous, and Last State of kubectl describe pod POD."],
    },
    {
      term: "no endpoints available for service / Service does not have any active Endpoint",
      match: [
        /no endpoints available|does not have any active Endpoint|Endpoints: +<none>/i,
        /^\S+ +<none> +\d+[smhd]\d*[smhd]?$/,
      ],
      meaning: "No ready pod matches the selector of the service.",
      failures: ["no_healthy_target"],
      remedies: [
        "Compare selector and targetPort of the service with labels and port of the pods.",
      ],
    },
    {
      term: "FailedScheduling / Evicted / Preempting",
      match: [
        /FailedScheduling|\bEvicted\b|Preempt(?:ed|ing)|NodeNotReady|TaintManagerEviction/,
        /node was low on resource/,
      ],
      meaning: "The pod has no place, or was moved away from its node.",
      failures: ["no_healthy_target", "connection_terminated"],
    },
    {
      term: "FailedMount / FailedCreatePodSandBox / configmap not found",
      match: [
        /FailedMount|FailedAttachVolume|FailedCreatePodSandBox/,
        /(?:configmap|secret) "\S+" not found/,
      ],
      meaning: "The pod does not start: a volume, a secret or its network is missing.",
      failures: ["no_healthy_target", "connection_refused"],
      remedies: ["kubectl describe pod POD; the name in quotes is what is missing."],
    },
    {
      term: "Bind for 0.0.0.0:… failed: port is already allocated",
      match: [
        /port is already allocated|Ports are not available|failed to bind (?:host )?port/i,
        /listen \w+ \S+: bind: address already in use/,
      ],
      meaning: "Another process or container has the port, so this one does not start.",
      failures: ["connection_refused"],
      remedies: ["docker ps --filter publish=PORT, or ss -ltnp, names it."],
    },
    {
      term: "OCI runtime create failed / executable file not found",
      match: [
        /OCI runtime (?:create|exec) failed|executable file not found in \$PATH/i,
        /exec format error|no matching manifest for|starting container process caused/i,
      ],
      meaning: "The container does not start: its command, a mount or its architecture is wrong.",
      failures: ["connection_refused", "no_healthy_target"],
      remedies: ["The words after it name the file; exec format error: built for another CPU."],
    },
    {
      term: "network … not found / No such container",
      match: /from daemon: network \S+ not found|No such (?:container|service): /i,
      meaning: "The container or its network does not exist, so its name has no address.",
      failures: ["dns_name_not_found", "connection_refused"],
      remedies: ["docker compose up -d; both containers must share a network."],
    },
    {
      term: "default backend - 404",
      match: /default backend - 404/,
      meaning: "No Ingress has this host and path: the default backend answers.",
      failures: ["destination_not_found"],
      remedies: ["kubectl get ingress -A: host, path, and ingressClassName"],
    },
    {
      term: "container is unhealthy / Up 4 minutes (unhealthy)",
      match: /container \S+ is unhealthy|\bUp (?:About )?\S+ \w+ \(unhealthy\)/i,
      meaning: "The container runs and fails its health check, so proxies leave it out.",
      failures: ["no_healthy_target", "connection_refused"],
      remedies: [
        "docker inspect -f '{{json .State.Health}}' NAME shows what the check said.",
        "The check's command (curl, wget) must be in the image, its port that of the process.",
      ],
    },
    {
      term: "Error response from daemon / Exited (137)",
      match: [/container \S+ is not running|Exited \([1-9]\d*\)|Restarting \(\d+\)/i],
      meaning: "The container does not run; 137: killed (memory?), 143: ended by SIGTERM.",
      failures: ["connection_refused", "no_healthy_target", "dns_name_not_found"],
      remedies: [
        "docker logs --tail 50 NAME",
        "docker inspect -f '{{.State.OOMKilled}} {{.State.Error}}' NAME",
      ],
    },
  ],
};

export const APPLICATION_SERVERS: Dialect = {
  speaker: "application server",
  spoken: "in_lines",
  terms: [
    {
      term: "[CRITICAL] WORKER TIMEOUT",
      match: [
        /WORKER TIMEOUT|Worker \(pid:\s*\d+\) (?:was sent SIG|exited)/i,
        /worker \d+ (?:died|respawned)/i,
      ],
      meaning:
        "gunicorn or uWSGI killed a worker that did not answer in time; its request was cut.",
      failures: ["connection_terminated", "http_response_timeout"],
      remedies: ["--timeout (30 s) below the proxy's own; look for the slow call, or for memory."],
    },
    {
      term: "uWSGI listen queue of socket … full",
      match: /listen queue of socket .* full/i,
      meaning: "More connections wait than the backlog takes: all workers are busy.",
      failures: ["unix_backlog_full", "connection_timeout"],
      remedies: ["Raise listen and net.core.somaxconn, and look why the workers are busy."],
    },
    {
      term: "uwsgi_response_write_body_do(): Broken pipe / OSError: write error",
      match: /uwsgi_response_write\w*\(\)|OSError: write error|SIGPIPE: writing to a closed pipe/i,
      meaning: "The proxy or client left before the application answered.",
      failures: ["client_closed_request", "http_response_timeout"],
    },
    {
      term: "worker process … exited on signal 9 (nginx, Apache child pid … exit signal)",
      match: /worker process \d+ exited on signal|child pid \d+ exit signal/i,
      meaning: "A worker of the web server itself was killed or crashed; its connections were cut.",
      failures: ["connection_terminated"],
    },
  ],
};
