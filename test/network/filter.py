"""
A local firewall: connections of this process's group to 10.NET.1.x fail with EPERM.

Arguments: the process, the folder of a cgroup2, and NET. Puts the process into a group of its own
with a BPF program (cgroup/connect4) that refuses; prints `ready`. Where programs of packet filters
are not installed, this is what refuses a connection in the same way.
"""
import ctypes
import os
import struct
import sys

BPF, PROG_LOAD, PROG_ATTACH = 321 if os.uname().machine == "x86_64" else 280, 5, 8
CGROUP_SOCK_ADDR, INET4_CONNECT = 18, 10

process, folder, net = sys.argv[1], sys.argv[2], int(sys.argv[3])
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    memory = ctypes.create_string_buffer(attributes + bytes(128 - len(attributes)), 128)
    told = libc.syscall(BPF, command, memory, 128)
    if told < 0:
        raise OSError(ctypes.get_errno(), "bpf")
    return told


def step(code, target=0, source=0, offset=0, value=0):
    return struct.pack("<BBhi", code, source << 4 | target, offset, value)


program = b"".join([
    step(0x61, 2, 1, 4),  # r2 = user_ip4
    step(0x54, 2, value=0xFFFFFF),  # its first three bytes
    step(0xB7, 0, value=1),
    step(0x55, 2, offset=1, value=10 | net << 8 | 1 << 16),
    step(0xB7, 0, value=0),
    step(0x95),
])
code = ctypes.create_string_buffer(program, len(program))
licence = ctypes.create_string_buffer(b"GPL")
attributes = struct.pack("<IIQQIIQII", CGROUP_SOCK_ADDR, len(program) // 8, ctypes.addressof(code),
                         ctypes.addressof(licence), 0, 0, 0, 0, 0)
attributes += bytes(16) + struct.pack("<II", 0, INET4_CONNECT)
loaded = bpf(PROG_LOAD, attributes)
group = os.path.join(folder, "lab-%s" % process)
os.makedirs(group, exist_ok=True)
opened = os.open(group, os.O_RDONLY)
bpf(PROG_ATTACH, struct.pack("<IIII", opened, loaded, INET4_CONNECT, 0))
with open(os.path.join(group, "cgroup.procs"), "w") as file:
    file.write(process)
print("ready", flush=True)
