#!/usr/bin/env bats
# plots/: latency, throughput, queues, what `make ipc` found, a queue's depth over
# time; from results that the cases make themselves.

load helper
load plots

# Results whose ratios are round numbers. Across two CPUs mp_pipe takes 200 ns,
# the spun word 100, the semaphore 40 us; on one CPU mp_pipe 3 us, the semaphore
# 4.5, Python's Pipe 18. Of 64 bytes mp_pipe moves 8 GB/s with 4 MiB, Boost 2,
# memcpy 16; mp_queue 12 M/s, Boost 6, the ring 24; with 4P4C 6, 3 and 24.
setup_file() {
    plots_file
    python3 - "$F" <<'EOF'
import json, sys
d = sys.argv[1]
machine = {"machine": {"cpu model": "Abacus", "cpus online": 2, "kernel": "6.1"}}
context = {"date": "2026-01-02T03:04:05+00:00", "host_name": "box", "num_cpus": 2, "cpus": "2",
           "machine": machine, "brief": False, "counters": {"syscalls": "ok"}}

def entry(name, ns, turn, **more):
    name += "/manual_time"
    return dict(name=name, run_name=name, run_type="iteration", repetition_index=turn,
                round=turn, loud=False, few_cpus=False, real_time=ns, time_unit="ns", **more)

def skipped(name, why):
    return dict(name=name, run_name=name, run_type="iteration", real_time=0, time_unit="ns",
                error_occurred=True, error_message="skipped: " + why)

def write(name, rows, **more):
    json.dump(dict(context=context, benchmarks=rows, **more), open(d + "/%s.json" % name, "w"))

rows, counting, histograms = [], [], {}
US = {"spin": {"cross": .1}, "yield": {"same": 2, "cross": .5},
      "rawmp_pipe": {"same": 3, "cross": .2}, "rawmp_queue": {"same": 4, "cross": .4},
      "pipe": {"same": 6, "cross": 50}, "posix_sem": {"same": 4.5, "cross": 40},
      "python_pipe": {"same": 18, "cross": 60}}
PACED = {"rawmp_pipe": {"same": 6, "cross": 40}, "pipe": {"same": 8, "cross": 60},
         "futex": {"cross": 36}}
for pace, table in (("busy", US), ("1ms", PACED)):
    for how, places in table.items():
        for place, us in places.items():
            name = "latency/%s/place:%s/pace:%s" % (how, place, pace)
            for turn in range(7):
                ns = us * 1e3 * (1 + 0.001 * (turn - 3))
                rows.append(entry(name, ns, turn, p50=ns, p90=1.5 * ns, p99=3 * ns,
                                  p99_9=4 * ns, max=9 * ns, n=1000, cpu_ns=2 * ns))
            counting.append({"name": name, "iterations": 9,
                             "syscalls": 0.0 if how.startswith("rawmp") else 4.0})
# 8,999 of 10,000 at 200 ns, 900 at 300, 91 at 1,000, 10 at 80,000.
histograms["latency/rawmp_pipe/place:cross/pace:busy"] = [[200, 8999], [300, 900], [1000, 91],
                                                          [80000, 10]]
rows += [skipped("latency/spin/place:same/pace:busy", "never: they only wait for each other"),
         skipped("latency/nng/place:same/pace:busy", "no <nng> here")]
write("latency", rows, counting=counting, histograms=histograms)

rows = []
def flow(family, how, args, rate, size):
    for turn in range(7):
        r = rate * (1 + 0.001 * (turn - 3))
        rows.append(entry("%s/%s/%s" % (family, how, args), 1e9 / r, turn,
                          messages_per_second=r, bytes_per_second=r * size))

for how, buffer, by in (
        ("memcpy", "64K", {64: 16e9, 4096: 40e9, 1048576: 20e9}),
        ("memcpy", "4M", {64: 16e9, 4096: 40e9, 1048576: 20e9}),
        ("rawmp_pipe", "64K", {64: 1e9, 4096: 8e9, 1048576: 5e9}),
        ("rawmp_pipe", "4M", {64: 8e9, 4096: 32e9, 1048576: 10e9}),
        ("pipe", "64K", {64: .2e9, 4096: 4e9, 1048576: 10e9}),
        ("posix_mq", "64K", {64: .1e9, 4096: 2e9}),
        ("boost", "4M", {64: 2e9, 4096: 4e9, 1048576: 10e9}),
        ("vmsplice", "4M", {1048576: 40e9}),
        ("python_pipe", "64K", {64: .04e9, 4096: 1e9, 1048576: 1e9})):
    for size, rate in by.items():
        flow("throughput", how, "bytes:%d/buffer:%s" % (size, buffer), rate / size, size)
rows.append(skipped("throughput/nng/bytes:64/buffer:4M", "no <nng> here"))
write("throughput", rows, counting=[
    {"name": "throughput/rawmp_pipe/bytes:64/buffer:4M", "iterations": 9, "syscalls": 0.002}])

rows = []
for shape, ours, boost, ring in (("1P1C", 12, 6, 24), ("4P4C", 6, 3, 24)):
    for how, m in (("rawmp", ours), ("boost", boost), ("ring", ring), ("python_queue", .2)):
        for capacity in (16, 1024):
            flow("queue", how, "shape:%s/capacity:%d" % (shape, capacity),
                 m * 1e6 * (1 if capacity == 1024 else .5 if how == "rawmp" else .25), 64)
flow("queue", "pipe", "shape:1P1C/capacity:1024", 3e6, 64)
write("queue", rows)

json.dump({"machine": {}, "advice": "For <small> messages: mp_pipe.\n\nFor large ones too.",
           "rows": [dict(mechanism="rawmp_pipe", bytes=8, p50_ns=200.0, messages_per_second=1e8,
                         bytes_per_second=8e8, syscalls_per_message=0.002),
                    dict(mechanism="pipe", bytes=65536, p50_ns=5e4, messages_per_second=4e4,
                         bytes_per_second=2.6e9, syscalls_per_message="n/a (no tracefs)")],
           "left_out": [{"mechanism": "ZeroMQ", "why": "not installed"}]},
          open(d + "/ipc.json", "w"))

# 16 messages put within 8 ms, taken within the 16 ms after; and 30,000 events.
def span(tid, name, cat, start, end):
    return dict(ph="X", pid=1, tid=tid, name=name, cat=cat, ts=start, dur=end - start)

def depth(ts, v):
    return dict(ph="C", pid=1, tid=1, name="queue", ts=ts, args={"value": v})

events = [span(1, "put", "run", 0, 8000), span(2, "get", "wait", 0, 8000),
          span(2, "work", "hold", 8000, 24000), depth(0, 0)]
events += [depth(500 * k, k) for k in range(1, 17)]
events += [depth(8000 + 1000 * k, 16 - k) for k in range(1, 17)]
json.dump({"dropped": 0, "traceEvents": events}, open(d + "/depth.json", "w"))
events = [span(1, "w", "hold", k, k + 0.5) for k in range(15000)]
events += [depth(k / 2, k * 7919 % 1000) for k in range(30000)]
json.dump({"dropped": 0, "traceEvents": events}, open(d + "/many.json", "w"))
EOF
    mkdir -p "$F/results" "$F/trace" "$F/progress"
    cp "$F"/{latency,throughput,queue}.json "$F/results"
    cp "$F/depth.json" "$F/trace/03.json"
}

