#!/usr/bin/env python3
"""growth.py - how time and memory of a step grow: with the batch, the picture's side, channels, depth and threads.

    growth.py --fovea build/fovea --out docs/pictures

Times bench/growth.net with `fovea bench --json`, draws growth_time.svg and growth_memory.svg into the folder, and prints a
table: is the time linear in the multiply-adds, and is there a cliff between neighbours? Times are lower quartiles: what else the
machine does shows least in them.
"""
import argparse
import json
import math
import os
import subprocess
import sys

NET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "growth.net")
MEANT = {"size": 32, "channels": 64, "depth": 4, "batch": 16}
AXES = [("batch", [1, 2, 4, 8, 16, 32, 64, 128], "samples in a step", 1),
        ("size", [8, 16, 24, 32, 48, 64, 96, 128], "side of the picture", 2),
        ("channels", [16, 32, 48, 64, 96, 128, 192, 256], "channels", 2),
        ("depth", [1, 2, 4, 8, 16, 32], "layers", 1)]
MODES = ["inference", "training"]
COLORS = {"inference": "#2563a8", "training": "#b4481e"}
CLIFF = 1.6  # time for a multiply-add, from one point to the next


def measure(fovea, mode, threads, seconds, point):
    command = [fovea, "bench", NET, f"--{mode}", "--json", "--seconds", str(seconds), "--threads", str(threads), "--batch",
               str(point["batch"])]
    for name in ("size", "channels", "depth"):
        command += ["--set", f"{name}={point[name]}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr.strip())
    answer = json.loads(done.stdout)
    case = answer["cases"][0]
    return {"time": case["lower"], "median": case["median"], "memory": case["peak_bytes"],
            "macs": case["gflops"] * case["median"] / 2e-9, "machine": answer["machine"], "of_peak": case["of_peak"]}


# ---- plots ------------------------------------------------------------------------------------------------------------

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 400, 280, 62, 40, 14, 46


def number(value):
    return f"{value:g}"


def ticks(least, most):
    """1, 2, 5, 10, ... inside; powers of ten alone where the range is wide."""
    wide = most / least > 300
    for power in range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1):
        for part in (1,) if wide else (1, 2, 5):
            value = part * 10 ** power
            if least * 0.999 <= value <= most * 1.001:
                yield value


class Plot:
    """One axis in both directions logarithmic; a grey line with the slope that the work has."""

    def __init__(self, at, title, label, curves, slope):
        self.at, self.title, self.label, self.curves, self.slope = at, title, label, curves, slope
        xs = [x for curve in curves.values() for x, _ in curve]
        ys = [y for curve in curves.values() for _, y in curve]
        self.x0, self.x1, self.y0, self.y1 = min(xs), max(xs), min(ys) / 1.4, max(ys) * 1.4

    def x(self, value):
        return self.at[0] + LEFT + (WIDTH - LEFT - RIGHT) * math.log(value / self.x0) / math.log(self.x1 / self.x0)

    def y(self, value):
        return self.at[1] + HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * math.log(value / self.y0) / math.log(self.y1 / self.y0)

    def axes(self):
        left, right, bottom = self.at[0] + LEFT, self.at[0] + WIDTH - RIGHT, self.at[1] + HEIGHT - BOTTOM
        yield f'<text x="{left}" y="{self.at[1] + 20}" class="title">{self.title}</text>'
        for value in ticks(self.y0, self.y1):
            yield f'<path d="M{left} {self.y(value):.1f}H{right}" class="grid"/>'
            yield f'<text x="{left - 7}" y="{self.y(value) + 4:.1f}" text-anchor="end">{number(value)}</text>'
        for value in sorted({x for curve in self.curves.values() for x, _ in curve}):
            yield f'<text x="{self.x(value):.1f}" y="{bottom + 18}" text-anchor="middle">{number(value)}</text>'
        yield f'<text x="{(left + right) / 2}" y="{bottom + 36}" text-anchor="middle">{self.label}</text>'

    def ideal(self, curve):
        """Through the last point, as steep as the work grows."""
        (x1, y1), start = curve[-1], self.x0
        y = y1 * (start / x1) ** self.slope
        if y < self.y0:
            start, y = x1 * (self.y0 / y1) ** (1 / self.slope), self.y0
        return f'<path d="M{self.x(start):.1f} {self.y(y):.1f}L{self.x(x1):.1f} {self.y(y1):.1f}" class="ideal"/>'

    def draw(self):
        yield from self.axes()
        for name, curve in self.curves.items():
            if self.slope:
                yield self.ideal(curve)
            color = COLORS[name]
            points = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in curve)
            yield f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>'
            for x, y in curve:
                yield f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3" fill="{color}"><title>{x:g}: {y:.4g}</title></circle>'
        for row, name in enumerate(self.curves):
            yield (f'<text x="{self.at[0] + WIDTH - RIGHT}" y="{self.at[1] + 16 + 14 * row}" text-anchor="end" '
                   f'fill="{COLORS[name]}">{name}</text>')


