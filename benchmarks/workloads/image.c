/* image - decode a PNG, blur it, find its edges, encode the result.
 *
 * A task is a picture, from the bytes of one PNG file to those of another, by
 * libpng.  The blur is 5 x 5, binomial (1 4 6 4 1); edges are |gx| + |gy| of
 * Sobel's operators; what lies outside the picture is as its nearest pixel.
 * What a task leaves is the CRC of the pixels and the file.  (The CRC is for
 * Python: another encoder may pack the same pixels differently.)
 *
 * The pictures are hills of noise, larger and smaller ones, like clouds, the
 * same in each run; or they are those of a folder.
 */
#include "workloads/workload.h"

#ifdef HAVE_PNG
#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PICTURES 48
#define MEMORY   (1ull << 30) /* the most that results may take */

/* Of a file, or in memory. */
static struct picture {
	const char *path;
	const unsigned char *bytes;
	size_t size;
} * pictures;
static int number;   /* of them */
static char **paths; /* of a folder, or NULL */

/* ---- pictures of clouds ---- */

static uint32_t hash(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t v = a * 0x9e3779b1u ^ b * 0x85ebca6bu ^ c * 0xc2b2ae35u;

	v = (v ^ v >> 15) * 0x2c1b3c6du;
	return (v ^ v >> 12) & 255;
}

/* Noise with hills of 1 << shift pixels: 0 to 255. */
static uint32_t hill(uint32_t x, uint32_t y, uint32_t shift, uint32_t seed)
{
	uint32_t side = 1u << shift, fx = x & (side - 1), fy = y & (side - 1);
	uint32_t cx = x >> shift, cy = y >> shift;
	uint32_t up =
		hash(cx, cy, seed) * (side - fx) + hash(cx + 1, cy, seed) * fx;
	uint32_t down = hash(cx, cy + 1, seed) * (side - fx) +
			hash(cx + 1, cy + 1, seed) * fx;

	return (up * (side - fy) + down * fy) >> (2 * shift);
}

static void paint(unsigned char *rgb, uint32_t w, uint32_t h, uint32_t seed)
{
	for (uint32_t y = 0; y < h; y++)
		for (uint32_t x = 0; x < w; x++, rgb += 3) {
			uint32_t v = hill(x, y, 6, seed) * 4 +
				     hill(x, y, 4, seed) * 3 +
				     hill(x, y, 1, seed);

			rgb[0] = (unsigned char)(v / 8);
			rgb[1] = (unsigned char)(v / 10 + 20);
			rgb[2] = (unsigned char)(255 - v / 9);
		}
}

/* ---- blur and edges ---- */

/* A copy with a margin of two pixels all around, as the nearest ones are. */
static void pad(unsigned char *to, const unsigned char *from, size_t w,
		size_t h)
{
	for (size_t y = 0; y < h + 4; y++) {
		size_t near = y < 2 ? 0 : (y - 2 < h ? y - 2 : h - 1);
		const unsigned char *row = from + near * w * 3;

		for (size_t x = 0; x < w + 4; x++, to += 3) {
			near = x < 2 ? 0 : (x - 2 < w ? x - 2 : w - 1);
			memcpy(to, row + near * 3, 3);
		}
	}
}

/* First along the rows, into `sums`, and then along the columns. */
static void blur(unsigned char *to, const unsigned char *padded, uint16_t *sums,
		 size_t w, size_t h)
{
	size_t line = w * 3;

	for (size_t y = 0; y < h + 4; y++) {
		const unsigned char *p = padded + y * (w + 4) * 3;
		uint16_t *s = sums + y * line;

		for (size_t i = 0; i < line; i++)
			s[i] = (uint16_t)(p[i] + 4 * p[i + 3] + 6 * p[i + 6] +
					  4 * p[i + 9] + p[i + 12]);
	}
	for (size_t y = 0; y < h; y++, to += line) {
		const uint16_t *s = sums + y * line;

		for (size_t i = 0; i < line; i++)
			to[i] = (unsigned char)((s[i] + 4 * s[i + line] +
						 6 * s[i + 2 * line] +
						 4 * s[i + 3 * line] +
						 s[i + 4 * line] + 128) >>
						8);
	}
}

