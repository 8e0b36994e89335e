/**
 * Messages of the system around a front: SELinux and AppArmor, which can deny what file modes
 * allow.
 */
import type { Dialect } from "./foreign-term.js";

/** audit(8) and `ausearch -m avc`; the kernel's log has the same lines. */
export const SELINUX: Dialect = {
  speaker: "SELinux",
  spoken: "in_lines",
  terms: [
    {
      fatal: true,
      term: "avc: denied { name_connect } … tclass=tcp_socket",
      match: /avc:\s+denied\s+\{[^}]*name_connect[^}]*\}/i,
      meaning: "SELinux does not let this program connect to that port: the log has errno 13.",
      failures: ["destination_ip_prohibited"],
      causes: [
        "By default a web server may not connect to any port (Red Hat's policy).",
        "The port has a label of its own that the program's domain may not use.",
      ],
      remedies: [
        "setsebool -P httpd_can_network_connect 1; for HAProxy: haproxy_connect_any 1",
        "Or give the port the label of web servers: semanage port -a -t http_port_t -p tcp PORT",
      ],
    },
    {
      fatal: true,
      term: "avc: denied { connectto } / { write } … unix_stream_socket",
      match: /avc:\s+denied\s+\{[^}]*(?:connectto|write)[^}]*\}.*(?:unix_stream_socket|sock_file)/i,
      meaning: "SELinux does not let this program use that socket file, regardless of its mode.",
      failures: ["unix_socket_forbidden"],
      causes: ["The socket has the label of a home folder, of /tmp, or of an unconfined service."],
      remedies: [
        "Put the socket into /run/NAME and give it a label: semanage fcontext, restorecon -Rv",
        "ausearch -m avc -ts recent | audit2allow -M local shows the missing rule.",
      ],
    },
    {
      fatal: true,
      term: "avc: denied { name_bind }",
      match: /avc:\s+denied\s+\{[^}]*name_bind/i,
      meaning: "SELinux does not let this program listen on that port: it does not start.",
      failures: ["connection_refused"],
      remedies: ["semanage port -a -t http_port_t -p tcp PORT"],
    },
    {
      fatal: true,
      term: "avc: denied",
      match: /avc:\s+denied|SELinux is preventing/i,
      meaning:
        "SELinux denies an action of this program; comm= is the program, tclass= the object.",
      failures: ["unix_socket_forbidden", "destination_ip_prohibited"],
      remedies: ["ausearch -m avc -ts recent, and sealert -a /var/log/audit/audit.log"],
    },
  ],
};

export const APPARMOR: Dialect = {
  speaker: "AppArmor",
  spoken: "in_lines",
  terms: [
    {
      fatal: true,
      term: 'apparmor="DENIED" operation="connect"',
      match: /apparmor="DENIED".*operation="(?:connect|file_perm|sendmsg)"/i,
      meaning: "The program's AppArmor profile does not let it use that socket.",
      failures: ["unix_socket_forbidden", "destination_ip_prohibited"],
      causes: ["The socket is in a folder that the profile does not name."],
      remedies: ["Add the path to /etc/apparmor.d/local/PROFILE, then apparmor_parser -r PROFILE."],
    },
    {
      fatal: true,
      term: 'apparmor="DENIED"',
      match: /apparmor="DENIED"/i,
      meaning: "The program's AppArmor profile denies an action; name= is the file.",
      failures: ["unix_socket_forbidden", "proxy_configuration_error"],
      remedies: ["aa-status names the profiles; aa-logprof proposes the missing rule."],
    },
  ],
};
