/* The clock does not go back, and deadlines saturate instead of overflowing. */
#include "mp/clock.h"

#include "tap.h"

int main(void)
{
	int64_t a = mp_clock_now(), b = mp_clock_now();

	ok(a >= 0 && b >= a, "the clock does not go back");
	is(mp_clock_deadline(-1), MP_CLOCK_NEVER,
	   "a negative timeout never ends");
	is(mp_clock_deadline(INT64_MIN), MP_CLOCK_NEVER,
	   "nor does the most negative one");
	is(mp_clock_deadline(INT64_MAX), MP_CLOCK_NEVER,
	   "a timeout beyond the clock never ends");
	is(mp_clock_deadline(INT64_MAX - a / 2), MP_CLOCK_NEVER,
	   "nor does one that only the sum carries beyond it");
	b = mp_clock_deadline(0);
	ok(b >= a && b <= mp_clock_now(), "a timeout of 0 ends now");
	a = mp_clock_now();
	ok(mp_clock_deadline(1000) >= a + 1000, "a timeout counts from now");
	is(mp_clock_left(MP_CLOCK_NEVER), MP_CLOCK_NEVER,
	   "never is never near");
	is(mp_clock_left(0), 0, "a deadline that has passed leaves nothing");
	ok(mp_clock_left(mp_clock_deadline(1000000000)) > 0,
	   "a deadline ahead leaves something");
	return tap_done();
}
