/**
 * A Unix socket as the front sees it: by its own user, below its own root. That the doctor may
 * connect says nothing about it, and that the doctor may not says nothing either.
 */
import { fault, note } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { ConfiguredUpstream, FrontConfig } from "../config/front-config.js";
import type { Facts } from "../facts/facts.js";
import { type Access, accessOf, idsOf } from "../local/access.js";
import type { RunningFront } from "../local/fronts.js";
import type { DoctorWorld } from "../world/world.js";

/** Causes that are those of this user alone, once the front is known to have the right. */
export const OF_THIS_USER: readonly string[] = ["socket_mode_wrong", "folder_closed"];

export async function frontAccess(
  world: DoctorWorld,
  { user, chroot, front }: Pick<FrontConfig, "user" | "chroot" | "front">,
  running: RunningFront | null,
  { where }: ConfiguredUpstream,
  { endpoint, dialled }: Facts,
): Promise<readonly Finding[]> {
  const path = endpoint.socketPath;
  if (path === null || path.startsWith("@") || front === "good-gateway") return [];
  const [dial] = dialled;
  if (dial?.errno === "ENOENT" || dial?.errno === "ECONNREFUSED") return [];
  const named = user === null ? null : await idsOf(world, user.user, user.group);
  const ids = running?.ids ?? named;
  const name = running?.user ?? user?.user ?? front;
  const root = running?.root ?? `${world.root}${chroot ?? ""}`;
  const seen = await accessOf(root, path, ids);
  const connected = dial?.step.result === "ok";
  if (seen.kind === "granted" && !connected && ids !== null) return [notForUs(path, name, where)];
  if (seen.kind === "missing" && connected) return [hidden(path, front, chroot, where)];
  if (ids === null) return [];
  return seen.kind === "folder" || seen.kind === "socket" ? [refused(seen, path, name, where)] : [];
}

function refused(
  { kind, path: closed, mode }: Extract<Access, { kind: "folder" | "socket" }>,
  path: string,
  name: string,
  where: Finding["where"],
): Finding {
  const folder = kind === "folder";
  return fault({
    cause: folder ? "folder_closed" : "socket_mode_wrong",
    layer: "connect",
    code: "unix_socket_forbidden",
    title: folder
      ? `The front runs as ${name}, who may not enter ${closed} on the way to ${path}.`
      : `The front runs as ${name}, who may not write to ${path} (mode ${mode}).`,
    evidence: [`${closed} has mode ${mode}`, "its log says (13: Permission denied)"],
    fix: folder
      ? "Open the folder for passing through, or put the socket into one of its own in /run:"
      : "Give the socket the group of the front (PHP-FPM: listen.group and listen.mode), or:",
    write: folder ? `chmod o+x ${closed}` : `chgrp ${name} ${path} && chmod 0660 ${path}`,
    ...(where === undefined ? {} : { where }),
  });
}

function hidden(
  path: string,
  front: string,
  chroot: string | null,
  where: Finding["where"],
): Finding {
  const jail = chroot !== null;
  return fault({
    cause: "socket_hidden_from_front",
    layer: "connect",
    blame: "proxy",
    code: "unix_socket_missing",
    title: jail
      ? `${path} exists, but ${front} runs in the chroot ${chroot} and looks for ${chroot}${path}.`
      : `${path} exists, but not in the file system that ${front} sees (PrivateTmp, container).`,
    evidence: ["the socket takes connections from here", "the front answers: No such file"],
    fix: jail
      ? "Let the application listen below that folder, or leave chroot out:"
      : "Put the socket into a folder in /run; /tmp of a systemd service may be its own:",
    write: jail ? `${chroot}${path}` : "RuntimeDirectory=NAME  # and listen at /run/NAME/app.sock",
    ...(where === undefined ? {} : { where }),
  });
}

function notForUs(path: string, name: string, where: Finding["where"]): Finding {
  return note({
    cause: "not_for_this_user",
    layer: "connect",
    title: `This user may not connect to ${path}, but ${name} may, as whom the front runs.`,
    evidence: [],
    fix: `Ask again as that user: sudo -u ${name} npx good-gateway doctor …`,
    ...(where === undefined ? {} : { where }),
  });
}
