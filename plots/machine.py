"""The machine in the report: a card at its head, and all that doctor said."""
from page import esc, missing, table, value_text


def facts(machine):
    m = machine.get("machine")
    return m if isinstance(m, dict) else {}


def pick(machine, *words):
    """The first fact whose name has one of the words in it."""
    for word in words:
        for key, value in facts(machine).items():
            if word in key.lower() and value not in (None, ""):
                return value_text(value)
    return None


def card(machine, context):
    usable = pick(machine, "cpus usable", "usable")
    online = pick(machine, "cpus online", "online") or context.get("num_cpus")
    cpus = usable or online
    if usable and online and str(usable) != str(online):
        cpus = "%s of %s usable" % (usable, online)
    rows = [("Processor", pick(machine, "cpu model", "model", "processor")),
            ("CPUs", cpus),
            ("Memory", pick(machine, "memory", "ram")),
            ("Kernel", pick(machine, "kernel")),
            ("Virtual machine", pick(machine, "virtual", "hypervisor", "container")),
            ("/dev/shm", pick(machine, "/dev/shm", "shm")),
            ("Measured", str(context.get("date") or "")[:16].replace("T", " "))]
    rows = [(a, b) for a, b in rows if b]
    if not rows:
        return ""
    return '<dl class="card">%s</dl>\n' % "".join(
        "<div><dt>%s</dt><dd>%s</dd></div>" % (esc(a), esc(b)) for a, b in rows)


def machine_section(machine):
    if not machine:
        return missing("The results say nothing about the machine they were made on.",
                       "make bench")
    out = []
    if facts(machine):
        out.append(table(["Fact", "Value"],
                         [[esc(k), esc(value_text(v))] for k, v in facts(machine).items()],
                         "The machine", left=2, wrap=(1,)))
    checks = machine.get("checks")
    checks = [c for c in checks if isinstance(c, dict)] if isinstance(checks, list) else []
    if checks:
        rows = []
        for c in checks:
            lacks = c.get("ok") is False
            rows.append([esc(c.get("name", "?")), "<b>no</b>" if lacks else "ok",
                         esc(value_text(c.get("value"))),
                         esc(value_text(c.get("costs") or "")) if lacks else "",
                         esc(value_text(c.get("remedy") or "")) if lacks else ""])
        out.append("<h3>Checked</h3>\n" + table(
            ["Check", "", "Value", "What its lack costs", "Remedy"], rows, "Checks", left=5,
            wrap=(2, 3, 4)))
    tools = machine.get("tools")
    if isinstance(tools, dict) and tools:
        out.append("<h3>Tools</h3>\n" + table(
            ["Tool", "Version"],
            [[esc(k), esc(value_text(v) if v else "missing")] for k, v in tools.items()],
            "Tools", left=2, wrap=(1,)))
    return "".join(out)