setup() {
    leak_setup
    plots_setup
    cp -r "$F"/* "$D"
}

# Sentences without what keeps words together.
said() {
    plots_python "$@" >"$D/said" || { cat "$D/said"; return 1; }
    sed 's/\xc2\xa0/ /g' "$D/said"
}

@test "every tool has --help, and says 2 without a file or with an unknown option" {
    usages latency throughput queues
}

@test "each picture names what it shows, and has the same bytes elsewhere" {
    needs_matplotlib
    cat >"$D/pictures" <<'EOF'
curves|latency|@/latency.json|mp_pipe;mp_queue;spun word;another;POSIX semaphore;on one CPU;across two CPUs;p99.99;10 µs
paced|latency|@/latency.json --pace 1ms|mp_pipe;futex;kernel pipe;There and back, 8 bytes, one every millisecond
mechanisms|latency|@/latency.json --picture mechanisms|mp_pipe;Python Pipe;spin and yield;back to back;one every millisecond;the limit;100
bytes|throughput|@/throughput.json|Bytes in a second, a buffer of 4 MiB;memcpy;mp_pipe;Boost;vmsplice;64 B;1 MiB;10 GB/s
small|throughput|@/throughput.json --buffer 64K|Bytes in a second, a buffer of 64 KiB;kernel pipe;POSIX queue;Python Pipe;1 GB/s
messages|throughput|@/throughput.json --picture messages|Messages in a second, a buffer of 4 MiB;10 M/s;mp_pipe
capacity|queues|@/queue.json|1P1C;4P4C;mp_queue;bare ring;Python Queue;16;1024;capacity, messages;1 M/s
shapes|queues|@/queue.json --picture shapes|1P1C;4P4C;mp_queue;Boost;kernel pipe;producers P and consumers C
depth|timeline|@/depth.json|queue;0;5;10;16;waits;holds
many|timeline|@/many.json|queue;500
EOF
    same_bytes "$D/pictures"
    # 30,000 values in a picture of some hundred points' width.
    [ "$(stat -c %s "$D/many.svg")" -lt 400000 ]
}

@test "a tool by itself finds matplotlib and draws the same" {
    needs_matplotlib
    draws <<<"curves|latency|@/latency.json|mp_pipe"
    limit 60 python3 "$P/latency.py" "$D/latency.json" -o "$D/alone.svg"
    cmp "$D/curves.svg" "$D/alone.svg"
}

@test "files that are cut off, no JSON, empty, foreign or not there; nothing in them" {
    local tool file
    echo '{"context": {}, "benchmarks": []}' >"$D/none.json"
    echo '{"benchmarks": [{"name": "queue/rawmp", "real_time": 1, "time_unit": "ns"}]}' >"$D/odd.json"
    for tool in latency throughput queues; do
        file=${tool%s}.json
        broken_files "$D/$file"
        {
            broken_lines "$tool" "make bench"
            echo "$tool|@/none.json|no measurement;make bench"
        } >"$D/$tool.lines"
        refusals <"$D/$tool.lines"
    done
    refusals <<'EOF'
latency|@/queue.json|queue.json;family queue;latency.json
throughput|@/latency.json|family latency;throughput.json
queues|@/throughput.json|family throughput;queue.json
queues|@/odd.json|names do not read;make bench
latency|@/depth.json|trace
EOF
}

@test "a picture that the results do not hold, a size that is none, a place that cannot be written" {
    needs_matplotlib
    : >"$D/file"
    refusals <<'EOF'
latency|@/latency.json --pace 5ms|pace:5ms;busy, 1ms
throughput|@/throughput.json --buffer 1M|buffer:1048576;65536, 4194304
queues|@/queue.json --picture shapes --capacity 77|capacity:77;16, 1024
latency|@/latency.json -o @/file/out.svg|out.svg;cannot write;-o
queues|@/queue.json -o @|folder
EOF
    run drawer "$P/throughput.py" "$D/throughput.json" --buffer large -o "$D/x.svg"
    [ "$status" -eq 2 ]
    [[ $output == *"--buffer large"*"64K"* ]]
}

@test "sentences about latency are those of the numbers" {
    has "$(said "$D/latency.json" <<'EOF'
lt = latency.analyse(results.read([sys.argv[1]], "latency"))
for what, pace in (("curves", "busy"), ("curves", "1ms"), ("mechanisms", None)):
    print("\n".join(lt.caption(what, pace)))
for f in findings.all_of(latency=lt):
    print(f.sentence)
EOF
)" \
        "On one CPU, back to back: half of mp_pipe’s round trips take at most 3.00 µs, 99 of 100 at most 9.00 µs" \
        "the fastest peer, POSIX semaphore, has a median of 4.50 µs, 1.50× [1.50, 1.50] as much" \
        "mp_pipe takes 1.50× [1.50, 1.50] the time of the limit, spin and yield (2.00 µs)." \
        "Across two CPUs, back to back: half of mp_pipe’s round trips take at most 200 ns, 99 of 100 at most 1.00 µs" \
        "200× [200, 200] as much" "2.00× [2.00, 2.00] the time of the limit, spun word (100 ns)" \
        "mp_pipe across two CPUs has the longest tail: one round trip in 1,000 takes 5.00× its median" \
        "Across two CPUs, one every millisecond: half of mp_pipe’s round trips take at most 40.0 µs" \
        "futex, has a median of 36.0 µs, 0.90× [0.90, 0.90] as much" \
        "On one CPU: back to back, from mp_pipe (3.00 µs) to Python Pipe (18.0 µs)" \
        "one every millisecond, from futex (36.0 µs) to kernel pipe (60.0 µs)" \
        "instead of on one, mp_pipe takes 0.067×" "it moves POSIX semaphore most, 8.89×" \
        "instead of one after the other, mp_pipe takes 200×" \
        "the fastest peer, POSIX semaphore, takes 200× [200, 200] the time of mp_pipe: 40.0 µs, 200 ns." \
        "Python’s Pipe takes 6.00× [6.00, 6.00] the time of mp_pipe: 18.0 µs, 3.00 µs."
}

@test "percentile curves: from the histogram as far as it is rich, else from the rounds" {
    plots_python "$D/latency.json" <<'EOF'
lt = latency.analyse(results.read([sys.argv[1]], "latency"))
case = lt.at("rawmp_pipe", "cross")
found = dict(latency.curve(case))
assert [found[x] for x in (2, 10, 100, 1000, 10000)] == [200, 300, 1000, 1000, 80000], found
assert max(found) == 10000 and len([x for x in found if x > 1000]) > 10
few = dict(latency.curve(lt.at("pipe", "cross")))
assert sorted(few) == [2, 10, 100, 1000] and abs(few[100] - 150e3) < 1, few
# A hundred round trips know no p99.9; a single one only itself.
import cases
rich = cases.tail({200: 99, 900: 1}, [])
assert (rich["p90"], rich["p99"], rich["p99_9"], rich["max"]) == (200, 200, None, 900), rich
case.histogram = {200: 99, 900: 1}
assert max(x for x, _ in latency.curve(case)) <= 100.01
case.histogram = {200: 1}
assert latency.curve(case) == [(2, case.p50)]
EOF
}

@test "sentences about throughput are those of the numbers" {
    has "$(said "$D/throughput.json" <<'EOF'
tp = throughput.analyse(results.read([sys.argv[1]], "throughput"))
for what, part in (("bytes", 4 << 20), ("bytes", 65536), ("messages", 4 << 20)):
    print("\n".join(tp.caption(what, part)))
for f in findings.all_of(throughput=tp):
    print(f.sentence)
EOF
)" \
        "In messages of 64 B, mp_pipe moves 8.00 GB/s, 4.00× [4.00, 4.00] as much as the fastest peer, Boost (2.00 GB/s)." \
        "Beside the copy mp_pipe does best at 4 KiB: 0.80× [0.80, 0.80] memcpy’s rate." \
        "Above memcpy’s line lies vmsplice (1 MiB)" "A peer is faster than mp_pipe at 1 MiB (vmsplice)." \
        "5.00× [5.00, 5.00] as much as the fastest peer, kernel pipe (200 MB/s)" \
        "A peer is faster than mp_pipe at 1 MiB (kernel pipe)." \
        "In messages of 64 B, mp_pipe moves 125 M messages/s" \
        "A message of 64 B takes 8.00 ns in mp_pipe, one of 1 MiB 105 µs." \
        "In messages of 64 B, with a buffer of 4 MiB, mp_pipe moves 4.00× [4.00, 4.00] as much as the fastest peer, Boost: 8.00 GB/s, 2.00 GB/s."
}

@test "sentences about queues are those of the numbers" {
    has "$(said "$D/queue.json" <<'EOF'
q = queues.analyse(results.read([sys.argv[1]], "queue"))
for what in ("capacity", "shapes"):
    print("\n".join(q.caption(what)))
for f in findings.all_of(queue=q):
    print(f.sentence)
EOF
)" \
        "One producer and one consumer: with room for 1024 messages instead of 16, mp_queue is 2.00× [2.00, 2.00] as fast." \
        "Of the peers capacity helps Boost most: 4.00×" \
        "with four producers and four consumers it runs at 0.50× [0.50, 0.50] of its speed with one of each" \
        "room for 1024 messages: mp_queue moves 12.0 M messages/s; the fastest peer, Boost, 6.00 M messages/s: mp_queue is 2.00× [2.00, 2.00] as fast" \
        "it reaches 0.50× [0.50, 0.50] of the bare ring (which a kill can spoil)." \
        "Four producers and four consumers: mp_queue moves 6.00 M messages/s" "it reaches 0.25×" \
        "Through mp_queue go 30.0× [30.0, 30.0] as many messages as through Python’s Queue"
}

@test "sentences hold when ours is slower, cannot be told apart, or is not there" {
    said "$D" >"$D/text" <<'EOF'
d = sys.argv[1]
READ = {"latency": latency, "throughput": throughput, "queue": queues}

def texts(name, change):
    data = json.load(open("%s/%s.json" % (d, name)))
    data["benchmarks"] = [e for e in data["benchmarks"] if change(e) is not False]
    data.pop("histograms", None)
    json.dump(data, open(d + "/changed.json", "w"))
    x = READ[name].analyse(results.read([d + "/changed.json"], name))
    asked = [("curves", "busy"), ("curves", "1ms"), ("mechanisms",)]
    if name == "throughput":
        asked = [(what, b) for what in throughput.PICTURES for b in x.buffers()]
    elif name == "queue":
        asked = [("capacity",), ("shapes",)]
    out = [text for args in asked for text in x.caption(*args)]
    return " ".join(out + [f.sentence for f in findings.all_of(**{name: x})])

def slower(e):
    if "rawmp" in e["name"] and "real_time" in e:
        for key in ("real_time", "p50", "p90", "p99", "p99_9", "max"):
            if key in e:
                e[key] *= 1000
        for key in ("messages_per_second", "bytes_per_second"):
            if key in e:
                e[key] /= 1000

def alike(e):
    """ours and the best peers, with a noise that hides what lies between."""
    swing = 3.0 ** ((e.get("repetition_index", 0) * (5 if "rawmp" in e["name"] else 3)) % 7 - 3)
    for key in ("real_time", "p50"):
        if key in e:
            e[key] = 1000 * swing
    for key in ("messages_per_second", "bytes_per_second"):
        e.pop(key, None)

for name in READ:
    for what, change in (("slower", slower), ("alike", alike),
                         ("gone", lambda e: "rawmp" not in e["name"]),
                         ("alone", lambda e: "rawmp" in e["name"]),
                         ("one", lambda e: "rawmp" in e["name"] and e.get("round") == 0)):
        print("%s %s: %s" % (name, what, texts(name, change)))
EOF
    local name
    [ "$(grep -c . "$D/text")" -eq 15 ]
    for name in latency throughput queue; do
        has "$(grep "^$name gone" "$D/text")" "was not measured"
        run grep -E "^$name (alone|one):.*(peer|limit|ring)" "$D/text"
        [ "$status" -eq 1 ]
        run grep -F '[' <(grep "^$name one" "$D/text")
        [ "$status" -eq 1 ]
    done
    has "$(grep '^latency slower' "$D/text")" "4.50 µs, 0.0015× [0.0015, 0.0015] as much" \
        "from POSIX semaphore (4.50 µs) to mp_queue (4.00 ms)"
    has "$(grep '^throughput slower' "$D/text")" "moves 8.00 MB/s" \
        "A peer is faster than mp_pipe at 64 B (Boost), 4 KiB (Boost) and 1 MiB (vmsplice)."
    has "$(grep '^queue slower' "$D/text")" "mp_queue is 0.0020× [0.0020, 0.0020] as fast"
    has "$(grep '^latency alike' "$D/text")" "cannot tell from no difference" "no difference can be told"
    has "$(grep '^throughput alike' "$D/text")" "cannot be told apart" "no difference can be told"
}

@test "one CPU: no panel for two, and a sentence that says so" {
    plots_python "$D" <<'EOF'
d = sys.argv[1]
for name in ("latency", "throughput", "queue"):
    data = json.load(open("%s/%s.json" % (d, name)))
    data["context"].update(cpus="1", num_cpus=1)
    data["context"]["machine"]["machine"]["cpus online"] = 1
    data["benchmarks"] = [e for e in data["benchmarks"] if "place:cross" not in e["name"]]
    json.dump(data, open("%s/%s.json" % (d, name), "w"))
lt = latency.analyse(results.read([d + "/latency.json"], "latency"))
assert lt.places() == ["same"]
assert "With one CPU there is no other to send to." in lt.caption("curves"), lt.caption("curves")
assert "two CPUs" not in " ".join(lt.caption("mechanisms"))
tp = throughput.analyse(results.read([d + "/throughput.json"], "throughput"))
assert "All of it ran on one CPU." in " ".join(tp.caption("bytes", 65536))
q = queues.analyse(results.read([d + "/queue.json"], "queue"))
assert "All of it ran on one CPU." in " ".join(q.caption("shapes"))
EOF
    needs_matplotlib
    draws <<'EOF'
one|latency|@/latency.json|on one CPU;mp_pipe
two|latency|@/latency.json --picture mechanisms|on one CPU;mp_pipe
EOF
    run grep -F 'two CPUs' "$D/one.svg" "$D/two.svg"
    [ "$status" -eq 1 ]
}

@test "one way, one size, one capacity, one shape: pictures all the same" {
    needs_matplotlib
    plots_python "$D" <<'EOF'
d = sys.argv[1]
for name, keep in (("latency", "rawmp_pipe/place:cross/pace:busy"),
                   ("throughput", "rawmp_pipe/bytes:64/buffer:4M"),
                   ("queue", "rawmp/shape:4P4C/capacity:16")):
    data = json.load(open("%s/%s.json" % (d, name)))
    data["benchmarks"] = [e for e in data["benchmarks"] if keep in e["name"]]
    data.pop("histograms", None)
    json.dump(data, open("%s/%s.json" % (d, name), "w"))
EOF
    draws <<'EOF'
a|latency|@/latency.json|mp_pipe;across two CPUs
b|latency|@/latency.json --picture mechanisms|mp_pipe;back to back
c|throughput|@/throughput.json|mp_pipe;64 B
d|throughput|@/throughput.json --picture messages|mp_pipe
e|queues|@/queue.json|mp_queue;4P4C;16
f|queues|@/queue.json --picture shapes|mp_queue;4P4C
EOF
}

@test "sizes and rates in words" {
    plots_python <<'EOF'
assert [results.size(x) for x in ("64K", "4M", "65536", 65536, "1MiB", "x", "", "-1", None, "9" * 20)] == [
    65536, 4 << 20, 65536, 65536, 1 << 20, None, None, None, None, None]
plain = lambda t: t.replace("\u00a0", " ")
assert [plain(results.bytes_text(n)) for n in (8, 1000, 1024, 65536, 1 << 20, 1536)] == [
    "8 B", "1000 B", "1 KiB", "64 KiB", "1 MiB", "1536 B"]
assert [plain(results.rate_text(x)) for x in (5, 999.9, 12.34e6, 2.5e9)] == [
    "5.00 /s", "1.00 k/s", "12.3 M/s", "2.50 G/s"]
assert plain(results.rate_text(12, " messages/s")) == "12.0 messages/s"
assert plain(results.rate_text(6.24e9, "B/s")) == "6.24 GB/s"
assert results.times_text(0.05) == "0.050×" and results.times_text(0.9) == "0.90×"
EOF
}

@test "a queue's depth over time: how long empty, how long full, and the mean" {
    plots_python "$D/depth.json" "$D/many.json" <<'EOF'
tr = timeline.Trace(sys.argv[1])
text = tr.caption().replace("\u00a0", " ")
assert "“queue” begins at 0, lies between 0 and 16 and ends at 0" in text, text
# 0 for 0.5 of 24 ms, 16 for 1 of 24; 60 + 136 messages x ms in 24 ms.
assert "stands at 0 for 2.1 % of the time and at 16, its highest, for 4.2 %; its average is 8.17" in text, text
assert tr.levels[0].height() > 0.9
many = timeline.Trace(sys.argv[2]).levels[0]
thin = many.thinned(15000, 500)
assert len(thin) <= 2000 and thin[0] == many.points[0] and thin[-1] == many.points[-1]
assert min(v for _, v in thin) == many.low and max(v for _, v in thin) == many.high
assert [t for t, _ in thin] == sorted(t for t, _ in thin)
import level
spikes = level.Level("x", [(t, {4321: 0, 4322: 9}.get(t, 5)) for t in range(10000)])
assert {v for _, v in spikes.thinned(10000, 100)} == {0, 5, 9}
EOF
}

@test "the report: sections, tables and pictures of messages, and what make ipc found" {
    report
    page_checks "$D/out/index.html"
    local text
    text=$(grep -o '<section id="[^"]*"' "$D/out/index.html" | cut -d'"' -f2 | tr '\n' ' ')
    echo "$text"
    [[ $text == *"waiting latency throughput queue manager ipc counters machine made " ]]
    has "$(page_text)" 'mp_pipe takes 1.50× [1.50, 1.50] the time of the limit' '>200 ns<' \
        '8.00 GB/s<span class="iv">125 M/s</span>' '12.0 M/s' '>0.002<' '>4.00<' \
        "Above memcpy’s line lies vmsplice" 'Not measured: nng/place:same/pace:busy: no &lt;nng&gt; here.' \
        'For &lt;small&gt; messages: mp_pipe.</p>' '<p>For large ones too.' \
        'Left out: ZeroMQ (not installed).' '>n/a (no tracefs)<' '>0.002 calls<' '2.60 GB/s' 'kernel pipe' \
        '“queue” begins at 0' '$ make ipc'
    run grep -E '(latency|throughput|queue|ipc).json is not there' "$D/out/index.html"
    [ "$status" -eq 1 ]
    if [ -n "$DRAW" ]; then
        # depth; mechanisms, two of curves; two buffers and messages; two of queues
        [ "$(grep -c '<figure>' "$D/out/index.html")" -eq 9 ]
    fi
}

@test "without matplotlib the report keeps sentences and tables of messages" {
    bare_python
    # What failed stands in the open; what could not be measured is folded, if there is much.
    python3 - "$D/results/queue.json" <<'EOF'
import json, sys
data = json.load(open(sys.argv[1]))
for how, why in (("a", "skipped: no a"), ("b", "skipped: no b"), ("c", "skipped: no c"),
                 ("d", "lost a message"), ("e", "skipped: never: of no use")):
    data["benchmarks"].append(dict(name="queue/%s/shape:1P1C/capacity:16" % how, real_time=0,
                                   time_unit="ns", error_occurred=True, error_message=why))
json.dump(data, open(sys.argv[1], "w"))
EOF
    report --python "$D/bare"
    run grep -c '<svg' "$D/out/index.html"
    [ "$output" = 0 ]
    has "$(page_text)" 'No pictures, only tables: matplotlib' '8.00 GB/s' '12.0 M messages/s' \
        "half of mp_pipe’s round trips" 'Left out: ZeroMQ' 'aria-label="Lanes"' \
        '<p class="missing">Failed and left out: d/shape:1P1C/capacity:16: lost a message.' \
        '<summary>Not measured, and why (3)</summary>' '<li>c/shape:1P1C/capacity:16: no c.</li>'
    run grep -F 'of no use' "$D/out/index.html"
    [ "$status" -eq 1 ]
}

@test "what is broken or missing costs its own section only" {
    bare_python
    head -c 300 "$D/results/latency.json" >"$D/cut"
    mv "$D/cut" "$D/results/latency.json"
    echo '{"context": {}, "benchmarks": []}' >"$D/results/throughput.json"
    rm "$D/results/queue.json" "$D/ipc.json"
    report --python "$D/bare"
    page_checks "$D/out/index.html"
    has "$(page_text)" 'latency.json: cut off' 'no measurement of the family throughput' \
        'queue.json is not there' 'ipc.json is not there' 'make ipc'
    local content word
    while IFS='|' read -r content word; do
        printf '%s' "$content" >"$D/ipc.json"
        report --python "$D/bare"
        page_checks "$D/out/index.html"
        has "$(page_text)" "$word"
    done <<'EOF'
{"rows": [{"mech|cut off
hello|not JSON
[]|no object at its top
{"rows": []}|no row in it
{"rows": [{"mechanism": "odd <b>", "bytes": "x", "p50_ns": -1, "messages_per_second": 1e400}], "left_out": 5, "advice": []}|odd &lt;b&gt;
EOF
}