static void edges(unsigned char *to, const unsigned char *padded, size_t w,
		  size_t h)
{
	size_t line = (w + 4) * 3;

	for (size_t y = 0; y < h; y++, to += w * 3) {
		const unsigned char *a = padded + (y + 1) * line + 3;
		const unsigned char *b = a + line, *c = b + line;

		for (size_t i = 0; i < w * 3; i++) {
			int gx = a[i + 6] + 2 * b[i + 6] + c[i + 6] - a[i] -
				 2 * b[i] - c[i];
			int gy = c[i] + 2 * c[i + 3] + c[i + 6] - a[i] -
				 2 * a[i + 3] - a[i + 6];
			int sum = abs(gx) + abs(gy);

			to[i] = (unsigned char)(sum < 255 ? sum : 255);
		}
	}
}

/* From pixels to pixels. */
static int filter(unsigned char *rgb, size_t w, size_t h)
{
	size_t padded_size = (w + 4) * (h + 4) * 3;
	unsigned char *padded = malloc(padded_size);
	uint16_t *sums = malloc(padded_size * sizeof(*sums));
	int e = padded == NULL || sums == NULL ? -ENOMEM : 0;

	if (e == 0) {
		pad(padded, rgb, w, h);
		blur(rgb, padded, sums, w, h);
		pad(padded, rgb, w, h);
		edges(rgb, padded, w, h);
	}
	free(sums);
	free(padded);
	return e;
}

/* ---- files ---- */

/* Look at the beginning; what it is, in `im`. */
static int begin(const struct picture *p, png_image *im)
{
	int good;

	*im = (png_image){ .version = PNG_IMAGE_VERSION };
	if (p->path != NULL)
		good = png_image_begin_read_from_file(im, p->path);
	else
		good = png_image_begin_read_from_memory(im, p->bytes, p->size);
	im->format = PNG_FORMAT_RGB;
	return good ? 0 : -EBADMSG;
}

/* Its pixels, in memory of malloc's; NULL: it is no good. */
static unsigned char *decode(const struct picture *p, png_image *im)
{
	const png_color black = { 0, 0, 0 }; /* behind what is transparent */
	unsigned char *rgb;

	if (begin(p, im) < 0)
		return NULL;
	rgb = malloc(PNG_IMAGE_SIZE(*im));
	if (rgb == NULL || !png_image_finish_read(im, &black, rgb, 0, NULL)) {
		png_image_free(im);
		free(rgb);
		return NULL;
	}
	return rgb;
}

/* Into `out`, which has room for any file of such a picture. */
static int encode(const unsigned char *rgb, uint32_t w, uint32_t h, void *out,
		  size_t *size)
{
	png_image im = { .version = PNG_IMAGE_VERSION,
			 .width = w,
			 .height = h,
			 .format = PNG_FORMAT_RGB,
			 .flags = PNG_IMAGE_FLAG_FAST };

	*size = PNG_IMAGE_PNG_SIZE_MAX(im);
	return png_image_write_to_memory(&im, out, size, 0, rgb, 0, NULL)
		       ? 0
		       : -EBADMSG;
}

static int image_run(uint32_t task, void *out)
{
	png_image im;
	unsigned char *rgb = decode(&pictures[task], &im);
	uint32_t crc;
	size_t size;
	int e;

	if (rgb == NULL)
		return -EBADMSG;
	e = filter(rgb, im.width, im.height);
	crc = (uint32_t)crc32_z(0, rgb, PNG_IMAGE_SIZE(im));
	memcpy(out, &crc, sizeof(crc));
	if (e == 0)
		e = encode(rgb, im.width, im.height, (char *)out + sizeof(crc),
			   &size);
	free(rgb);
	return e < 0 ? e : (int)(sizeof(crc) + size);
}

