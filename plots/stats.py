"""Medians, bootstrap intervals and Amdahl's law; the standard library only.

Every number that a picture or the report shows goes through here, so that the
two can never disagree, and by the rules of benchmarks/run.py, so that its
tables agree too: two cells of the same rounds are divided round by round, and
the ratio is the median of these; without rounds, medians are divided.
Intervals are percentile bootstraps (Efron 1979) with a fixed seed: the same
file always gives the same picture.

With few rounds a bootstrap is too narrow: the median of n values lies between
their extremes with probability 1 - 2^(1-n), which reaches 95 % only from n = 6.
`enough(n)` says so; who prints an interval asks it.
"""
import functools
import random

RESAMPLES = 2000
SEED = 1
LEVEL = 0.95


def median(values):
    v = sorted(values)
    n = len(v)
    if n == 0:
        raise ValueError("median of nothing")
    return v[n // 2] if n % 2 else (v[n // 2 - 1] + v[n // 2]) / 2


def enough(n):
    """Can n repetitions carry a 95 % interval of a median at all?"""
    return n >= 6


class Estimate:
    """A value with its interval; lo and hi are None below three repetitions."""

    def __init__(self, value, lo, hi, n):
        self.value, self.lo, self.hi, self.n = value, lo, hi, n

    def known(self):
        return self.lo is not None

    def above(self, x):
        """The whole interval lies above x."""
        return self.lo is not None and self.lo > x

    def below(self, x):
        return self.hi is not None and self.hi < x

    def __repr__(self):
        return "Estimate(%r, %r, %r, n=%d)" % (self.value, self.lo, self.hi, self.n)


class Sample:
    """The repetitions of one cell: values, and the rounds they come from."""

    def __init__(self, pairs):
        """pairs: [(round or None, value)]"""
        self.values = [v for _, v in pairs]
        self.rounds = None
        if all(r is not None for r, _ in pairs) and len({r for r, _ in pairs}) == len(pairs):
            self.rounds = dict(pairs)

    def __len__(self):
        return len(self.values)

    def median(self):
        return median(self.values)


def bootstrap(statistic, *samples):
    """statistic(*samples) with its interval; each sample resampled by itself."""
    return median_interval(tuple(samples[0])) if statistic is median \
        else resampled(statistic, *samples)


@functools.lru_cache(maxsize=None)
def median_interval(values):
    """Several pictures and sentences ask for the same."""
    return resampled(median, values)


def resampled(statistic, *samples):
    value = statistic(*samples)
    n = min(len(s) for s in samples)
    if n < 3:
        return Estimate(value, None, None, n)
    rng = random.Random(SEED)
    seen = sorted(statistic(*[rng.choices(s, k=len(s)) for s in samples])
                  for _ in range(RESAMPLES))
    cut = int(RESAMPLES * (1 - LEVEL) / 2)
    return Estimate(value, seen[cut], seen[-1 - cut], n)


def paired(above, below):
    """The ratios round by round; [] where the two have no round in common."""
    if above.rounds is None or below.rounds is None:
        return []
    return [v / below.rounds[r] for r, v in above.rounds.items() if r in below.rounds]


def ratio(above, below):
    """How many times below's time above takes, with its interval."""
    found = paired(above, below)
    if found:
        return bootstrap(median, found)
    return bootstrap(lambda a, b: median(a) / median(b), above.values, below.values)


def serial_fraction(relative):
    """Amdahl's s by least squares from {processes: time / sequential time}.

    The law is t = s + (1 - s) / n, linear in s: t - 1/n = s (1 - 1/n). One
    process says nothing (both sides are 0). At a single n this is the
    Karp-Flatt metric; over several it is their weighted mean.
    """
    num = den = 0.0
    for n, t in relative.items():
        x = 1 - 1 / n
        num += x * (t - 1 / n)
        den += x * x
    return num / den


def amdahl(sequential, times):
    """The fit with its interval; times = {processes: Sample}, n >= 2, or None."""
    counts = sorted(n for n in times if n >= 2)
    if not counts:
        return None

    def fit(*relative):
        return serial_fraction({n: median(r) for n, r in zip(counts, relative)})

    relative = [paired(times[n], sequential) for n in counts]
    if all(relative):
        return bootstrap(fit, *relative)
    return bootstrap(
        lambda seq, *rows: fit(*[[median(r) / median(seq)] for r in rows]),
        sequential.values, *[times[n].values for n in counts])


def amdahl_speedup(s, n):
    return 1 / (s + (1 - s) / n)
