#!/usr/bin/env bats
# plots/: pictures and the report, from results that the cases make themselves.
# Cases that draw are skipped where no Python has matplotlib.

load helper
load plots

# Results whose ratios are round numbers: index 2.00x, blocks 1.25x, Python's
# Pool 1.60x; fork 100 us, with 1 GiB 1,000 us; Python Process 1,500 us.
setup_file() {
    plots_file
    python3 - "$F" <<'EOF'
import json, sys
d = sys.argv[1]
machine = {"machine": {"cpu model": "Abacus <9>", "cpus online": 2, "kernel": "6.1"},
           "tools": {"cc": "gcc 12"},
           "checks": [{"name": "PMU", "value": "none", "ok": False,
                       "costs": "cycles read n/a", "remedy": "another machine"}]}
context = {"date": "2026-01-02T03:04:05+00:00", "host_name": "box", "num_cpus": 2,
           "machine": machine, "brief": False,
           "counters": {"cycles": "n/a (no PMU; another machine)", "faults": "ok"}}

def entry(name, ms, turn, **more):
    return dict(name=name + "/manual_time", run_name=name + "/manual_time",
                run_type="iteration", repetition_index=turn, round=turn, loud=False,
                real_time=ms, time_unit="ms", **more)

speedup = []
for turn in range(7):
    noise = 1 + 0.001 * (turn - 3)
    for how, procs, ms in (
            ("sequential", 1, 1000), ("fork_block", 2, 800), ("fork_index", 2, 500),
            ("mp_process", 1, 1010), ("mp_process", 2, 505), ("mp_process", 4, 520),
            ("python_sequential", 1, 2000), ("python_pool", 2, 1250)):
        speedup.append(entry("speedup/factorial/%s/procs:%d" % (how, procs),
                             ms * noise, turn))
json.dump({"context": context, "benchmarks": speedup}, open(d + "/speedup.json", "w"))

process = []
for turn in range(7):
    for how, mib, place, us in (
            ("fork", 0, "same", 100), ("fork", 0, "cross", 250), ("fork", 1024, "same", 1000),
            ("vfork", 0, "same", 20), ("vfork", 1024, "same", 20),
            ("mp_process", 0, "same", 110), ("python_process", 0, "same", 1650)):
        ns = us * 1000 * (1 + 0.001 * (turn - 3))
        process.append(entry("process/%s/parent_MiB:%d/place:%s" % (how, mib, place),
                             us / 1000, turn, p50=ns, p90=2 * ns, p99=3 * ns,
                             p99_9=4 * ns, max=5 * ns, n=1000))
counting = [{"name": "process/fork/parent_MiB:0/place:same", "switches": 2.0,
             "syscalls": "n/a (no tracefs)"}]
json.dump({"context": context, "benchmarks": process, "counting": counting},
          open(d + "/process.json", "w"))

def span(tid, name, cat, start, end, **more):
    return dict(ph="X", pid=1, tid=tid, name=name, cat=cat, ts=start, dur=end - start, **more)

events = [{"ph": "M", "pid": 1, "tid": 7, "name": "thread_name", "args": {"name": "Process-1"}},
          span(6, "compute", "run", 0, 50000), span(7, "Process-1", "run", 1000, 40000),
          span(7, "acquire", "wait", 2000, 20000),
          span(7, "lock", "hold", 20000, 40000, args={"open": True}),
          {"ph": "i", "pid": 1, "tid": 7, "name": "beat & mark", "s": "t", "ts": 9000},
          {"ph": "i", "pid": 1, "tid": 7, "name": "killed (signal 9)", "s": "t", "ts": 40000}]
json.dump({"displayTimeUnit": "ns", "dropped": 0, "traceEvents": events},
          open(d + "/timeline.json", "w"))
EOF
    D=$F P=$ROOT/plots
    folders
    [ -z "$DRAW" ] || report
    mv "$F/out" "$F/page" 2>/dev/null || mkdir "$F/page"
}

