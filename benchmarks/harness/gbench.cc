/* See gbench.h.  The only C++ here: it borders on Google Benchmark, 1.7 to 1.9.
 *
 * Own reporters, because the stock ones exit 0 when a benchmark reports an
 * error, and warn of a DEBUG library that Debian's is not in any way that
 * matters (its loop is compiled into this file).
 *
 * A skipped benchmark is an error to the library (1.7 knows nothing else), told
 * apart by the first word of its message.
 */
#include "harness/gbench.h"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "harness/command.h"
#include "harness/counters.h"

namespace bm = benchmark;
using Reporter = bm::BenchmarkReporter;
using Run = Reporter::Run;

static const std::string skipped = "skipped: ";
static const double CHANCE = 0.01; /* counts in an operation */

static struct command command; /* what was asked for */

/* ---- one run of one benchmark ------------------------------------------ */

struct gb_state {
	bm::State *st;
	const struct gb_benchmark *def;
	const int64_t *arguments;
	std::string name;
	bool begun, ended, failed;
	int64_t times, time_sum;
	double operations; /* in an iteration */
	struct usage before, usage;
	bool usage_given;
	std::vector<double> discount; /* of each counter, or empty */
};

static std::string vformat(const char *format, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, ap);
	return text;
}

static void fail(gb_state *st, const std::string &message)
{
	if (st->failed)
		return;
	st->failed = true;
	st->st->SkipWithError(message.c_str());
}

extern "C" int64_t gb_begin(gb_state *st)
{
	if (st->begun || st->failed)
		return 0;
	st->begun = true;
	usage_now(&st->before);
	st->st->KeepRunningBatch(st->st->max_iterations);
	if (command.counting)
		counters_start(); /* last, so as not to count ourselves */
	return st->st->max_iterations;
}

/* A total, reported as each operation's share. */
static void share(gb_state *st, const char *name, double total)
{
	gb_counter(st, name,
		   total / (double)st->st->max_iterations / st->operations);
}

/* NaN: not counted, or less than what was discounted, by more than chance. */
static double counted(const gb_state *st, int i)
{
	double v = counters_value(i);

	if (!st->discount.empty() && !std::isnan(st->discount[(size_t)i]))
		v -= st->discount[(size_t)i];
	if (v < -CHANCE * (double)st->st->max_iterations * st->operations)
		return NAN;
	return v < 0 ? 0 : v;
}

static void report_counts(gb_state *st)
{
	const struct usage &u = st->usage;

	if (u.cpu_ns >= 0)
		share(st, "cpu_ns", (double)u.cpu_ns);
	if (u.voluntary >= 0 && u.involuntary >= 0) {
		share(st, "switches", (double)(u.voluntary + u.involuntary));
		share(st, "involuntary", (double)u.involuntary);
	}
	if (u.faults >= 0)
		share(st, "faults", (double)u.faults);
	for (int i = 0; command.counting && i < counters_number(); i++) {
		double v = counted(st, i);

		if (counters_reason(i) == nullptr && !std::isnan(v))
			share(st, counters_name(i), v);
	}
}

extern "C" int gb_end(gb_state *st)
{
	struct usage now;

	if (st->ended || !st->begun)
		return 0;
	st->ended = true;
	if (command.counting)
		counters_stop();
	usage_now(&now);
	if (!st->usage_given)
		st->usage = usage_between(&st->before, &now);
	if (st->def->clock == GB_MANUAL_TIME && !st->failed) {
		if (st->time_sum <= 0)
			fail(st, "manual time stayed at zero: gb_time() was "
				 "never told a time");
		else if (st->times != st->st->max_iterations)
			fail(st, "gb_time() must be called once in each "
				 "iteration");
	}
	st->st->KeepRunningBatch(st->st->max_iterations);
	if (!st->failed)
		report_counts(st);
	return 0;
}

/* `left` went by way of break: finish in its place. */
static void check_loop(gb_state *st)
{
	if (st->failed)
		gb_end(st);
	else if (!st->begun)
		fail(st, "never reached GB_LOOP");
	else if (!st->ended)
		fail(st, "left GB_LOOP before its end");
}

static void run(bm::State &state, const struct gb_benchmark *def,
		const int64_t *arguments, const std::string &name)
{
	gb_state st{};

	st.st = &state;
	st.def = def;
	st.arguments = arguments;
	st.name = name;
	st.operations = 1;
	if (command.progress >= 0)
		dprintf(command.progress, "%s\n", name.c_str());
	fflush(nullptr);
	if (def->setup != nullptr)
		def->setup(&st);
	if (!st.failed)
		def->run(&st);
	check_loop(&st);
	if (def->teardown != nullptr)
		def->teardown(&st);
}

extern "C" const char *gb_name(const gb_state *st)
{
	return st->name.c_str();
}

extern "C" int64_t gb_argument(const gb_state *st, int i)
{
	return st->arguments[i];
}

