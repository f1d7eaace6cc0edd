#!/usr/bin/env python3
"""networks.py - the networks of docs/performance.md by `fovea bench`, at every number of threads up to the CPUs, as a table.

    networks.py --fovea build/fovea [--json OUT] [--seconds S]
"""
import argparse
import json
import os
import sys

from peers import INFERENCE, SETTINGS, TRAINING, ask, megabytes, milliseconds


def measure(fovea, net, mode, batch, threads, seconds):
    settings = [word for setting in SETTINGS.get(net, []) for word in ("--set", setting)]
    answer = json.loads(ask(fovea, "bench", net, f"--{mode}", "--batch", str(batch), "--threads", str(threads), "--seconds",
                            str(seconds), "--json", *settings))
    return dict(answer["cases"][0], net=net, weight_bytes=4 * answer["parameters"]), answer["machine"]


def row(net, mode, batch, by_threads):
    most = max(by_threads)
    case, one = by_threads[most], by_threads[1]
    rate = case["images_per_second"]
    return [f"{net} {mode}", str(batch), milliseconds(case["median"]),
            f"{milliseconds(case['least'])}; {milliseconds(case['lower'])}-{milliseconds(case['upper'])}",
            f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}", f"{case['gflops']:.1f}", f"{100 * case['of_peak']:.0f}%",
            megabytes(case["peak_bytes"]), f"{one['images_per_second']:,.1f}", f"{100 * one['of_peak']:.0f}%",
            f"{one['median'] / case['median']:.2f}x"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fovea", default="fovea", help="the program")
    parser.add_argument("nets", nargs="*", help="only these")
    parser.add_argument("--seconds", type=float, default=0.7, help="of each case")
    parser.add_argument("--json", metavar="OUT", help="all figures as JSON")
    options = parser.parse_args()
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    figures, loads = [], []
    head = ["work", "batch", "ms", "least; quartiles", "images/s", "GFLOP/s", "of peak", "peak MB", "images/s, 1 thread",
            "of its peak", f"{cpus} threads over 1"]
    print("| " + " | ".join(head) + " |\n| " + " | ".join(["---"] * len(head)) + " |")
    cases = [(net, "training", batch) for net, batch, _ in TRAINING] + [(net, "inference", batch) for net, batch, _ in INFERENCE]
    cases = [case for case in cases if not options.nets or case[0] in options.nets]
    for net, mode, batch in cases:
        by_threads = {}
        for threads in sorted({1, cpus}):
            by_threads[threads], machine = measure(options.fovea, net, mode, batch, threads, options.seconds)
            loads.append(machine["load"])
            figures.append(by_threads[threads])
        print("| " + " | ".join(row(net, mode, batch, by_threads)) + " |", flush=True)
    print(f"\n{machine['cpu']}, {machine['cpus']} CPUs allowed, {machine['isa']}, load {min(loads):.1f} to {max(loads):.1f}.")
    read = [f"{f['net']} {1e-9 * f['weight_bytes'] / f['median']:.1f} GB/s" for f in figures if f["mode"] == "inference"
            and f["batch"] == 1 and f["threads"] == cpus and f["weight_bytes"] > 1e8]
    if read:
        print(f"\nBound by memory, weights read in a second at batch 1: {'; '.join(read)}.")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(figures, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