# The folders that the report reads.
folders() {
    mkdir -p "$D/results" "$D/trace" "$D/progress"
    cp "$D/speedup.json" "$D/process.json" "$D/results"
    cp "$D/timeline.json" "$D/trace/01.json"
    cat >"$D/results/lesson-01.json" <<'EOF'
{"lesson": "01 Process", "steps": [{"step": "step1_fork", "title": "one call",
 "tag": "works", "new": "fork()", "commands": [{"cmd": "./step1_fork",
 "output": "<script>alert('x')</script> & \u001b[31mred\u001b[0m\n", "status": 3}]}]}
EOF
    cat >"$D/progress/01.predict.json" <<'EOF'
{"lesson": "01 Process", "of": 3, "predictions": [
 {"question": "How many `lines`?", "guess": "1", "answer": "2", "right": false}]}
EOF
}

setup() {
    leak_setup
    plots_setup
    cp -r "$F"/* "$D"
}

@test "every tool has --help, and says 2 without a file or with an unknown option" {
    usages speedup process timeline report
}

@test "the pictures name what they show, are SVGs of their own, and have the same bytes elsewhere" {
    needs_matplotlib
    cat >"$D/pictures" <<'EOF'
speedup|speedup|@/speedup.json|ideal;fork by index;fork by blocks;Python Pool;all 2 CPUs;2×
process|process|@/process.json|100 µs;1.00 ms;vfork;1 GiB;2.50×
timeline|timeline|@/timeline.json|Process-1;killed (signal 9);beat & mark;waits;holds;milliseconds
EOF
    same_bytes "$D/pictures"
}

@test "a tool by itself finds matplotlib and draws the same" {
    needs_matplotlib
    local tool
    draws <<'EOF'
speedup|speedup|@/speedup.json|ideal
timeline|timeline|@/timeline.json|Process-1
EOF
    for tool in speedup timeline; do
        limit 60 python3 "$P/$tool.py" "$D/$tool.json" -o "$D/alone.svg"
        cmp "$D/$tool.svg" "$D/alone.svg"
    done
}

@test "the checks of pictures and of refusals can fail" {
    needs_matplotlib
    run draws <<<"speedup|speedup|@/speedup.json|nobody"
    [ "$status" -eq 1 ]
    [[ $output == *"not there: nobody"* ]]
    run refusals <<<"speedup|@/speedup.json|cut off"
    [ "$status" -eq 1 ]
    [[ $output == *"status 0"*"left behind"* ]]
    run refusals </dev/null
    [ "$status" -eq 1 ]
}

@test "a file that is cut off, not JSON, empty, a folder, or not there" {
    local tool
    for tool in speedup process timeline; do
        broken_files "$D/$tool.json" 400
        broken_lines "$tool" make >"$D/$tool.lines"
        refusals <"$D/$tool.lines"
    done
}

@test "a tool by itself ends with 2 and one line" {
    head -c 400 "$D/speedup.json" >"$D/cut.json"
    run limit 60 python3 "$P/speedup.py" "$D/cut.json" -o "$D/out.svg"
    [ "$status" -eq 2 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *"cut.json: cut off"*"make bench"* ]]
    [ ! -e "$D/out.svg" ]
}

@test "results of another family, and a trace for results" {
    refusals <<'EOF'
speedup|@/process.json|process.json;family process;speedup.json
process|@/speedup.json|speedup.json;family speedup;process.json
speedup|@/timeline.json|timeline.json;trace
timeline|@/speedup.json|speedup.json;benchmark results
EOF
}

@test "no data: no repetition, aggregates only, failures only, an empty trace" {
    echo '{"context": {}, "benchmarks": []}' >"$D/none.json"
    echo '{"benchmarks": [{"name": "process/fork_mean", "run_type": "aggregate",
        "aggregate_name": "mean", "real_time": 1, "time_unit": "us"}]}' >"$D/mean.json"
    echo '{"benchmarks": [{"name": "process/fork/parent_MiB:0/place:same", "real_time": 0,
        "time_unit": "us", "error_occurred": true, "error_message": "fork said no"}]}' >"$D/error.json"
    echo '{"traceEvents": []}' >"$D/quiet.json"
    echo '{"benchmarks": [{"name": "speedup/factorial/fork_index/procs:2", "real_time": 1,
        "time_unit": "us"}]}' >"$D/alone.json"
    refusals <<'EOF'
speedup|@/none.json|none.json;no measurement;make bench
process|@/mean.json|mean.json;no measurement
process|@/error.json|error.json;fork said no
timeline|@/quiet.json|quiet.json;without any event;make trace
speedup|@/alone.json|alone.json;nothing to divide
EOF
}

@test "an output that cannot be written" {
    needs_matplotlib
    : >"$D/file"
    local tool
    for tool in speedup process timeline; do
        cat <<EOF
$tool|@/$tool.json -o @/file/out.svg|out.svg;cannot write;-o
$tool|@/$tool.json -o @|folder
EOF
    done >"$D/unwritten"
    refusals <"$D/unwritten"
    refusals <<<"timeline|@/timeline.json -o /dev/null|not an ordinary file"
    [ -c /dev/null ]
}

@test "without matplotlib: a sentence with the remedy; the report keeps its tables" {
    bare_python
    run limit 60 python3 "$P/speedup.py" "$D/results/speedup.json" -o "$D/out.svg" --python "$D/bare"
    [ "$status" -eq 2 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *matplotlib*python3-matplotlib* ]]
    [ ! -e "$D/out.svg" ]
    report --python "$D/bare"
    run grep -c '<svg' "$D/out/index.html"
    [ "$output" = 0 ]
    grep -q 'No pictures, only tables: matplotlib.*python3-matplotlib' "$D/out/index.html"
    grep -q '2.00×' "$D/out/index.html"
    grep -q 'killed (signal 9)' "$D/out/index.html"
}

@test "an interpreter that is not there counts as one without matplotlib" {
    run limit 60 python3 "$P/process.py" "$D/process.json" -o "$D/out.svg" --python "$D/nobody"
    [ "$status" -eq 2 ]
    [[ $output == *nobody* ]]
    [ ! -e "$D/out.svg" ]
}

@test "the report is well formed, refers to nothing outside, and every id is unique" {
    needs_matplotlib
    page_checks "$D/page/index.html"
    [ "$(ls -A "$D/page")" = index.html ]
    [ "$(grep -c '<figure>' "$D/page/index.html")" -eq 3 ]
    # The checker can fail.
    sed 's/<h1>/<h1 id="made"><img src="x.png">/' "$D/page/index.html" >"$D/wrong.html"
    run page_checks "$D/wrong.html"
    [ "$status" -eq 1 ]
    [[ $output == *src=x.png* && $output == *"ids twice"* ]]
}

@test "the same files give the same page, and each picture that of its command" {
    needs_matplotlib
    # By itself the report finds an interpreter; nothing depends on the caller.
    HOME=/nonexistent TZ=Asia/Tokyo limit 120 python3 "$P/report.py" --results "$F/results" \
        --trace "$F/trace" --progress "$F/progress" --others "$F/others" -o "$F/out/index.html"
    mv "$F/out" "$D"
    cmp "$D/page/index.html" "$D/out/index.html"
    draws <<<"speedup|speedup|@/speedup.json|ideal"
    plots_python "$D/speedup.svg" "$D/page/index.html" <<'EOF'
svg, page = (open(f, encoding="utf-8").read() for f in sys.argv[1:])
assert any(style.themed(svg, "p%d" % i).split(">", 1)[1] in page for i in range(9))
EOF
}

@test "the numbers in the page are those in the JSON" {
    bare_python
    report --python "$D/bare"
    # Speedups, their ratio, the efficiency and Amdahl's serial fractions.
    has "$(page_text)" '>2.00×<' '>1.25×<' '>1.60×<' '1.60×' '>100 %<' '>60 %<' '505' '>500 ms<' \
        'need 1.60×' 'blocks reach 1.25×' 'the counter 2.00×' 'Pool needs 2.48×' 'takes 15.0×' \
        'takes 10.0× [10.0, 10.0] as long' 'costs 1.10×' \
        '2.50× [2.50, 2.50] the time of the same CPU' '100 µs' '300 µs' '1.25 s' \
        'Abacus &lt;9&gt;' 'n/a (no tracefs)' 'cycles read n/a' \
        '0 of 1 predictions right, 1 of 3 made'
}

@test "text from the files cannot become markup" {
    bare_python
    report --python "$D/bare"
    run grep -c '<script' "$D/out/index.html"
    [ "$output" = 0 ]
    grep -qF "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; red" "$D/out/index.html"
    grep -q 'exit status 3' "$D/out/index.html"
}

@test "what is missing is named with the command that makes it" {
    rm -r "$D/results" "$D/trace" "$D/progress"
    mkdir -p "$D/results"
    report
    page_checks "$D/out/index.html"
    has "$(page_text)" speedup.json process.json 'make bench' 'make trace N=1' 'make report' \
        ipc.json 'make ipc'
}

@test "one broken file costs its own section only, a picture that fails its own place" {
    head -c 300 "$D/results/process.json" >"$D/cut"
    mv "$D/cut" "$D/results/process.json"
    echo '{' >"$D/trace/02.json"
    echo 'no' >"$D/results/lesson-02.json"
    bare_python
    report --python "$D/bare"
    page_checks "$D/out/index.html"
    has "$(page_text)" 'process.json: cut off' '02.json: cut off' 'lesson-02.json: not JSON' '2.00×'
    needs_matplotlib
    plots_python "$D/speedup.json" <<'EOF'
import pictures
class Broken:
    def main(argv):
        raise ZeroDivisionError("a bug")
sys.modules["broken"] = Broken
drawn = pictures.Pictures()
text = drawn.draw("broken.py", sys.argv[1], ["What it says."], "Title")
assert "What it says." in text and "could not draw this picture: ZeroDivisionError: a bug" in text
text = drawn.draw("speedup.py", sys.argv[1], ["What it says."], "Title", "--workload", "none")
assert "could not draw this picture" in text and drawn.commands == [], text
EOF
}

@test "a report that cannot be written, or a folder that is none" {
    bare_python
    : >"$D/out"
    run report --python "$D/bare"
    [ "$status" -eq 2 ]
    [[ $output == *"cannot write"* ]]
    rm "$D/out"
    run limit 60 python3 "$P/report.py" --results "$D/trace/01.json" -o "$D/x.html"
    [ "$status" -eq 2 ]
    [[ $output == *01.json*"not a folder"* ]]
    [ ! -e "$D/x.html" ]
}

@test "disturbed rounds are left out while enough are quiet" {
    plots_python "$D/speedup.json" <<'EOF'
data = json.load(open(sys.argv[1]))
for e in data["benchmarks"]:
    if "fork_index" in e["name"] and e["round"] in (1, 4):
        e["real_time"], e["loud"] = 9000, True
json.dump(data, open(sys.argv[1], "w"))
point = speedup.analyse(results.read([sys.argv[1]], "speedup")).method("fork_index").at(2)
assert len(point.times) == 5 and abs(point.speedup.value - 2) < 1e-9, point.speedup
for e in data["benchmarks"]:
    e["loud"] = e["round"] != 0
json.dump(data, open(sys.argv[1], "w"))
point = speedup.analyse(results.read([sys.argv[1]], "speedup")).method("fork_index").at(2)
assert len(point.times) == 7
EOF
}

@test "Amdahl's fit finds the serial fraction that made the times" {
    plots_python <<'EOF'
rounds = range(9)
sample = lambda t: stats.Sample([(r, t * (1 + 0.01 * (r % 3 - 1))) for r in rounds])
for s in (0.0, 0.07, 0.5, 1.0):
    e = stats.amdahl(sample(1000), {n: sample(1000 * (s + (1 - s) / n)) for n in (2, 3, 8)})
    assert abs(e.value - s) < 1e-9 and e.lo - 1e-9 <= s <= e.hi + 1e-9, (s, e)
assert stats.amdahl(sample(1000), {1: sample(1000)}) is None
# Paired by round, a disturbance that both sides feel cancels out.
slow = lambda t: stats.Sample([(r, t * (5 if r == 3 else 1)) for r in rounds])
e = stats.ratio(slow(300), slow(100))
assert (e.value, e.lo, e.hi) == (3.0, 3.0, 3.0), e
assert not stats.ratio(stats.Sample([(0, 2.0)]), stats.Sample([(0, 1.0)])).known()
EOF
}

@test "intervals are those of the benchmark's own tables" {
    [ -f "$ROOT/benchmarks/harness/stats.py" ] || skip "no benchmarks here"
    plots_python <<EOF
import importlib.util
spec = importlib.util.spec_from_file_location("other", "$ROOT/benchmarks/harness/stats.py")
other = importlib.util.module_from_spec(spec)
spec.loader.exec_module(other)
for values in ([3.0, 1.0, 2.5, 9.0, 4.0], [1.0, 1.1, 1.2], [x ** 0.5 * (x * 7 % 11) for x in range(60)]):
    e = stats.bootstrap(stats.median, values)
    assert (e.lo, e.hi) == other.interval(values), (e, other.interval(values))
EOF
}

@test "names at line ends stay apart, in order and inside" {
    plots_python <<'EOF'
import random
r = random.Random(1)
for _ in range(300):
    want = [r.choice((r.random() * 100, 50.0)) for _ in range(r.randrange(1, 9))]
    got = style.spread(want, 9, 0, 100)
    order = sorted(range(len(want)), key=lambda i: (want[i], i))
    ys = [got[i] for i in order]
    assert all(b - a > 9 - 1e-6 for a, b in zip(ys, ys[1:])), (want, got)
    assert min(got) >= -1e-9 and max(got) <= 100 + 1e-9, (want, got)
assert style.spread([10, 50], 9, 0, 100) == [10, 50]
EOF
}

@test "sentences hold when nothing can be told" {
    plots_python "$D/speedup.json" <<'EOF'
data = json.load(open(sys.argv[1]))
for e in data["benchmarks"]:
    e["real_time"] = 1000 + (e["round"] * 37 + len(e["name"]) * 11) % 50
json.dump(data, open(sys.argv[1], "w"))
sp = speedup.analyse(results.read([sys.argv[1]], "speedup"))
found = [f for f in findings.all_of(speedup=[sp]) if not f.clear]
assert found and all("no difference can be told" in f.sentence for f in found)
assert not any("equal in number" in f.sentence for f in found)
EOF
}

@test "one CPU, one repetition, one method: no interval, no fit, no crash" {
    plots_python "$D/speedup.json" <<'EOF'
data = json.load(open(sys.argv[1]))
data["context"]["num_cpus"] = data["context"]["machine"]["machine"]["cpus online"] = 1
data["benchmarks"] = [e for e in data["benchmarks"] if e["round"] == 0 and (
    "/sequential" in e["name"] or "mp_process" in e["name"])]
json.dump(data, open(sys.argv[1], "w"))
sp = speedup.analyse(results.read([sys.argv[1]], "speedup"))
assert sp.full == 1 and not sp.method("mp_process").fit
assert "nothing to fit" in sp.fit_caption()
assert "[" not in sp.caption()
EOF
    needs_matplotlib
    draws <<<"one|speedup|@/speedup.json|the one CPU"
}