/* The longest result of a picture that is w x h. */
static size_t room_for(uint32_t w, uint32_t h)
{
	const png_image im = { .width = w,
			       .height = h,
			       .format = PNG_FORMAT_RGB };

	return sizeof(uint32_t) + PNG_IMAGE_PNG_SIZE_MAX(im);
}

/* ---- ready ---- */

static int make_pictures(uint32_t w, uint32_t h)
{
	size_t room = room_for(w, h);
	unsigned char *files = workload_memory(room * PICTURES);
	unsigned char *rgb = malloc((size_t)w * h * 3);
	int e = files == NULL || rgb == NULL ? -ENOMEM : 0;

	number = PICTURES;
	pictures = calloc(PICTURES, sizeof(*pictures));
	if (pictures == NULL)
		e = -ENOMEM;
	for (uint32_t i = 0; i < PICTURES && e == 0; i++, files += room) {
		paint(rgb, w, h, i);
		pictures[i].bytes = files;
		e = encode(rgb, w, h, files, &pictures[i].size);
	}
	free(rgb);
	return e;
}

static int image_open(uint32_t width, struct workload_plan *plan)
{
	int e = paths == NULL ? make_pictures(width, width * 3 / 4) : 0;

	plan->tasks = (uint32_t)number;
	plan->room = room_for(width, width * 3 / 4);
	for (int i = 0; i < number && paths != NULL; i++) {
		png_image im;
		size_t room;

		if (begin(&pictures[i], &im) < 0) {
			snprintf(plan->why, sizeof(plan->why), "%.40s: %.50s",
				 paths[i], im.message);
			return -EBADMSG;
		}
		room = room_for(im.width, im.height);
		plan->room = room > plan->room ? room : plan->room;
		png_image_free(&im);
	}
	return e;
}

/* So that what is wrong is said at once. */
const char *workload_take_image_folder(const char *folder)
{
	static char why[160];
	int n = workload_files(folder, ".png .PNG", &paths);
	uint64_t room = 0;

	if (n < 0)
		return strerror(-n);
	if (n == 0)
		return "there is no PNG file in it";
	number = n;
	pictures = calloc((size_t)n, sizeof(*pictures));
	if (pictures == NULL)
		return strerror(ENOMEM);
	for (int i = 0; i < n; i++) {
		png_image im;

		pictures[i].path = paths[i];
		if (begin(&pictures[i], &im) < 0) {
			snprintf(why, sizeof(why), "%.80s: %.64s", paths[i],
				 im.message);
			return why;
		}
		if (room_for(im.width, im.height) > room)
			room = room_for(im.width, im.height);
		png_image_free(&im);
		if (room * (uint64_t)n > MEMORY)
			return "these pictures need more than 1 GiB";
	}
	workload_image.words = "PNG files of a folder";
	workload_image.python = 0; /* its library has no reader of PNG */
	return NULL;
}
#else
#include <errno.h>

const char *workload_take_image_folder(const char *folder)
{
	(void)folder;
	return "built without libpng (libpng-dev)";
}

static int image_open(uint32_t size, struct workload_plan *plan)
{
	(void)size;
	(void)plan;
	return -ENOENT;
}

static int image_run(uint32_t task, void *out)
{
	(void)task;
	(void)out;
	return -ENOENT;
}
#endif

struct workload workload_image = {
	.name = "image",
	.words = "48 PNG files, %u pixels wide",
#ifndef HAVE_PNG
	.missing = "libpng; install libpng-dev and build again",
#endif
	.methods = "sequential threads openmp fork_task fork_block fork_stride "
		   "fork_index mp_pool python_sequential python_pool "
		   "python_executor",
	.size = 256,
	.smoke = 16,
	.python = 8,
	.open = image_open,
	.run = image_run,
	.digested = sizeof(uint32_t),
};
