"""The report's sections on other machines: results that were measured elsewhere and
lie in a folder of their own (plots/data), one file for each family and machine.

They stand apart from this machine's: no sentence sets the two beside each other,
because nothing was measured in the same run.
"""
import glob
import os

import machine
import results
from page import bad, esc, missing, p
from results import Bad, shown
from sections import warnings


class Other:
    """One file: which family it holds, what was read of it."""

    def __init__(self, path, families):
        self.path = path
        self.res = self.found = self.part = None
        self.lack = ""
        try:
            heads = first_names(path)
            for part in families:
                if heads & {part.name, *part.heads}:
                    self.part = part
                    self.res = results.read([path], part.name, part.heads)
                    self.found = part.analyse(self.res)
                    return
            raise Bad("%s: no family that this page knows (%s)" % (
                shown(path), ", ".join(sorted(heads)) or "no names"))
        except Bad as e:
            self.res, self.lack = None, bad(e)

    def key(self):
        return results.fingerprint(self.res.context)

    def html(self, pictures):
        return "<h3>%s</h3>\n%s%s" % (esc(self.part.title), warnings(self.res),
                                      self.part.section(self.res, self.found, pictures))


def first_names(path):
    """How the names of a file begin."""
    data = results.load(path, results.REMEDY)
    found = [results.split(e["name"])[0]
             for e in results.objects(data.get("benchmarks")) if "name" in e]
    if not found:
        raise Bad("%s: no benchmark results in it" % shown(path))
    return {names[0] for names in found if names}


def read(folder, families):
    """Other for each JSON file of the folder, in the order of the page's families; none
    if there is no such folder."""
    found = [Other(f, families) for f in sorted(glob.glob(os.path.join(
        glob.escape(folder), "*.json")))]
    return sorted(found, key=lambda x: families.index(x.part) if x.part else -1)


def parts(found, pictures):
    """[(id, title, body)]: a section for each machine, its families in the page's order;
    what could not be read stands in the last."""
    machines = {}
    for x in found:
        if x.res:
            machines.setdefault(x.key(), []).append(x)
    broken = "".join(x.lack for x in found if not x.res)
    out = []
    for i, files in enumerate(machines.values(), 1):
        res = files[0].res
        body = machine.card(res.machine(), res.context) or missing(
            "These files say nothing about their machine.")
        body += p("Measured elsewhere: %s. Nothing here was measured together with the rest of "
                  "the page." % esc(", ".join(shown(x.path) for x in files)), "small muted")
        body += "".join(x.html(pictures) for x in files)
        out.append(("other-%d" % i, "Another machine%s" % cpus(res), body))
    if broken and out:
        out[-1] = out[-1][:2] + (out[-1][2] + broken,)
    elif broken:
        out.append(("other-1", "Another machine", broken))
    return out


def cpus(res):
    n = res.cpus()
    return ": %d CPU%s" % (n, "" if n == 1 else "s") if n else ""
