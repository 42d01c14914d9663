"""One look for all pictures, and the search for an interpreter with matplotlib.

The colours are Okabe and Ito's, told apart by the colour-blind; a marker or a
hatch says the same again for a grey print. Lines are labelled at their ends
instead of in a legend. Text stays text in the SVG, with a generic font stack;
the layout is measured with DejaVu Sans, wider than what a browser will use,
so that what does not overlap here overlaps nowhere.

The bytes depend on the data only: fixed hash salt, no date, no metadata.
The module itself imports without matplotlib; `begin` finds an interpreter
that has it and starts the tool again there.
"""
import atexit
import functools
import importlib.util
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings

import results
from looks import HOW, OURS

# name: (on paper, on a dark page). themed() turns the first into var(--name).
COLOURS = {
    "paper": ("#fffffe", "#17181b"),
    "ink": ("#1c1b19", "#e9e6df"),
    "muted": ("#66635d", "#a5a199"),
    "faint": ("#dddad2", "#36383d"),
    "wait": ("#a8a59d", "#777a80"),
    "life": ("#eeebe4", "#26282d"),
    "blue": ("#0072b2", "#4ba6e0"),
    "sky": ("#56b4e9", "#a9dcfb"),
    "orange": ("#e69f00", "#f2b632"),
    "green": ("#009e73", "#2fc59a"),
    "vermillion": ("#d55e00", "#f4823a"),
    "purple": ("#cc79a7", "#dd9cc0"),
}
PAPER = {name: pair[0] for name, pair in COLOURS.items()}
STACK = ("system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', "
         "Arial, sans-serif")
WIDTH = 4.5         # inches: 324 units, so that 9.5 reads 10 px on a phone
SIZE = 9.5
SMALL = 8.75


def how(name, ours="rawmp"):
    """(label, colour, marker, dash); an unknown name gets a plain look."""
    text, *look = HOW.get(name, (name.replace("_", " "), "muted", "h", "-"))
    return (text.replace(OURS, ours), *look)


def label(name, ours="rawmp"):
    return how(name, ours)[0]


# The interpreter

REMEDY = ("install it (Debian, Ubuntu: apt install python3-matplotlib; Fedora: dnf "
          "install python3-matplotlib; Arch: pacman -S python-matplotlib; openSUSE: "
          "zypper install python3-matplotlib) or name an interpreter that has it "
          "with --python or PYTHON=")


def candidates(wanted):
    """Interpreters to ask, best first; only the wanted one if one is named."""
    if wanted:
        return [wanted]
    names = [os.environ.get("PYTHON"), sys.executable, "python3", "/usr/bin/python3"]
    names += ["python3.%d" % minor for minor in range(20, 8, -1)]
    names += ["/usr/bin/python3.%d" % minor for minor in range(20, 8, -1)]
    names += ["/usr/local/bin/python3"]
    out = []
    for name in names:
        path = shutil.which(name) if name else None
        if path and path not in out:
            out.append(path)
    return out


def find(wanted=None):
    """An interpreter that can import matplotlib, or None; and the ones asked."""
    asked = []
    with tempfile.TemporaryDirectory(prefix="rawmp-matplotlib-") as folder:
        env = dict(os.environ, MPLCONFIGDIR=folder)     # nothing of it in $HOME
        for path in candidates(wanted):
            asked.append(path)
            try:
                done = subprocess.run([path, "-B", "-c", "import matplotlib, numpy"],
                                      stdin=subprocess.DEVNULL, timeout=60, env=env,
                                      stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, check=False)
            except (OSError, subprocess.TimeoutExpired):
                continue
            if done.returncode == 0:
                return path, asked
    return None, asked


def missing(asked):
    return ("matplotlib is not there for %s; %s"
            % (", ".join(asked) or "any Python", REMEDY))


def begin(wanted=None):
    """Returns where matplotlib can be imported; starts the tool again if need be."""
    os.environ["MPLBACKEND"] = "svg"
    again = os.environ.pop("RAWMP_PLOT_AGAIN", None)
    here = not wanted and importlib.util.find_spec("matplotlib") is not None
    if again is None and not here:
        path, asked = find(wanted)
        if path is None:
            raise results.Bad(missing(asked))
        os.environ["RAWMP_PLOT_AGAIN"] = path
        sys.stdout.flush()
        os.execv(path, [path, "-B", os.path.abspath(sys.argv[0])] + sys.argv[1:])
    keep_quiet()
    try:
        import matplotlib   # noqa: F401
        import numpy        # noqa: F401
    except ImportError as e:
        raise results.Bad("%s has a matplotlib that does not work (%s); name another Python "
                          "with --python or PYTHON=" % (sys.executable, e)) from None


def keep_quiet():
    """matplotlib's font cache under build/, or for this run only; and no chatter."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if "MPLCONFIGDIR" not in os.environ:
        folder = os.path.join(results.ROOT, "build", "matplotlib")
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError:
            pass
        if not os.access(folder, os.W_OK):
            folder = tempfile.mkdtemp(prefix="rawmp-matplotlib-")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["MPLCONFIGDIR"] = folder


def arguments(parser):
    """The options that every picture shares."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="JSON to draw")
    parser.add_argument("-o", "--output", required=True, metavar="OUT.svg",
                        help="the picture to write")
    parser.add_argument("--python", metavar="PROGRAM",
                        help="the Python to draw with (default: the first that has "
                        "matplotlib, of $PYTHON, this one, python3, /usr/bin/python3, "
                        "python3.X)")


