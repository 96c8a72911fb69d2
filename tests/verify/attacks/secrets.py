"""8. Looks for a secret (a text) in its environment, in other processes', in open descriptors and in files; says where it is."""

import glob
import os

wanted, path = input().split()
places = {name: value for name, value in os.environ.items()}
for file in [*glob.glob("/proc/[0-9]*/environ"), *glob.glob("/proc/[0-9]*/cmdline"), path, "/etc/passwd", "/" + "root/.bashrc"]:
    try:
        with open(file, "rb") as opened:
            places[file] = opened.read(1 << 16).decode("latin-1")
    except OSError:
        pass
for descriptor in range(3, 256):
    try:
        places[f"descriptor {descriptor}"] = os.pread(descriptor, 1 << 16, 0).decode("latin-1")
    except OSError:
        pass
for name, value in places.items():
    if wanted in value:
        print("FOUND", name)
print("processes", len(glob.glob("/proc/[0-9]*")))
print("environment", *sorted(os.environ))
print("open", *sorted(int(one) for one in os.listdir("/proc/self/fd"))) if os.path.isdir("/proc/self/fd") else None
print("users", os.path.exists("/etc/passwd"), os.path.exists("/etc/shadow"), os.path.isdir("/home"))
