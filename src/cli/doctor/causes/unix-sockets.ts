/**
 * Causes of connections that do not come about, over a Unix socket: the file system knows each.
 * So the verdict is certain wherever the file may be looked at.
 */

import { fault, said } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { Facts } from "../facts/facts.js";
import type { UnixSocketFacts } from "../facts/local-facts.js";
import { managedCause } from "./managed.js";

export function unixSocketCauses(facts: Facts): readonly Finding[] {
  const { endpoint, dialled, local } = facts;
  const socket = local?.unixSocket;
  const [dial] = dialled;
  if (endpoint.socketPath === null || socket == null || dial === undefined) return [];
  if (dial.step.result === "ok") return [];
  const evidence = [`${dial.step.name}: ${dial.step.detail}`];
  if (socket.closedFolder !== null) return [closedFolder(socket, socket.closedFolder, evidence)];
  // Its own manager knows best why a program does not listen.
  const managed = socket.exists && socket.listening ? null : managedCause(facts, evidence);
  if (managed?.confidence === "certain") return [managed];
  if (!socket.exists) return [missing(socket, evidence)];
  if (!socket.isSocket) return [noSocket(socket, evidence)];
  if (dial.errno === "EACCES" || dial.errno === "EPERM") return [forbidden(socket, evidence)];
  if (dial.errno === "EAGAIN" || isFull(socket)) return [full(socket, evidence)];
  if (!socket.listening) return [stale(socket, evidence)];
  return [];
}

function isFull({ waiting, backlog }: UnixSocketFacts): boolean {
  return waiting !== null && backlog !== null && waiting > backlog;
}

function missing({ path, beside }: UnixSocketFacts, evidence: readonly string[]): Finding {
  const [other] = beside;
  if (other === undefined) {
    return fault({
      cause: "socket_missing",
      layer: "connect",
      code: "unix_socket_missing",
      title: `${path} does not exist: the application is not started, or listens elsewhere.`,
      evidence,
      fix: "Start the application, and compare its listen setting with this path.",
    });
  }
  return fault({
    cause: "socket_path_wrong",
    layer: "connect",
    code: "unix_socket_missing",
    blame: "proxy",
    confidence: "likely",
    title: `${path} does not exist, but ${other} does.`,
    evidence: [...evidence, `sockets that exist: ${beside.join(", ")}`],
    fix: `Write ${other} in the proxy, or let the application listen at ${path}.`,
  });
}

function noSocket({ path }: UnixSocketFacts, evidence: readonly string[]): Finding {
  return fault({
    cause: "not_a_socket",
    layer: "connect",
    code: "connection_refused",
    blame: "proxy",
    title: `${path} is a file or a folder, and no socket.`,
    evidence,
    fix: "Correct the path, or remove the file so that the application can make its socket.",
  });
}

function forbidden(socket: UnixSocketFacts, evidence: readonly string[]): Finding {
  const { path, mode, owner, group } = socket;
  return fault({
    cause: "socket_mode_wrong",
    layer: "connect",
    code: "unix_socket_forbidden",
    title:
      `${path} is ${mode ?? "?"} ${owner ?? "?"}:${group ?? "?"}, and this user may ` +
      "not write.",
    evidence: said(...evidence, `this process runs as ${userInWords()}`),
    fix:
      `Give the socket the group of the proxy and mode 0660 (PHP-FPM: listen.group, ` +
      "listen.mode), or take the user of the proxy into that group.",
  });
}

function userInWords(): string {
  const groups = process.getgroups?.().join(", ") ?? "?";
  return `uid ${process.getuid?.() ?? "?"}, groups ${groups}`;
}

function closedFolder({ path }: UnixSocketFacts, folder: string, evidence: readonly string[]) {
  return fault({
    cause: "folder_closed",
    layer: "connect",
    code: "unix_socket_forbidden",
    title: `The folder ${folder} on the way to ${path} may not be entered by this user.`,
    evidence: [...evidence, `this process runs as ${userInWords()}`],
    fix: `chmod o+x ${folder}, or put the socket into a folder such as /run/NAME.`,
  });
}

function full({ waiting, backlog }: UnixSocketFacts, evidence: readonly string[]): Finding {
  return fault({
    cause: "backlog_full",
    layer: "connect",
    code: "unix_backlog_full",
    title: "The accept queue of the socket is full: the application does not keep up.",
    evidence: said(
      ...evidence,
      waiting !== null && `${waiting} connections wait, ${backlog ?? "?"} may`,
    ),
    fix: "PHP-FPM: look at the slow log and pm.max_children. Node: the event loop is stuck.",
  });
}

function stale({ path }: UnixSocketFacts, evidence: readonly string[]): Finding {
  return fault({
    cause: "socket_stale",
    layer: "connect",
    code: "connection_refused",
    title: `${path} exists, but no process listens on it: it was left by a process that ended.`,
    evidence,
    fix: "Start the application again; it must remove the old file before it listens.",
  });
}
