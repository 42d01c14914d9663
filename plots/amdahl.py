"""Amdahl's serial fraction in words: what it is, and what it consists of here.

The fraction is what the law needs to explain a curve. Serial code is one thing
that makes it; processes that are done early and wait, memory that all CPUs
share, and starting workers are others, and the law cannot tell them apart. Two
ways that differ in one thing only can: the same tasks handed out as blocks or
one by one differ in their shares, a process for each task and processes that
stay differ in their starts. What is left with the best way is not taken apart
here; a sentence says what the workload lets one expect.
"""
from results import interval_text, listed, percent, plural, word
from shapes import gap

LAW = ("Amdahl\u2019s law says time = s\u00a0+\u00a0(1\u00a0\u2212\u00a0s)/n, where s is "
       "the part that only one process can do.")

# Tasks that take unequal times by themselves: shares of equal number are uneven.
UNEVEN = {"factorial": "large numbers take longer", "primes": "large numbers take longer",
          "mandelbrot": "rows through the middle take longer",
          "irregular": "a few tasks take much longer"}

# What may be left when the shares are even.
REST = {
    "factorial": "the last and largest tasks, which nobody can share",
    "primes": "the last tasks, which nobody can share",
    "mandelbrot": "the last rows, which nobody can share",
    "image": "memory, which all CPUs share: a picture passes through it several times",
    "wordcount": "adding up all counts, which one process does in the end and the sequential "
    "run need not do",
    "sleeping": "waking those who sleep, and a last round in which some have nothing to do",
    "irregular": "a long task at the end, while the others have nothing to do",
}
READY = ("mp_pool", "openmp")       # whose workers are there before the clock starts


def one(m):
    return "%s\u00a0%%%s" % (percent(m.fit.value), gap(interval_text(m.fit, percent)))


def fitted(sp):
    """Methods that have a fit, the smallest first."""
    return sorted([m for m in sp.methods if m.fit], key=lambda m: m.fit.value)


def words(sp, brief=False):
    """What the fits of one workload say; brief: beside general() and parts()."""
    fits = fitted(sp)
    if not fits:
        return ("No point between 2 processes and the number of CPUs (%d): nothing "
                "to fit Amdahl\u2019s law to." % sp.cpus)
    low, high = fits[0], fits[-1]
    text = "%s%s behaves as if s were %s" % ("" if brief else LAW + " ", low.label, one(low))
    if high is not low:
        text += ", %s %s" % (high.label, one(high))
    out = [text + "."]
    near = [m.label for m in fits if m.fit.known() and m.fit.lo <= 0 <= m.fit.hi]
    if near:
        out.append("For %s the interval holds 0: no serial part can be seen." % listed(near))
    if high.fit.value > 1:
        out.append("More than 100\u00a0% means slower than the sequential run.")
    counts = max((m.fit_counts for m in sp.methods), key=len)
    if len(counts) == 1:
        out.append("The machine has %s, so each fit rests on one point (%s processes) and "
                   "cannot be checked against a second." % (plural(sp.cpus, "CPU"),
                                                             word(counts[0])))
    return " ".join(out + ([] if brief else parts(sp)))


def beyond(sp, how, other):
    """Both methods, if the one's fraction lies above the other's for certain."""
    a, b = sp.method(how), sp.method(other)
    if a and b and a.fit and b.fit and b.fit.known() and a.fit.above(b.fit.hi):
        return a, b
    return None


def parts(sp, brief=False):
    """What the fraction consists of, as far as can be told; brief: beside general()."""
    out = []
    found = [f for f in (beyond(sp, h, "fork_index") for h in ("fork_block", "fork_stride")) if f]
    if found:
        uneven = UNEVEN.get(sp.workload)
        why = "uneven shares (%s)" % uneven if uneven else "how the tasks are handed out"
        ways = listed("%s %s" % (a.label, one(a)) for a, _ in found)
        index = "%s %s" % (found[0][1].label, one(found[0][1]))
        out.append("%s, %s: %s." % (ways, index, why) if brief else
                   "%s, %s, with the same code and the same tasks: what lies between is not "
                   "serial code but %s%s." % (
                       ways, index, why, ", processes that are done early and wait"
                       if uneven else ""))
    starts = beyond(sp, "fork_task", "fork_index")
    if starts:
        out.append("%s: %s; what lies above %s is a start and an end for each task."
                   % (starts[0].label, one(starts[0]), starts[1].label))
    python = beyond(sp, "python_pool", "mp_pool")
    if python:
        out.append("%s: %s, %s %s%s." % (
            python[0].label, one(python[0]), python[1].label, one(python[1]), "" if brief else
            ". Each stands against its own sequential run, so the language\u2019s speed is not "
            "in it; pickling tasks and results and sending them through a pipe is"))
    best = [m for m in fitted(sp) if not m.how.startswith("python")]
    if best and sp.workload in REST and best[0].fit.above(0):
        out.append("What is left even with %s, %s, %smay be %s%s." % (
            best[0].label, one(best[0]), "" if brief else "is not taken apart here; it ",
            "" if best[0].how in READY else "starting the workers, or ", REST[sp.workload]))
    elif best and brief:
        out.append("With %s, %s: %s." % (best[0].label, one(best[0]),
                                         "no serial part can be seen" if best[0].fit.known()
                                         else "too few rounds to tell more"))
    return out


def general():
    """Once for all workloads, before the brief parts of each."""
    return (LAW + " It is no measurement of serial code, but all that keeps n processes from n "
            "times the speed: uneven shares, where those that are done early wait; memory, "
            "which all CPUs share; starting and ending workers, where that is in the time (the "
            "pools\u2019 and OpenMP\u2019s are there before); and what one process really does "
            "alone. Two ways that differ in one thing show how much that one thing is. "
            "Python\u2019s ways stand against Python\u2019s own sequential run: its speed is not "
            "in them, pickling and pipes are. What is left with the best way was not taken "
            "apart.")