extern "C" const void *gb_user(const gb_state *st)
{
	return st->def->user;
}

extern "C" int64_t gb_iterations(const gb_state *st)
{
	return st->st->max_iterations;
}

extern "C" bool gb_smoke(void)
{
	return command.smoke;
}

extern "C" bool gb_counting(void)
{
	return command.counting;
}

extern "C" bool gb_failed(const gb_state *st)
{
	return st->failed;
}

extern "C" void gb_time(gb_state *st, int64_t ns)
{
	st->times++;
	st->time_sum += ns;
	st->st->SetIterationTime((double)ns * 1e-9 / st->operations);
}

extern "C" void gb_operations(gb_state *st, uint64_t n)
{
	st->operations = n > 0 ? (double)n : 1;
}

extern "C" void gb_counter(gb_state *st, const char *name, double value)
{
	st->st->counters[name] = bm::Counter(value);
}

extern "C" void gb_usage(gb_state *st, const struct usage *u)
{
	st->usage = *u;
	st->usage_given = true;
}

extern "C" void gb_attach(gb_state *st, const char *key, const char *json)
{
	if (command.sidecar == nullptr)
		return;
	fprintf(command.sidecar,
		"{\"name\":\"%s\",\"iterations\":%lld,\"%s\":%s}\n",
		st->name.c_str(), (long long)st->st->max_iterations, key, json);
	fflush(command.sidecar);
}

extern "C" void gb_discount_begin(gb_state *)
{
	if (command.counting)
		counters_start();
}

extern "C" void gb_discount_end(gb_state *st)
{
	if (!command.counting)
		return;
	counters_stop();
	for (int i = 0; i < counters_number(); i++)
		st->discount.push_back(counters_value(i));
}

extern "C" void gb_label(gb_state *st, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	st->st->SetLabel(vformat(format, ap));
	va_end(ap);
}

extern "C" void gb_skip(gb_state *st, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fail(st, skipped + vformat(format, ap));
	va_end(ap);
}

extern "C" void gb_error(gb_state *st, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fail(st, vformat(format, ap));
	va_end(ap);
}

extern "C" void gb_context(const char *key, const char *value)
{
	bm::AddCustomContext(key, value);
}

/* ---- registration ------------------------------------------------------- */

static std::string full_name(const gb_benchmark *b, const int64_t *row)
{
	std::string name = b->name;

	for (int i = 0; i < b->narguments; i++) {
		const struct gb_argument &a = b->arguments[i];

		name += std::string("/") + a.name + ":";
		name += a.labels != nullptr ? a.labels[row[i]]
					    : std::to_string(row[i]);
	}
	return name;
}

static void register_one(const gb_benchmark *b, const int64_t *row,
			 const std::string &name)
{
	static const bm::TimeUnit units[] = { bm::kNanosecond, bm::kMicrosecond,
					      bm::kMillisecond, bm::kSecond };
	auto *r = bm::RegisterBenchmark(name.c_str(), [=](bm::State &state) {
		run(state, b, row, name);
	});

	r->Unit(units[b->unit]);
	if (b->clock == GB_REAL_TIME)
		r->UseRealTime();
	if (b->clock == GB_MANUAL_TIME)
		r->UseManualTime();
	if (b->once)
		r->Iterations(1);
}

extern "C" void gb_register(const gb_benchmark *b)
{
	static const int64_t none[GB_ARGUMENTS] = { 0 };
	static std::list<gb_benchmark> all; /* until the program ends */
	int n = b->rows != nullptr ? b->nrows : 1;

	all.push_back(*b);
	for (int i = 0; i < n; i++) {
		const int64_t *row = b->rows != nullptr ? b->rows[i] : none;
		std::string name = full_name(b, row);

		register_one(&all.back(), row, name);
		if (command.twice)
			register_one(&all.back(), row, name + "/again");
	}
}

/* ---- what changed between 1.7 and 1.9 ----------------------------------- */

template <class R>
static auto message_of(const R &r, int) -> decltype(r.skip_message)
{
	return r.skipped != decltype(r.skipped){} ? r.skip_message : "";
}

template <class R>
static auto message_of(const R &r, long) -> decltype(r.error_message)
{
	return r.error_occurred ? r.error_message : "";
}

template <class R>
static auto takes_suffix(int) -> decltype(&R::skip_message, true)
{
	return true;
}

template <class R> static bool takes_suffix(long)
{
	return false;
}

/* ---- reporters ---------------------------------------------------------- */

static bool ends_with(const std::string &s, const std::string &end)
{
	return s.size() >= end.size() &&
	       s.compare(s.size() - end.size(), end.size(), end) == 0;
}

/* The library's suffixes say nothing that the reader needs. */
static std::string bare(std::string name)
{
	for (const char *end :
	     { "/manual_time", "/real_time", "/iterations:1" })
		if (ends_with(name, end))
			name.resize(name.size() - strlen(end));
	return name;
}

