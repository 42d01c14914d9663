"""Medians and bootstrap intervals, with the standard library only."""
import random
import statistics

median = statistics.median


def interval(values, of=median, level=0.95, draws=2000, seed=1):
    """The bootstrap interval of a statistic: None with fewer than 3 values.

    The values are resampled with a fixed seed, so that a result file gives the
    same interval each time it is read."""
    if len(values) < 3:
        return None
    rng = random.Random(seed)
    n = len(values)
    found = sorted(of(rng.choices(values, k=n)) for _ in range(draws))
    cut = int(draws * (1 - level) / 2)
    return found[cut], found[-1 - cut]


def spread(values):
    """The middle half of the values, as a share of the median."""
    if len(values) < 4:
        return (max(values) - min(values)) / median(values)
    low, _, high = statistics.quantiles(values, n=4)
    return (high - low) / median(values)


def percentile(buckets, q):
    """Of a histogram {value: how many}: nearest rank."""
    rank, seen = q * sum(buckets.values()), 0
    for value in sorted(buckets):
        seen += buckets[value]
        if seen >= rank - 1e-9:
            return value
    return None
