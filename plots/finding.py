"""One thing that is worth telling: a ratio and the sentence that tells it."""


class Finding:
    def __init__(self, estimate, sentence):
        self.estimate, self.sentence = estimate, sentence
        self.clear = estimate.above(1) or estimate.below(1)


def told(e, above="", below=""):
    """The end of a sentence: what it means, or that nothing can be told."""
    if e.above(1):
        return above + "."
    if e.below(1):
        return below + "."
    return ". The interval holds 1: no difference can be told." if e.known() else "."
