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


def wilcoxon(values):
    """The exact two-sided p of the signed-rank test that the values are as
    often and as far above 0 as below (Wilcoxon 1945)."""
    values = sorted((v for v in values if v != 0), key=abs)
    n = len(values)
    ranks = []      # doubled, so that the ranks of ties are whole numbers
    while len(ranks) < n:
        i = j = len(ranks)
        while j < n and abs(values[j]) == abs(values[i]):
            j += 1
        ranks += [i + 1 + j] * (j - i)
    ways = [1]      # ways[w]: how many choices of signs give the sum w
    for r in ranks:
        longer = ways + [0] * r
        for w, k in enumerate(ways):
            longer[w + r] += k
        ways = longer
    above = sum(r for r, v in zip(ranks, values) if v > 0)
    low = min(above, sum(ranks) - above)
    return min(1.0, 2 * sum(ways[:low + 1]) / 2 ** n)


def holm(ps):
    """The p values, adjusted for being many (Holm 1979)."""
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    adjusted, worst = [0.0] * len(ps), 0.0
    for k, i in enumerate(order):
        worst = max(worst, min(1.0, ps[i] * (len(ps) - k)))
        adjusted[i] = worst
    return adjusted
