/* mandelbrot - a picture of the Mandelbrot set, row by row.
 *
 * A task is a row.  Those through the middle of the set cost three hundred
 * times those at the edge of the picture: blocks of rows are unequal shares.
 * What a task leaves is how many steps each pixel took to escape, at most
 * STEPS, as 16-bit numbers.
 *
 * The same bits everywhere: the file is compiled without fused multiplication
 * and addition (-ffp-contract=off), which Python does not have either.
 */
#include "workloads/workload.h"

#define STEPS 1000

static uint32_t width, height;

static uint16_t steps_of(double cx, double cy)
{
	double x = 0, y = 0, xx = 0, yy = 0;
	uint16_t n = 0;

	for (; n < STEPS && xx + yy <= 4; n++) {
		y = 2 * x * y + cy;
		x = xx - yy + cx;
		xx = x * x;
		yy = y * y;
	}
	return n;
}

static int mandelbrot_open(uint32_t size, struct workload_plan *plan)
{
	width = size;
	height = width * 3 / 4;
	plan->tasks = height;
	plan->room = width * sizeof(uint16_t);
	return 0;
}

static int mandelbrot_run(uint32_t row, void *out)
{
	uint16_t *steps = out;
	double cy = 1.125 - 2.25 * row / height;

	for (uint32_t i = 0; i < width; i++)
		steps[i] = steps_of(-2.25 + 3.0 * i / width, cy);
	return (int)(width * sizeof(uint16_t));
}

struct workload workload_mandelbrot = {
	.name = "mandelbrot",
	.words = "Mandelbrot set, %u pixels wide",
	.methods = "sequential threads openmp fork_task fork_block fork_stride "
		   "fork_index mp_pool python_sequential python_pool "
		   "python_executor",
	.size = 512,
	.smoke = 16,
	.python = 8,
	.open = mandelbrot_open,
	.run = mandelbrot_run,
};