static std::string time_text(double ns)
{
	static const struct {
		double ns;
		const char *unit;
	} units[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" } };
	char text[32];

	for (const auto &u : units)
		if (ns >= u.ns || u.ns == 1) {
			double v = ns / u.ns;

			snprintf(text, sizeof(text), "%.*f %s",
				 v < 10 ? 2 : (v < 100 ? 1 : 0), v, u.unit);
			break;
		}
	return text;
}

/* A line for each benchmark that fits the name and four columns. */
class Table : public Reporter
{
	size_t width = 0;
	const char *titles[4] = { "p50", "p99", "CPU", "switches" };
	const char *keys[4] = { "p50", "p99", "cpu_ns", "switches" };

	std::string cell(const Run &r, int i)
	{
		auto c = r.counters.find(keys[i]);
		char text[32];

		if (c == r.counters.end())
			return command.counting ? "n/a" : "-";
		if (!command.counting && i < 3)
			return time_text(c->second.value);
		snprintf(text, sizeof(text), "%.2f", (double)c->second.value);
		return text;
	}

	void print(const Run &r)
	{
		auto &out = GetOutputStream();
		double unit = bm::GetTimeUnitMultiplier(r.time_unit);
		char text[32];

		snprintf(text, sizeof(text), "%11s",
			 time_text(r.GetAdjustedRealTime() / unit * 1e9)
				 .c_str());
		out << text;
		for (int i = 0; i < 4; i++) {
			snprintf(text, sizeof(text), " %9s",
				 cell(r, i).c_str());
			out << text;
		}
		if (!r.report_label.empty())
			out << "  " << r.report_label;
	}

      public:
	Table()
	{
		static const char *const names[] = { "syscalls",
						     "context_switches",
						     "migrations",
						     "page_faults" };
		static const char *const heads[] = { "syscalls", "switches",
						     "migrated", "faults" };

		for (int i = 0; command.counting && i < 4; i++) {
			keys[i] = names[i];
			titles[i] = heads[i];
		}
	}

	bool ReportContext(const Context &context) override
	{
		auto &out = GetOutputStream();
		char text[256];

		width = context.name_field_width;
		snprintf(text, sizeof(text), "%-*s%11s %9s %9s %9s %9s\n",
			 (int)width, "benchmark", "time", titles[0], titles[1],
			 titles[2], titles[3]);
		out << text << std::string(strlen(text) - 1, '-') << "\n";
		return true;
	}

	void ReportRuns(const std::vector<Run> &runs) override
	{
		auto &out = GetOutputStream();

		for (const Run &r : runs) {
			std::string name = bare(r.run_name.str()), m;

			if (r.run_type == Run::RT_Aggregate)
				continue;
			m = message_of(r, 0);
			out << name;
			if (name.size() < width)
				out << std::string(width - name.size(), ' ');
			if (!m.empty())
				out << "  " << m;
			else
				print(r);
			out << std::endl;
		}
	}
};

/* Counts the errors that pass by. */
class Judge : public Reporter
{
	std::unique_ptr<Reporter> inner;

      public:
	int errors = 0;

	explicit Judge(Reporter *r) : inner(r)
	{
	}

	bool ReportContext(const Context &context) override
	{
		return inner->ReportContext(context);
	}

	void ReportRuns(const std::vector<Run> &runs) override
	{
		for (const Run &r : runs) {
			std::string m = message_of(r, 0);

			errors += !m.empty() && m.rfind(skipped, 0) != 0;
		}
		inner->ReportRuns(runs);
	}

	void Finalize() override
	{
		inner->Finalize();
	}
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static Reporter *reporter(const std::string &format)
{
	if (format == "json")
		return new bm::JSONReporter;
	if (format == "csv")
		return new bm::CSVReporter;
	return new Table;
}
#pragma GCC diagnostic pop

/* ---- main --------------------------------------------------------------- */

static void context_of_counters(void)
{
	for (int i = 0; i < counters_number(); i++) {
		std::string key = std::string("counter.") + counters_name(i);
		const char *reason = counters_reason(i);

		if (reason == nullptr)
			bm::AddCustomContext(key, "ok");
		else
			bm::AddCustomContext(
				key, "n/a (" + std::string(reason) + ")");
	}
}

extern "C" int gb_main(int argc, char **argv, const gb_program *program)
{
	const struct command_library library = { takes_suffix<Run>(0),
						 bm::PrintDefaultHelp };
	int found;

	command_read(&command, argc, argv, program, &library);
	if (command.counting) {
		counters_open();
		context_of_counters();
	}
	program->prepare();
	bm::Initialize(&command.argc, command.argv); /* it keeps argv[0] */
	command_unknown(&command);
	Judge judge(reporter(command.format));
	found = (int)bm::RunSpecifiedBenchmarks(&judge);
	std::cout.flush();
	return command_finish(&command,
			      found == 0 ? 3 : (judge.errors > 0 ? 1 : 0));
}
