"""The third gate: is the learner's program as fast as the reference?

One program does both, `PROGRAM --bench mine|reference ROUNDS`, and prints
nanoseconds.  Each round runs mine, the reference and the reference once more,
in random order; what counts is the median of mine / reference, with a 95 %
interval from the bootstrap.  reference / reference is the control: it has to
be 1, and tells how far this machine can be believed.
"""
import os
import random
import statistics

ROUNDS = 15
BENCH = 300             # operations in one run
STRAY = 0.10            # how far the control may be from 1


def interval(ratios, draw=random.Random(1), times=2000):
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios)))
                     for _ in range(times))
    return medians[times // 40], medians[-times // 40]


def verdict(mine, control, bar):
    """("passed", "failed" or "inconclusive", why) from the rounds' ratios."""
    ratio, still = statistics.median(mine), statistics.median(control)
    low, high = interval(mine)
    text = (f"{ratio:.2f} times the reference's time ({low:.2f} to {high:.2f}); "
            f"up to {bar:.2f} passes")
    if abs(still - 1) > STRAY:
        return "inconclusive", (f"{text}; but the reference beside itself gives "
                                f"{still:.2f}: run again on a quieter machine")
    if high <= bar:
        return "passed", text
    if low > bar:
        return "failed", text
    return "inconclusive", text


def judge(place, program, bar, progress):
    """Measure a program against the bar; as verdict."""
    if len(os.sched_getaffinity(0)) < 2:
        return "inconclusive", "not measured on a single CPU"

    def nanoseconds(how):
        status, output = place.run([str(program), "--bench", how, str(BENCH)],
                                   program.parent)
        value = output.strip()
        if status != 0 or not value.isdigit() or int(value) == 0:
            raise ValueError(f"--bench {how} ended with status {status}: {value}")
        return int(value)

    mine, control = [], []
    try:
        for _ in range(ROUNDS):
            progress.show("measuring")
            order = ["mine", "reference", "again"]
            random.shuffle(order)
            took = {x: nanoseconds("mine" if x == "mine" else "reference")
                    for x in order}
            mine.append(took["mine"] / took["reference"])
            control.append(took["again"] / took["reference"])
    except ValueError as e:
        return "failed", str(e)
    finally:
        progress.end()
    return verdict(mine, control, bar)
