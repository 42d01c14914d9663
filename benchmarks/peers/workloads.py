"""Python's side of benchmarks/workloads/: the same work, the same digests.

Each class is a workload: how many tasks (n), how many of them make a good
chunk, what a task leaves (item), what is made of all results (whole, digest).
"""
import array
import collections
import math
import re
import struct
import time
import zlib


class Workload:
    chunk = 1

    def __init__(self, size, lines):
        """size as in C; lines: what C tells of the input"""
        self.size = size

    def alone(self):
        """Without workers."""
        return [self.item(i) for i in range(self.n)]

    def whole(self, results):
        """What one process makes of all results."""
        return results

    def digest(self, results):
        return zlib.crc32(b"".join(results))


class Factorial(Workload):
    # The default chunk (items / 4 N) leaves the largest factorials to the last
    # one and half the workers idle; 4 to 32 numbers a chunk are equally fast.
    chunk = 16

    def __init__(self, last, _):
        self.n = last + 1

    def item(self, n):
        f = math.factorial(n)
        return struct.pack("=I", zlib.crc32(
            f.to_bytes((f.bit_length() + 63) // 64 * 8, "little")))


class Primes(Workload):
    n = 256
    chunk = 4

    def item(self, task):
        found = 0
        for n in range(self.size * task // 256, self.size * (task + 1) // 256):
            if n < 4:
                found += n > 1
            elif n % 2:
                for d in range(3, math.isqrt(n) + 1, 2):
                    if n % d == 0:
                        break
                else:
                    found += 1
        return struct.pack("=I", found)


class Mandelbrot(Workload):
    chunk = 2

    def __init__(self, width, _):
        self.width, self.n = width, width * 3 // 4

    def item(self, row):
        steps = array.array("H")
        cy = 1.125 - 2.25 * row / self.n
        for i in range(self.width):
            cx = -2.25 + 3.0 * i / self.width
            x = y = xx = yy = 0.0
            n = 0
            while n < 1000 and xx + yy <= 4:
                y = 2 * x * y + cy
                x = xx - yy + cx
                xx = x * x
                yy = y * y
                n += 1
            steps.append(n)
        return steps.tobytes()


class Image(Workload):
    n = 48

    def __init__(self, width, _):
        self.w, self.h = width, width * 3 // 4
        self.files = [png(self.w, self.h, self.paint(i)) for i in range(self.n)]

    def paint(self, seed):
        """As paint() of workloads/image.c."""
        def hashed(a, b):
            v = a * 0x9e3779b1 ^ b * 0x85ebca6b ^ seed * 0xc2b2ae35
            v &= 0xffffffff
            v = (v ^ v >> 15) * 0x2c1b3c6d & 0xffffffff
            return (v ^ v >> 12) & 255

        def hill(x, y, shift):
            side = 1 << shift
            fx, fy, cx, cy = x % side, y % side, x >> shift, y >> shift
            up = hashed(cx, cy) * (side - fx) + hashed(cx + 1, cy) * fx
            down = (hashed(cx, cy + 1) * (side - fx) +
                    hashed(cx + 1, cy + 1) * fx)
            return (up * (side - fy) + down * fy) >> 2 * shift

        rgb = bytearray()
        for y in range(self.h):
            for x in range(self.w):
                v = hill(x, y, 6) * 4 + hill(x, y, 4) * 3 + hill(x, y, 1)
                rgb += bytes((v // 8, v // 10 + 20, 255 - v // 9))
        return bytes(rgb)

    def item(self, i):
        w, h, rgb = pixels(self.files[i])
        rgb = edges(w, h, blur(w, h, rgb))
        return struct.pack("=I", zlib.crc32(rgb)) + png(w, h, rgb)

    def digest(self, results):
        return zlib.crc32(b"".join(r[:4] for r in results))


def png(w, h, rgb):
    """A PNG file: 8 bits a colour, lines as they are."""
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))

    lines = b"".join(b"\0" + rgb[y * w * 3:(y + 1) * w * 3] for y in range(h))
    return (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(lines, 3)) + chunk(b"IEND", b""))


def pixels(file):
    """What png() made: its chunks stand at these places."""
    w, h = struct.unpack(">II", file[16:24])
    size, = struct.unpack(">I", file[33:37])
    lines = zlib.decompress(file[41:41 + size])
    return w, h, b"".join(lines[y * (w * 3 + 1) + 1:(y + 1) * (w * 3 + 1)]
                          for y in range(h))


def padded(w, h, rgb):
    """Lines with two more pixels at each end, and two more lines."""
    lines = []
    for y in range(h):
        line = rgb[y * w * 3:(y + 1) * w * 3]
        lines.append(line[:3] * 2 + line + line[-3:] * 2)
    return lines[:1] * 2 + lines + lines[-1:] * 2


def blur(w, h, rgb):
    sums = []
    for p in padded(w, h, rgb):
        sums.append([a + 4 * b + 6 * c + 4 * d + e for a, b, c, d, e in
                     zip(p, p[3:], p[6:], p[9:], p[12:])])
    out = bytearray()
    for five in zip(sums, sums[1:], sums[2:], sums[3:], sums[4:]):
        out += bytes([(a + 4 * b + 6 * c + 4 * d + e + 128) >> 8
                      for a, b, c, d, e in zip(*five)])
    return bytes(out)


def edges(w, h, rgb):
    out = bytearray()
    lines = [p[3:-3] for p in padded(w, h, rgb)[1:-1]]
    for a, b, c in zip(lines, lines[1:], lines[2:]):
        for a0, a1, a2, b0, b2, c0, c1, c2 in zip(
                a, a[3:], a[6:], b, b[6:], c, c[3:], c[6:]):
            out.append(min(255, abs(a2 + 2 * b2 + c2 - a0 - 2 * b0 - c0) +
                           abs(c0 + 2 * c1 + c2 - a0 - 2 * a1 - a2)))
    return bytes(out)


class Wordcount(Workload):
    chunk = 2
    words = re.compile(rb"[A-Za-z\x80-\xff]{1,65535}")

    def __init__(self, _, lines):
        self.tasks = []
        for line in lines:
            task, offset, length, path = line.split(b" ", 3)
            if int(task) == len(self.tasks):
                self.tasks.append([])
            self.tasks[-1].append((int(offset), int(length), path))
        self.n = len(self.tasks)

    def count(self, task, table):
        for offset, length, path in self.tasks[task]:
            with open(path, "rb") as f:
                f.seek(offset)
                table.update(self.words.findall(f.read(length).lower()))

    def item(self, task):
        table = collections.Counter()
        self.count(task, table)
        return dict(table)

    def alone(self):
        table = collections.Counter()
        for task in range(self.n):
            self.count(task, table)
        return self.whole([table])

    def whole(self, results):
        table = collections.Counter(results[0])
        for r in results[1:]:
            for word, times in r.items():
                table[word] += times
        return [b"%s %d\n" % entry for entry in sorted(table.items())]


class Sleeping(Workload):
    n = 16

    def item(self, task):
        time.sleep(self.size / 1000)
        return struct.pack("=I", 2 * task)


class Irregular(Workload):
    n = 512
    chunk = 4

    def item(self, task):
        ones = 0xffffffffffffffff
        bits = (task + 1) * 0x9e3779b97f4a7c15 & ones
        bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9 & ones
        bits = (bits ^ bits >> 27) * 0x94d049bb133111eb & ones
        bits ^= bits >> 31
        low = bits | 1 << 8
        steps = self.size << ((low & -low).bit_length() - 1)
        steps += steps * (bits >> 56) // 256
        x = task
        for _ in range(steps):
            x = (x * 6364136223846793005 + 1442695040888963407) & ones
        return struct.pack("=Q", x)


WORKLOADS = {c.__name__.lower(): c for c in Workload.__subclasses__()}
