# The front door: a thin face of meson and the tools.  `make help` lists it.
#
# Everything generated lies under build/.

B      := build/default
PY     := python3
LESSON := $(PY) lessons/tools/lesson.py
export PYTHONDONTWRITEBYTECODE := 1

all: configured ## build everything
	@ninja -C $(B) -n | grep -q 'no work to do' || \
		ninja -C $(B) $$([ -t 1 ] || echo --quiet)

help: ## this list
	@echo "make TARGET; lessons take N=1 … 7"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile

# ---- the two commands for a newcomer

report: all ## set up, build, run stories and benchmarks briefly, write the HTML report
	@$(LESSON) tell all --brief --json build/results
	@$(LESSON) trace all
	@$(PY) benchmarks/run.py --brief
	@$(PY) benchmarks/ipc.py
	@$(PY) plots/report.py

test: all ## set up, build and run all tests (under ten minutes on 2 CPUs)
	@meson test -C $(B) --no-rebuild --num-processes $$((2 * $$(nproc))) || { \
		tests/machine/count.py --failed $(B)/meson-logs/testlog.json; exit 1; }

# ---- this machine

setup: ## install what is missing, or print the line to type
	@tests/machine/setup.sh

doctor: ## what this machine lacks, what that costs, and the remedy
	@$(PY) tests/machine/doctor.py

# ---- lessons

lesson: all ## tell lesson N: its steps, run one by one
	@$(LESSON) tell $(N)

predict: all ## answer lesson N's questions first, then see the truth
	@$(LESSON) predict $(N)

# Red is what an exercise is at first, no error of make's.
exercise: all ## judge lesson N's exercise (HINT=1 for a hint)
	@$(LESSON) exercise $(N) $(if $(HINT),--hint) || [ $$? -eq 1 ]

next: all ## where to go on
	@$(LESSON) next

progress: all ## how far you are
	@$(LESSON) progress

trace: all ## timeline of lesson N's last step
	@$(LESSON) trace $(N)

kill: all ## the kill -9 experiment of lesson N, Python beside it
	@$(LESSON) kill $(N)

python: all ## Python's version of lesson N beside ours
	@$(LESSON) python $(N)

grade: all ## points for lesson N's exercise, and JSON for a grading system
	@$(LESSON) grade $(N) || [ $$? -eq 1 ]

handout: all ## what students get: no solutions, no notes
	@$(LESSON) handout

authors: all ## check that the lessons are true
	@$(PY) lessons/tools/authors.py

# ---- measuring

bench: all ## all benchmarks, or lesson N's; FILTER=regex REPS=n
	@$(if $(N),$(LESSON) bench $(N),$(PY) benchmarks/run.py \
		$(if $(FILTER),--filter '$(FILTER)') $(if $(REPS),--reps $(REPS)))

bench-compare: all ## is this tree slower than BASE=revision?  FILTER=regex PAIRS=n
	@$(PY) benchmarks/compare.py --base '$(or $(BASE),HEAD)' \
		$(if $(FILTER),--filter '$(FILTER)') $(if $(PAIRS),--pairs $(PAIRS))

bench-aa: all ## this build against itself: how small a change this machine can see
	@$(PY) benchmarks/compare.py --aa \
		$(if $(FILTER),--filter '$(FILTER)') $(if $(PAIRS),--pairs $(PAIRS))

scoreboard: all ## ours beside the best peer and the limit, row by row; REPS=n ROWS=regex
	@$(PY) benchmarks/scoreboard.py \
		$(if $(ROWS),--rows '$(ROWS)') $(if $(REPS),--reps $(REPS))

ipc: all ## every way from one process to another, compared: a minute; advice
	@$(PY) benchmarks/ipc.py

perf: all ## perf tools on WHAT="a benchmark filter or a command"
	@$(PY) benchmarks/perf.py '$(WHAT)'

# ---- for authors

sanitize: setup ## the library's tests and the benchmarks under ASan and UBSan
	@mkdir -p build; test -f build/asan/build.ninja || meson setup build/asan \
		-Db_sanitize=address,undefined -Db_lundef=false >build/asan.log || \
		{ cat build/asan.log; exit 2; }
	@ninja -C build/asan --quiet
	@meson test -C build/asan --no-rebuild --suite library --suite bench-smoke \
		|| { tests/machine/count.py --failed \
		build/asan/meson-logs/testlog.json; exit 1; }

prove: all ## kill at every instruction, models, storms: the deep suite (some minutes)
	@meson test -C $(B) --no-rebuild --setup deep --suite deep || { \
		tests/machine/count.py --failed $(B)/meson-logs/testlog-deep.json; exit 1; }

chaos: setup ## the library's tests with random yields and sleeps in every gap
	@mkdir -p build; test -f build/chaos/build.ninja || meson setup build/chaos \
		-Dchaos=true >build/chaos.log || { cat build/chaos.log; exit 2; }
	@ninja -C build/chaos --quiet
	@meson test -C build/chaos --no-rebuild --timeout-multiplier 4 \
		--suite library --suite stress || { tests/machine/count.py --failed \
		build/chaos/meson-logs/testlog.json; exit 1; }

lint: ## formats, warnings of two compilers, shell and Python syntax
	@tests/machine/lint.sh

install: all ## headers, library and rawmp.pc (PREFIX by: meson configure build/default)
	@meson install -C $(B) --no-rebuild

clean: ## remove build/, all that was generated
	@rm -rf build

configured: setup
	@test -f $(B)/build.ninja || { mkdir -p build && \
		meson setup $(B) >build/configure.log || \
		{ cat build/configure.log; exit 2; }; }

.DEFAULT:
	@echo "make: there is no target '$@'; 'make help' lists them" >&2; exit 2

.PHONY: all help report test setup doctor lesson predict exercise next progress \
	trace kill python grade handout authors bench bench-compare bench-aa scoreboard \
	ipc perf sanitize prove chaos lint install clean configured