def write_svg(path, plots):
    width, height = max(p.at[0] for p in plots) + WIDTH + 6, max(p.at[1] for p in plots) + HEIGHT + 6
    with open(path, "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
                   'font-family="sans-serif" font-size="12">\n<style>.title{font-size:14px;font-weight:bold}.grid{stroke:#ddd}'
                   '.ideal{stroke:#999;stroke-dasharray:4 4;fill:none}</style>\n'
                   f'<rect width="{width}" height="{height}" fill="#fff"/>\n')
        for plot in plots:
            file.write("\n".join(plot.draw()) + "\n")
        file.write("</svg>\n")


# ---- what the numbers say ---------------------------------------------------------------------------------------------

def slope(points):
    """Of a straight line through the logarithms."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)


def verdict(points, key):
    """How the time for a unit of work moves: its exponent over the upper half of the axis, and the worst step up."""
    costs = [result["time"] / result[key] for _, result in points]
    worst = max(b / a for a, b in zip(costs, costs[1:]))
    return slope([(r[key], r["time"]) for _, r in points[len(points) // 2 - 1:]]), worst


def report(results, threads):
    print("| grows | step | from, to | time, ms | exponent by multiply-adds | worst step up of the time for one | cliff | memory, MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for axis, _, _, _ in AXES:
        for mode in MODES:
            points = results[axis, mode]
            power, worst = verdict(points, "macs")
            first, last = points[0], points[-1]
            print(f"| {axis} | {mode} | {first[0]}, {last[0]} | {1e3 * first[1]['time']:.3f}, {1e3 * last[1]['time']:.1f} | "
                  f"{power:.2f} | {worst:.2f}x | {'yes' if worst > CLIFF else 'none'} | "
                  f"{first[1]['memory'] / 1e6:.1f}, {last[1]['memory'] / 1e6:.1f} |")
    print("\nThreads, times one over time with n: " + "; ".join(
        f"{mode} " + ", ".join(f"{n}: {results['threads', mode][0][1]['time'] / r['time']:.2f}"
                               for n, r in results["threads", mode]) for mode in MODES) + ".")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fovea", default="fovea", help="the program")
    parser.add_argument("--out", default=".", help="folder of the plots")
    parser.add_argument("--seconds", type=float, default=0.3, help="of each point")
    parser.add_argument("--json", help="file for all figures")
    options = parser.parse_args()
    most = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    results = {}
    for mode in MODES:
        for axis, values, _, _ in AXES:
            results[axis, mode] = [(v, measure(options.fovea, mode, most, options.seconds, dict(MEANT, **{axis: v}))) for v in values]
        results["threads", mode] = [(n, measure(options.fovea, mode, n, options.seconds, MEANT)) for n in range(1, most + 1)]
    times, memories = [], []
    for i, (axis, _, label, power) in enumerate(AXES):
        at = (i % 2 * (WIDTH + 10), i // 2 * (HEIGHT + 10))
        curves = {mode: [(v, 1e3 * r["time"]) for v, r in results[axis, mode]] for mode in MODES}
        times.append(Plot(at, "milliseconds of a step", label, curves, power))
        curves = {mode: [(v, r["memory"] / 1e6) for v, r in results[axis, mode]] for mode in MODES}
        memories.append(Plot(at, "MB at most", label, curves, 0))
    write_svg(os.path.join(options.out, "growth_time.svg"), times)
    write_svg(os.path.join(options.out, "growth_memory.svg"), memories)
    machine = results["batch", "inference"][0][1]["machine"]
    print(f"{machine['cpu']}, {machine['isa']}, {most} threads, load {machine['load']:.1f}. Base: "
          + ", ".join(f"{name} {value}" for name, value in MEANT.items()) + ".\n")
    report(results, most)
    if options.json:
        with open(options.json, "w") as file:
            json.dump([{"axis": a, "mode": m, "value": v, **r} for (a, m), points in results.items() for v, r in points], file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
