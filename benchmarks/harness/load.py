"""Who else was at work while we measured: foreign CPU time and steal."""
import os
import resource
import time

TICK = os.sysconf("SC_CLK_TCK")
FOREIGN, STEAL = 0.10, 0.05     # above: a round is loud


def _stat():
    """Busy and stolen seconds of all CPUs together since boot."""
    with open("/proc/stat") as f:
        t = [int(w) / TICK for w in f.readline().split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = t
    return user + nice + system + irq + softirq, steal


def _ours():
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        r = resource.getrusage(who)
        total += r.ru_utime + r.ru_stime
    return total


class Meter:
    """From its making to stop(), which is called when our children have been
    reaped: shares of all CPUs that others took."""

    def __init__(self):
        self.begin = time.monotonic(), _stat(), _ours()

    def stop(self):
        clock, (busy, steal), ours = self.begin
        seconds = max(time.monotonic() - clock, 1e-3)
        all_cpus = seconds * (os.cpu_count() or 1)
        now_busy, now_steal = _stat()
        foreign = (now_busy - busy - (_ours() - ours)) / all_cpus
        # Ticks are 10 ms wide: short times tell nothing.
        foreign = max(0.0, foreign) if seconds > 0.2 else 0.0
        stolen = (now_steal - steal) / all_cpus
        return {"seconds": round(seconds, 3), "foreign": round(foreign, 3),
                "steal": round(stolen, 3),
                "loud": foreign > FOREIGN or stolen > STEAL}


def warning():
    """A sentence if the machine is busy before we begin, else None."""
    meter = Meter()
    time.sleep(0.3)
    now = meter.stop()
    if now["loud"]:
        return (f"others use {now['foreign']:.0%} of the CPUs, and {now['steal']:.0%} "
                "are stolen by other virtual machines: expect noise; wait, or stop "
                "what causes it")
    return None
