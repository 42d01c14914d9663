#!/usr/bin/env python3
"""What this machine has, what it lacks, what that costs and what mends it."""

import argparse
import ctypes
import errno
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
libc = ctypes.CDLL(None, use_errno=True)

PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241, "riscv64": 241,
                   "ppc64le": 319, "s390x": 331, "loongarch64": 241}
PTRACE_TRACEME = 0


def read(path, default=""):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read().strip()
    except OSError:
        return default


def field(path, name):
    found = re.search(rf"^{name}\s*[:=]\s*\"?([^\"\n]*)", read(path), re.MULTILINE)
    return found.group(1).strip() if found else ""


def output(*command):
    """The first line that a command prints, or ''."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True, timeout=20,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.splitlines()[0].strip() if done.returncode == 0 and done.stdout else ""


def gib(size):
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


def quota(build):
    """CPUs that the cgroup allows, as the library counts them."""
    try:
        rawmp = ctypes.CDLL(os.path.join(build, "primitives", "librawmp.so"))
    except OSError:
        return "n/a (the library is not built yet; make)"
    count = rawmp.mp_cpu_quota(b"")
    return count if count > 0 else "none"


def model():
    name = field("/proc/cpuinfo", "model name")
    return name or field("/proc/cpuinfo", "Hardware") or platform.processor() or platform.machine()


def machine(build):
    memory = int(field("/proc/meminfo", "MemTotal").split()[0]) * 1024
    flags = f" {field('/proc/cpuinfo', 'flags')} "
    return {
        "cpu model": model(),
        "architecture": platform.machine(),
        "cpus online": os.sysconf("SC_NPROCESSORS_ONLN"),
        "cpus by affinity": len(os.sched_getaffinity(0)),
        "cpus by cgroup quota": quota(build),
        "virtual machine": "yes" if " hypervisor " in flags else
                           "not known" if flags.isspace() else "no",
        "memory": gib(memory),
        "kernel": platform.release(),
        "system": field("/etc/os-release", "PRETTY_NAME") or "not known",
        "libc": " ".join(platform.libc_ver()) or "not known",
        "user": "root" if os.geteuid() == 0 else "ordinary",
    }


def tools():
    def pkg(name):
        version = output("pkg-config", "--modversion", name)
        return version or None

    uthash = re.search(r"define UTHASH_VERSION (\S+)", read("/usr/include/uthash.h"))
    versions = {
        "cc": output("cc", "--version"), "c++": output("c++", "--version"),
        "meson": output("meson", "--version"), "ninja": output("ninja", "--version"),
        "bats": output("bats", "--version"), "python3": output("python3", "--version"),
        "Google Benchmark": pkg("benchmark"), "GMP": pkg("gmp"), "zlib": pkg("zlib"),
        "libpng": pkg("libpng"), "uthash": uthash and uthash.group(1),
        "nettle": pkg("nettle"), "msgpack": pkg("msgpack-c") or pkg("msgpack"),
        "perf": output("perf", "--version"), "strace": output("strace", "--version"),
        "valgrind": output("valgrind", "--version"), "gdb": output("gdb", "--version"),
    }
    return {name: version or "missing" for name, version in versions.items()}


def check(name, value, ok, costs="", remedy=""):
    return {"name": name, "value": str(value), "ok": bool(ok),
            "costs": "" if ok else costs, "remedy": "" if ok else remedy}


def check_kernel():
    numbers = re.match(r"(\d+)\.(\d+)", platform.release())
    version = tuple(map(int, numbers.groups())) if numbers else (0, 0)
    return check("kernel", platform.release(), version >= (5, 4),
                 "processes need pidfds (5.4)", "a newer kernel")


def check_cpus():
    allowed = len(os.sched_getaffinity(0))
    return check("CPUs to run on", allowed, allowed >= 2,
                 "no speedup can be seen; speed gates are skipped",
                 "a machine or container with 2 CPUs")


def check_shm():
    try:
        st = os.statvfs("/dev/shm")
    except OSError as e:
        return check("/dev/shm", e.strerror, False, "named shared memory (lesson 03)",
                     "mount -t tmpfs tmpfs /dev/shm")
    size = st.f_blocks * st.f_frsize
    writable = os.access("/dev/shm", os.W_OK)
    return check("/dev/shm", gib(size) if writable else "not writable",
                 writable and size >= 64 << 20,
                 "large named objects", "docker run --shm-size=1g, or remount with a size")


def check_ptrace():
    """A child asks to be traced: refused in some containers."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if libc.ptrace(PTRACE_TRACEME, 0, 0, 0) == 0 else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return check("ptrace", "allowed" if status == 0 else "refused", status == 0,
                 "system calls cannot be counted with strace",
                 "docker run --cap-add=SYS_PTRACE")


