"""
An emulated link between two network namespaces: two TUN devices, and rules for what passes.

Prints `ready` when the devices `near` and `far` exist. Reads one JSON message a line, and prints
`ok` when it holds: {"net": 12, "rule": {...} | null}, or {"net": 12, "forget": "silent" | "reset"}
for the connections that are open. A rule is for the faulty target of a scenario, 10.NET.1.x:

  delay, jitter  seconds, each way; jitter reorders packets
  loss           share of the packets, each way
  mtu, mtuDown   bytes; larger packets vanish, without a message to the sender; of answers alone
  rate           bytes per second towards each server
  syn            "drop", "icmp" (prohibited by an administrator), "protocol" (unreachable) or "reset"
  up, down       bytes of payload after which a connection passes nothing any more; down counts
                 what comes after `request` bytes of the other way
  machine        with up or down: nor does any other connection of that server, from then on
"""
import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x1, 0x1000
TCP, ICMP = 6, 1
FIN, SYN, RST, ACK = 1, 2, 4, 16

rules, flows, dead, free = {}, {}, set(), {}
waiting = []
chance = random.Random(7)


def device(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip_packet(protocol, source, target, payload):
    length = 20 + len(payload)
    head = struct.pack("!BBHHHBBH", 0x45, 0, length, 0, 0, 64, protocol, 0) + source + target
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def refused(packet, code):
    """ICMP type 3, from the server's address."""
    body = struct.pack("!BBHI", 3, code, 0, 0) + packet[:28]
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    return ip_packet(ICMP, packet[16:20], packet[12:16], body)


def reset(packet, tcp):
    source, target, sequence, acknowledged, offset, flags = struct.unpack("!HHIIBB", tcp[:14])
    payload = len(tcp) - (offset >> 4) * 4
    ack = (sequence + payload + (1 if flags & (SYN | FIN) else 0)) & 0xFFFFFFFF
    answer = struct.pack("!HHIIBBHHH", target, source, acknowledged, ack, 0x50, RST | ACK, 0, 0, 0)
    pseudo = packet[16:20] + packet[12:16] + struct.pack("!BBH", 0, TCP, len(answer))
    answer = answer[:16] + struct.pack("!H", checksum(pseudo + answer)) + answer[18:]
    return ip_packet(TCP, packet[16:20], packet[12:16], answer)


def stopped(rule, packet, tcp, up):
    """None for a packet that passes; else what goes back to its sender, which may be nothing."""
    server = packet[16:20] if up else packet[12:16]
    ports = tcp[:4] if up else tcp[2:4] + tcp[:2]
    flags, key = tcp[13], server + ports
    mtu = rule.get("mtu", 65535) if up else rule.get("mtuDown", rule.get("mtu", 65535))
    if server in dead or len(packet) > mtu:
        return b""
    if up and flags & SYN:
        flows.pop(key, None)
        if "syn" in rule:
            answers = {"drop": b"", "reset": reset(packet, tcp)}
            answers |= {"icmp": refused(packet, 13), "protocol": refused(packet, 2)}
            return answers[rule["syn"]]
    flow = flows.setdefault(key, {"up": 0, "down": 0, "end": None})
    if flow["end"] is not None:
        return reset(packet, tcp) if up and flow["end"] == "reset" and not flags & RST else b""
    way = "up" if up else "down"
    payload = len(tcp) - (tcp[12] >> 4) * 4
    if not up and flow["up"] < rule.get("request", 0):
        return None
    if way in rule and payload > 0 and flow[way] + payload > rule[way]:
        flow["end"] = "silent"
        if rule.get("machine"):
            dead.add(server)
        return b""
    flow[way] += payload
    return b"" if chance.random() < rule.get("loss", 0) else None


def take(packet, up, back, onward):
    if packet[0] >> 4 != 4:
        return
    server = packet[16:20] if up else packet[12:16]
    rule = rules.get(server[1]) if server[2] == 1 else None
    if rule is None:
        send(onward, packet)
        return
    if packet[9] == TCP:
        answer = stopped(rule, packet, packet[(packet[0] & 15) * 4 :], up)
        if answer is not None:
            if answer:
                send(back, answer)
            return
    at = time.monotonic()
    if up and "rate" in rule:
        at = max(at, free.get(server, 0)) + len(packet) / rule["rate"]
        free[server] = at
    at += rule.get("delay", 0) + chance.random() * rule.get("jitter", 0)
    heapq.heappush(waiting, (at, len(waiting), onward, packet))


def send(fd, packet):
    try:
        os.write(fd, packet)
    except OSError:
        pass


def control(line):
    message = json.loads(line)
    net = message["net"]
    if "forget" in message:
        for key, flow in flows.items():
            if key[1] == net:
                flow["end"] = message["forget"]
    elif message["rule"] is None:
        rules.pop(net, None)
    else:
        rules[net] = message["rule"]
    print("ok", flush=True)


def main():
    near, far = device("near"), device("far")
    print("ready", flush=True)
    pending = b""
    while True:
        wait = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([near, far, 0], [], [], wait)
        for fd in ready:
            if fd == 0:
                data = os.read(0, 65536)
                if not data:
                    return
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    control(line)
                continue
            try:
                packet = os.read(fd, 65536)
            except OSError:
                continue
            take(packet, fd == near, fd, far if fd == near else near)
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, fd, packet = heapq.heappop(waiting)
            send(fd, packet)


main()