# Drawing

def settings():
    import matplotlib
    matplotlib.set_loglevel("error")
    warnings.simplefilter("ignore")     # glyphs that the measuring font lacks
    matplotlib.rcdefaults()
    look = {
        "svg.fonttype": "none", "svg.hashsalt": "rawmp",
        "font.family": ["DejaVu Sans"], "font.size": SIZE,
        "axes.titlesize": SIZE, "axes.titleweight": "bold",
        "axes.titlelocation": "left", "axes.titlecolor": PAPER["ink"],
        "axes.labelsize": SMALL, "axes.labelcolor": PAPER["muted"],
        "axes.edgecolor": PAPER["muted"], "axes.linewidth": 0.7,
        "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": False, "axes.facecolor": "none",
        "axes.unicode_minus": True, "text.parse_math": False,
        "xtick.labelsize": SMALL, "ytick.labelsize": SMALL,
        "xtick.color": PAPER["muted"], "ytick.color": PAPER["muted"],
        "xtick.labelcolor": PAPER["ink"], "ytick.labelcolor": PAPER["ink"],
        "xtick.major.width": 0.7, "ytick.major.width": 0.7,
        "xtick.major.size": 3, "ytick.major.size": 3,
        "text.color": PAPER["ink"], "figure.facecolor": PAPER["paper"],
        "savefig.facecolor": PAPER["paper"], "hatch.linewidth": 0.8,
        "lines.linewidth": 1.5, "lines.markersize": 4.5,
    }
    matplotlib.rcParams.update({k: v for k, v in look.items() if k in matplotlib.rcParams})


def figure(height, width=WIDTH):
    """An empty figure of that many inches."""
    settings()
    from matplotlib.figure import Figure
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    fig = Figure(figsize=(width, height))
    FigureCanvasSVG(fig)
    return fig


def box(fig, left, bottom, right, top):
    """Axes by their margins in inches, each from its own edge of the figure."""
    w, h = fig.get_size_inches()
    return fig.add_axes([left / w, bottom / h, (w - left - right) / w,
                         (h - bottom - top) / h])


def save(fig, path):
    """One SVG with the same bytes for the same data."""
    import io
    out = io.StringIO()
    fig.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    results.write(path, tidy(out.getvalue()))


def tidy(svg):
    """Text in the generic stack; no prolog, metadata or comment."""
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.S)
    svg = re.sub(r"<!DOCTYPE.*?>\s*", "", svg, flags=re.S)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.S)
    svg = re.sub(r"(font:[^;\"]*?px) [^;\"]+", lambda m: m.group(1) + " " + STACK, svg)
    svg = re.sub(r"font-family: ?[^;\"]+", "font-family: " + STACK, svg)
    return svg


def themed(svg, prefix):
    """A picture to stand inside a page: colours by name, ids of its own."""
    svg = re.sub(r"<\?xml.*?\?>\s*", "", svg, flags=re.S)
    svg = re.sub(r'\bid="', 'id="%s-' % prefix, svg)
    svg = re.sub(r'(?:xlink:)?href="#', 'href="#%s-' % prefix, svg)
    svg = re.sub(r"url\(#", "url(#%s-" % prefix, svg)
    for name, pair in COLOURS.items():
        svg = svg.replace(pair[0], "var(--%s)" % name)
    svg = re.sub(r'\s+xmlns(?::\w+)?="[^"]*"', "", svg)
    return svg.strip()


def spread(wanted, gap, low, high):
    """Places for labels near the wanted ones, at least gap apart, in [low, high].

    Neighbours that collide form a block, which stands at the mean of what its
    members wish (pool adjacent violators); the order never changes.
    """
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    blocks = []         # [first wish of the block's start, members]
    for i in order:
        blocks.append([[wanted[i]], [i]])
        while len(blocks) > 1 and start(blocks[-1], gap, low, high) < \
                start(blocks[-2], gap, low, high) + gap * len(blocks[-2][1]):
            wishes, members = blocks.pop()
            blocks[-1][0] += wishes
            blocks[-1][1] += members
    out = [0.0] * len(wanted)
    for block in blocks:
        at = start(block, gap, low, high)
        for k, i in enumerate(block[1]):
            out[i] = at + k * gap
    return out


def start(block, gap, low, high):
    wishes, members = block
    n = len(members)
    at = sum(w - k * gap for k, w in enumerate(wishes)) / n
    return max(low, min(at, high - (n - 1) * gap))


@functools.lru_cache(maxsize=4096)
def text_width(text, size):
    """Points that a text takes in the measuring font."""
    from matplotlib.textpath import text_to_path
    from matplotlib.font_manager import FontProperties
    font = FontProperties(family="DejaVu Sans", size=size)
    text = text[:500].replace("\n", " ")
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def fit(text, width, size=SMALL):
    """The text, cut with an ellipsis to so many points."""
    if len(text) < 500 and text_width(text, size) <= width:
        return text
    low, high = 0, min(len(text), 500)
    while low < high:
        half = (low + high + 1) // 2
        if text_width(text[:half] + "\u2026", size) <= width:
            low = half
        else:
            high = half - 1
    return text[:low].rstrip() + "\u2026"