def perf_open(kind, config, exclude_kernel):
    """perf_event_open of the calling process: 0 or the errno."""
    number = PERF_EVENT_OPEN.get(platform.machine())
    if number is None:
        return errno.ENOSYS
    attr = bytearray(128)
    attr[0:4] = kind.to_bytes(4, sys.byteorder)
    attr[4:8] = (128).to_bytes(4, sys.byteorder)
    attr[8:16] = config.to_bytes(8, sys.byteorder)
    flags = 1 | (exclude_kernel << 5) | (1 << 6)
    attr[40:48] = flags.to_bytes(8, sys.byteorder)
    buffer = (ctypes.c_char * 128).from_buffer(attr)
    fd = libc.syscall(number, buffer, 0, -1, -1, 0)
    if fd < 0:
        return ctypes.get_errno()
    os.close(fd)
    return 0


def check_software_events():
    level = read("/proc/sys/kernel/perf_event_paranoid", "none")
    error = perf_open(1, 3, 0)
    return check("perf software events", f"perf_event_paranoid={level}", error == 0,
                 "context switches by perf read n/a; getrusage still counts them",
                 "sudo sysctl kernel.perf_event_paranoid=1")


def check_pmu():
    error = perf_open(0, 0, 1)
    value = "there" if error == 0 else os.strerror(error)
    return check("PMU (hardware counters)", value, error == 0,
                 "cycles, instructions and cache misses read n/a",
                 "a machine that is not virtual, or one whose host passes its PMU on")


def check_tracepoints():
    for place in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing"):
        if os.access(f"{place}/events/raw_syscalls/sys_enter/id", os.R_OK):
            return check("tracepoints", place, True)
    return check("tracepoints", "not readable", False,
                 "system calls for each operation come from strace, or read n/a",
                 "mount -t tracefs tracefs /sys/kernel/tracing" if os.geteuid() == 0
                 else "run as root, or: sudo mount -o remount,mode=755 /sys/kernel/tracing")


def check_matplotlib():
    for python in filter(None, (os.environ.get("PYTHON"), "python3", "/usr/bin/python3")):
        version = output(python, "-c", "import matplotlib as m; print(m.__version__)")
        if version:
            return check("matplotlib", version, True)
    return check("matplotlib", "missing", False, "no pictures; the report has its tables",
                 "make setup")


def check_command(name, costs, remedy):
    path = shutil.which(name)
    return check(name, path or "missing", path, costs, remedy)


def checks():
    return [
        check_kernel(), check_cpus(), check_shm(), check_ptrace(), check_software_events(),
        check_pmu(), check_tracepoints(), check_matplotlib(),
        check_command("bats", "make test, and judging an exercise", "make setup"),
        check_command("strace", "system calls an unprivileged user can count",
                      "your system's strace package"),
        check_command("perf", "make perf", "your system's linux-perf package"),
    ]


def table(title, rows):
    print(title)
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"  {name:<{width}}  {value}")
    print()


def show(report):
    table("Machine", list(report["machine"].items()))
    table("Tools", list(report["tools"].items()))
    lacking = [c for c in report["checks"] if not c["ok"]]
    table("Checks", [(c["name"], ("ok       " if c["ok"] else "LACKING  ") + c["value"])
                     for c in report["checks"]])
    for c in lacking:
        print(f"{c['name']}: {c['value']}.\n  costs:  {c['costs']}\n  remedy: {c['remedy']}")
    if lacking:
        print(f"\n{len(lacking)} of {len(report['checks'])} lacking; everything else works all the same.")
    else:
        print("Nothing is lacking.")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="for programs: one JSON object")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "default"),
                        help="meson's build directory (default: %(default)s)")
    args = parser.parse_args()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    report = {"machine": machine(args.build), "tools": tools(), "checks": checks()}
    if args.json:
        json.dump(report, sys.stdout, indent=1)
        print()
    else:
        show(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
