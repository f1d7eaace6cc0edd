#!/usr/bin/env python3
"""peers.py - Fovea in turns with PyTorch and ONNX Runtime, in one run, on one machine.

    peers.py --fovea build/fovea                     every case of docs/performance.md, two threads, then one
    peers.py --fovea build/fovea --quick             the same with fewer turns
    peers.py --fovea build/fovea lenet_mnist --training --batch 64 --threads 2

Each contestant of each case is a process of its own, so that the memory of one is not the memory of another. They take turns,
A B C A B C ..., because the clock of a machine drifts; a ratio is that of two medians of one round, and its spread is that of
the rounds. Fovea's turns are runs of `fovea bench --json`.

Contestants: `torch` is PyTorch as installed. `torch, tuned` has the layout that is faster here (channels last or not), fused
optimizers, denormals flushed, an allocator that keeps its memory, and for inference a traced and frozen graph.
`torch, compiled` (--compile) is torch.compile on top. `onnxruntime` runs the exported graph with all its optimizations.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

# Network, batch, and the factor over the better of the others that is aimed at, with two threads.
TRAINING = [("lenet_mnist", 64, 2.7), ("mnist_cnn", 64, 2.0), ("resnet20_cifar", 128, 1.5), ("cifar_speed", 500, 1.6),
            ("resnet34", 8, 1.5), ("vgg16", 4, 1.5), ("alexnet_one", 32, 1.25), ("googlenet", 8, 1.4), ("unet_small", 2, 2.0)]
INFERENCE = [(net, batch, goal) for net, goal in
             [("resnet34", 1.4), ("vgg16", 1.4), ("unet_small", 1.4), ("googlenet", 1.2), ("lenet_mnist", 1.5),
              ("mnist_cnn", 1.5), ("alexnet_one", 1.1)] for batch in (1, 16)]
MEMORY = {"training": 0.7, "inference": 0.6}  # of PyTorch's
MEMORY_OF = {("alexnet_one", "training"): 0.9}
SETTINGS = {"googlenet": ["lrn=no"]}  # normalisation over channels is slow in the others: compared without

KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "-1", "MALLOC_MMAP_THRESHOLD_": str(1 << 30)}


# ---- the networks of the zoo in torch.nn ------------------------------------------------------------------------------

def networks():
    """name -> (maker of the network, shape of a picture, classes, ends in softmax, answers by pixel)"""
    import torch
    from torch import nn
    import torch.nn.functional as F

    def relu_conv(c, f, k, **more):
        return [nn.Conv2d(c, f, k, **more), nn.ReLU(inplace=True)]

    def cbr(c, f, k, stride=1, padding=1):
        return [nn.Conv2d(c, f, k, stride, padding, bias=False), nn.BatchNorm2d(f), nn.ReLU(inplace=True)]

    def lenet():
        return nn.Sequential(*relu_conv(1, 6, 5), nn.MaxPool2d(2), *relu_conv(6, 16, 5), nn.MaxPool2d(2), nn.Flatten(),
                             nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))

    def mnist_cnn():
        return nn.Sequential(*relu_conv(1, 32, 3), nn.MaxPool2d(2), *relu_conv(32, 64, 3), nn.MaxPool2d(2),
                             *relu_conv(64, 64, 3), nn.Flatten(), nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10))

    class Residual(nn.Module):
        """Two 3x3 convolutions and a shortcut: the input, every second pixel of it with zeros around, or a 1x1 convolution."""

        def __init__(self, c, f, learned):
            super().__init__()
            stride = 1 if c == f else 2
            self.main = nn.Sequential(*cbr(c, f, 3, stride), nn.Conv2d(f, f, 3, 1, 1, bias=False), nn.BatchNorm2d(f))
            self.short = (nn.Sequential(nn.Conv2d(c, f, 1, stride, bias=False), nn.BatchNorm2d(f))
                          if learned and c != f else None)
            self.around = f // 4 if c != f else 0

        def forward(self, x):
            y = self.main(x)
            if self.short is not None:
                x = self.short(x)
            elif self.around:
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.around, self.around))
            return F.relu(y + x, inplace=True)

    def residual_groups(c, groups, learned):
        parts = []
        for f, count in groups:
            for _ in range(count):
                parts.append(Residual(c, f, learned))
                c = f
        return parts

    def resnet20():
        return nn.Sequential(*cbr(3, 16, 3), *residual_groups(16, [(16, 3), (32, 3), (64, 3)], False),
                             nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))

    def resnet34():
        return nn.Sequential(*cbr(3, 64, 7, 2, 3), nn.MaxPool2d(3, 2, 1),
                             *residual_groups(64, [(64, 3), (128, 4), (256, 6), (512, 3)], True),
                             nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))

    def cifar_speed():
        def group(c, f):
            return [nn.Conv2d(c, f, 3, padding=1, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(f), nn.GELU(),
                    nn.Conv2d(f, f, 3, padding=1, bias=False), nn.BatchNorm2d(f), nn.GELU()]
        return nn.Sequential(nn.Conv2d(3, 24, 2), nn.GELU(), *group(24, 64), *group(64, 256), *group(256, 256),
                             nn.MaxPool2d(3), nn.Flatten(), nn.Linear(256, 10, bias=False))

    def alexnet():
        return nn.Sequential(*relu_conv(3, 64, 11, stride=4, padding=2), nn.MaxPool2d(3, 2),
                             *relu_conv(64, 192, 5, padding=2), nn.MaxPool2d(3, 2), *relu_conv(192, 384, 3, padding=1),
                             *relu_conv(384, 256, 3, padding=1), *relu_conv(256, 256, 3, padding=1), nn.MaxPool2d(3, 2),
                             nn.Flatten(), nn.Dropout(0.5), nn.Linear(9216, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5),
                             nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Linear(4096, 1000))

    def vgg16():
        parts, c = [], 3
        for f, count in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]:
            for _ in range(count):
                parts += relu_conv(c, f, 3, padding=1)
                c = f
            parts.append(nn.MaxPool2d(2))
        return nn.Sequential(*parts, nn.Flatten(), nn.Linear(25088, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5),
                             nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(4096, 1000))

    class Inception(nn.Module):
        def __init__(self, c, one, reduce3, three, reduce5, five, pool):
            super().__init__()
            self.a = nn.Sequential(*relu_conv(c, one, 1))
            self.b = nn.Sequential(*relu_conv(c, reduce3, 1), *relu_conv(reduce3, three, 3, padding=1))
            self.c = nn.Sequential(*relu_conv(c, reduce5, 1), *relu_conv(reduce5, five, 5, padding=2))
            self.d = nn.Sequential(nn.MaxPool2d(3, 1, 1), *relu_conv(c, pool, 1))

        def forward(self, x):
            return torch.cat([self.a(x), self.b(x), self.c(x), self.d(x)], 1)

    def googlenet():
        def pool():
            return nn.MaxPool2d(3, 2, ceil_mode=True)
        return nn.Sequential(
            *relu_conv(3, 64, 7, stride=2, padding=3), pool(), *relu_conv(64, 64, 1), *relu_conv(64, 192, 3, padding=1),
            pool(), Inception(192, 64, 96, 128, 16, 32, 32), Inception(256, 128, 128, 192, 32, 96, 64), pool(),
            Inception(480, 192, 96, 208, 16, 48, 64), Inception(512, 160, 112, 224, 24, 64, 64),
            Inception(512, 128, 128, 256, 24, 64, 64), Inception(512, 112, 144, 288, 32, 64, 64),
            Inception(528, 256, 160, 320, 32, 128, 128), pool(), Inception(832, 256, 160, 320, 32, 128, 128),
            Inception(832, 384, 192, 384, 48, 128, 128), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.4),
            nn.Linear(1024, 1000))

    class UNet(nn.Module):
        def __init__(self, width=32):
            super().__init__()

            def double(c, f):
                return nn.Sequential(*relu_conv(c, f, 3, padding=1), *relu_conv(f, f, 3, padding=1))
            widths = [width, 2 * width, 4 * width, 8 * width]
            self.down = nn.ModuleList(double(c, f) for c, f in zip([1] + widths, widths))
            self.up = nn.ModuleList(nn.ConvTranspose2d(2 * f, f, 2, 2) for f in widths[2::-1])
            self.join = nn.ModuleList(double(2 * f, f) for f in widths[2::-1])
            self.last = nn.Conv2d(width, 2, 1)

        def forward(self, x):
            across = []
            for i, part in enumerate(self.down):
                x = part(F.max_pool2d(x, 2) if i else x)
                across.append(x)
            for up, join, skip in zip(self.up, self.join, across[2::-1]):
                x = join(torch.cat([skip, up(x)], 1))
            return self.last(x)

    return {"lenet_mnist": (lenet, (1, 28, 28), 10, False, False),
            "mnist_cnn": (mnist_cnn, (1, 28, 28), 10, True, False),
            "resnet20_cifar": (resnet20, (3, 32, 32), 10, False, False),
            "cifar_speed": (cifar_speed, (3, 32, 32), 10, False, False),
            "alexnet_one": (alexnet, (3, 224, 224), 1000, False, False),
            "googlenet": (googlenet, (3, 224, 224), 1000, False, False),
            "vgg16": (vgg16, (3, 224, 224), 1000, False, False),
            "resnet34": (resnet34, (3, 224, 224), 1000, False, False),
            "unet_small": (UNet, (1, 256, 256), 2, False, True)}


# ---- a contestant's process -------------------------------------------------------------------------------------------

def peak_bytes():
    try:
        with open("/proc/self/status") as file:
            return 1024 * int(re.search(r"VmHWM:\s*(\d+)", file.read()).group(1))
    except (OSError, AttributeError):
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def forget_peak():
    """What a trial needed does not count. Linux alone can forget."""
    import ctypes
    import gc
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except (OSError, AttributeError):
        pass


def timed(step, seconds, least=2):
    times, end = [], time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def torch_network(torch, case):
    make, shape, classes, softmax, by_pixel = networks()[case["net"]]
    torch.manual_seed(1)
    model = make()
    count = sum(p.numel() for p in model.parameters())
    if count != case["parameters"]:
        raise SystemExit(f"{case['net']}: PyTorch's has {count} parameters, Fovea's {case['parameters']}")
    if softmax and case["mode"] == "inference":
        model = torch.nn.Sequential(model, torch.nn.Softmax(1))
    x = torch.rand(case["batch"], *shape)
    y = torch.randint(0, classes, (case["batch"], *(shape[1:] if by_pixel else ())))
    return model, x, y


def torch_optimizer(torch, text, parameters, tuned):
    """As the network's train line says, but for the rate: a step costs the same at any."""
    name = re.match(r"\w+", text).group(0)
    numbers = {key: float(value) for key, value in re.findall(r"(\w+)=([-\d.e]+)", text)}
    more = {"fused": True} if tuned else {}
    if name == "adam":
        return torch.optim.Adam(parameters, lr=1e-6, **more)
    momentum = numbers.get("momentum", 0.9 if name == "nesterov" else 0)
    return torch.optim.SGD(parameters, lr=1e-6, momentum=momentum, weight_decay=numbers.get("decay", 0),
                           nesterov=name == "nesterov", **more)


def torch_step(torch, case, channels_last):
    tuned, training = case["kind"] != "torch", case["mode"] == "training"
    model, x, y = torch_network(torch, case)
    model.train(training)
    if channels_last:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    if case["kind"] == "torch, compiled":
        model = torch.compile(model)
    if not training:
        if case["kind"] == "torch, tuned":
            with torch.no_grad():
                model = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, x)))

        def predict():
            with torch.inference_mode():
                return model(x)
        return predict
    optimizer = torch_optimizer(torch, case["optimizer"], model.parameters(), tuned)
    loss_of = torch.nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss_of(model(x), y).backward()
        optimizer.step()
    return step


def torch_contestant(case):
    import torch
    torch.set_num_threads(case["threads"])
    if case["kind"] == "torch":
        return torch_step(torch, case, False), "PyTorch " + torch.__version__
    torch.set_flush_denormal(True)
    layouts = {}
    for channels_last in (False, True) if case["kind"] == "torch, tuned" else (True,):
        step = torch_step(torch, case, channels_last)
        timed(step, 0, 1)
        layouts[channels_last] = timed(step, 0.1)
        del step
    best = min(layouts, key=layouts.get)
    step = torch_step(torch, case, best)
    forget_peak()
    return step, f"PyTorch {torch.__version__}, {'channels last' if best else 'channels first'}"


def export(case):
    import torch
    model, x, _ = torch_network(torch, case)
    torch.onnx.export(model.eval(), (x,), case["file"], input_names=["x"], output_names=["y"], dynamo=False)


def onnxruntime_contestant(case):
    import numpy
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = case["threads"], 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    session = onnxruntime.InferenceSession(case["file"], options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    x = numpy.random.rand(*session.get_inputs()[0].shape).astype("float32")
    binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(x))
    binding.bind_output("y")
    return (lambda: session.run_with_iobinding(binding)), "ONNX Runtime " + onnxruntime.__version__


def contestant(case):
    """Loads its framework and says so; at the first line gets ready; then takes a turn for each line: so many seconds."""
    if case["kind"] == "export":
        return export(case)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries may chat
    if case["kind"] == "onnxruntime":
        import onnxruntime  # noqa: F401
    else:
        import torch  # noqa: F401
    print("{}", file=out, flush=True)
    sys.stdin.readline()
    step, what = (onnxruntime_contestant if case["kind"] == "onnxruntime" else torch_contestant)(case)
    timed(step, 0.1, 1)
    print(json.dumps({"what": what}), file=out, flush=True)
    for line in sys.stdin:
        timed(step, 0, 1)
        print(json.dumps({"median": timed(step, float(line)), "peak_bytes": peak_bytes()}), file=out, flush=True)


# ---- the run ----------------------------------------------------------------------------------------------------------

class Peer:
    def __init__(self, case, kind):
        self.kind, self.error, self.turns, self.what = kind, None, [], kind
        environment = dict(os.environ, PYTHONWARNINGS="ignore", OMP_NUM_THREADS=str(case["threads"]))
        if kind != "torch":
            environment.update(KEEP_MEMORY)
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "--contestant", json.dumps(dict(case, kind=kind))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment)

    def listen(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        self.log.seek(0)
        words = [line for line in self.log.read().strip().split("\n") if line]
        self.error = words[-1][:200] if words else f"ended with {self.process.returncode}"
        return None

    def say(self, line):
        if self.error:
            return None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.listen()

    def ready(self):
        answer = self.say("get ready")
        self.what = answer["what"] if answer else self.what

    def turn(self, seconds):
        answer = self.say(seconds)
        if answer:
            self.turns.append(answer)

    def end(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.log.close()


def ask(fovea, *arguments):
    done = subprocess.run([fovea, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr.strip())
    return done.stdout


def settings_of(case):
    return [word for setting in case["settings"] for word in ("--set", setting)]


class Ours:
    def __init__(self, fovea, case):
        self.kind, self.error, self.turns = "fovea", None, []
        self.what = ask(fovea, "--version").strip().replace("fovea", "Fovea")
        self.command = ["bench", case["net"], f"--{case['mode']}", "--batch", str(case["batch"]), "--threads",
                        str(case["threads"]), "--json", *settings_of(case)]
        self.fovea, self.machine = fovea, None

    def turn(self, seconds):
        answer = json.loads(ask(self.fovea, *self.command, "--seconds", str(seconds)))
        self.machine = answer["machine"]
        self.turns.append(answer["cases"][0])

    def ready(self):
        pass

    def end(self):
        pass


def prepare(ours, case):
    """What the contestants must know of the network."""
    net = json.loads(ask(ours.fovea, *ours.command, "--seconds", "0.001"))
    case["parameters"], case["optimizer"] = net["parameters"], net["optimizer"] or "adam"


def compare(fovea, case, kinds, turns, seconds, budget):
    began = time.monotonic()
    ours = Ours(fovea, case)
    prepare(ours, case)
    exported = tempfile.NamedTemporaryFile(suffix=".onnx")
    case["file"] = exported.name
    if case["mode"] == "inference" and "onnxruntime" in kinds:
        exporter = Peer(case, "export")
        exporter.process.wait()
        exporter.end()
    peers = [Peer(case, kind) for kind in kinds if kind != "onnxruntime" or case["mode"] == "inference"]
    for one in peers:
        one.listen()  # loaded, all at once; what follows is one after the other, for nobody shall be disturbed
    for one in peers:
        one.ready()
    for turn in range(turns):
        for one in [ours, *peers]:
            time.sleep(0.05)  # threads of the one before may still spin
            one.turn(seconds)
        if turn >= 2 and time.monotonic() - began > budget:
            break
    for one in peers:
        one.end()
    exported.close()
    return result_of(case, ours, peers)


def result_of(case, ours, peers):
    mine = [turn["median"] for turn in ours.turns]
    result = {key: case[key] for key in ("net", "mode", "batch", "threads", "settings", "parameters", "goal", "memory_goal")}
    result.update(machine=ours.machine, load=os.getloadavg()[0], peak_gflops=statistics.median(
        turn["peak_gflops"] for turn in ours.turns), of_peak=statistics.median(turn["of_peak"] for turn in ours.turns),
        contestants=[])
    for one in [ours, *peers]:
        entry = {"kind": one.kind, "what": one.what, "error": one.error}
        if one.turns and not one.error:
            times = [turn["median"] for turn in one.turns]
            ratios = [theirs / own for theirs, own in zip(times, mine)]
            entry.update(median=statistics.median(times), least=min(times), most=max(times), turns=len(times),
                         images_per_second=case["batch"] / statistics.median(times), ratio=statistics.median(ratios),
                         least_ratio=min(ratios), most_ratio=max(ratios),
                         peak_bytes=max(turn["peak_bytes"] for turn in one.turns))
        result["contestants"].append(entry)
    return result


# ---- the table ---------------------------------------------------------------------------------------------------------

KINDS = ["torch", "torch, tuned", "torch, compiled", "onnxruntime"]


def milliseconds(seconds):
    ms = 1000 * seconds
    return f"{ms:.4f}" if ms < 0.1 else f"{ms:.3f}" if ms < 10 else f"{ms:.1f}"


def megabytes(count):
    return f"{count / 1e6:.0f}"


def rows_of(results, kinds):
    for result in results:
        of = {one["kind"]: one for one in result["contestants"]}
        own = of["fovea"]
        cells = [f"{result['net']} {result['mode']}", str(result["batch"]), str(result["threads"]), milliseconds(own["median"]),
                 f"{own['images_per_second']:,.0f}" if own["images_per_second"] >= 100 else f"{own['images_per_second']:.1f}",
                 f"{100 * result['of_peak']:.0f}%"]
        rivals = [of[kind] for kind in kinds if kind in of and "ratio" in of[kind]]
        for kind in kinds:
            one = of.get(kind)
            if one and "ratio" in one:
                cells.append(f"{milliseconds(one['median'])}: {one['ratio']:.2f}x ({one['least_ratio']:.2f}-{one['most_ratio']:.2f})")
            else:
                cells.append("-" if not one else "failed")
        best = min((one["ratio"] for one in rivals), default=None)
        aim = result["goal"]
        cells.append("-" if not aim or best is None else f"{aim}x: {'met' if best >= aim else 'not met'}")
        cells.append(" / ".join(megabytes(one["peak_bytes"]) if one and "peak_bytes" in one else "-"
                                for one in [own, *[of.get(kind) for kind in kinds]]))
        torch_bytes = [one["peak_bytes"] for one in rivals if one["kind"].startswith("torch")]
        part = own["peak_bytes"] / min(torch_bytes) if torch_bytes else None
        limit = result["memory_goal"]
        cells.append("-" if part is None else f"{part:.2f}" + (f" ({limit}: {'met' if part <= limit else 'not met'})"
                                                               if limit else ""))
        yield cells


def print_table(results, kinds):
    machine = results[0]["machine"]
    whats = {one["kind"]: one["what"].split(",")[0] for result in results for one in result["contestants"] if "ratio" in one}
    print(f"{machine['cpu']}, {machine['cpus']} CPUs allowed, {machine['isa']}, load "
          f"{min(r['load'] for r in results):.1f} to {max(r['load'] for r in results):.1f}, peak "
          f"{min(r['peak_gflops'] for r in results):.0f} to {max(r['peak_gflops'] for r in results):.0f} GFLOP/s; "
          f"{', '.join(sorted(set(whats.values())))}. Times are milliseconds of a step, ratios theirs over ours.\n")
    head = ["work", "batch", "threads", "ours", "images/s", "of peak", *kinds, "goal",
            "peak MB: ours / " + " / ".join(kinds), "ours over the leaner torch"]
    for line in [head, ["---"] * len(head), *rows_of(results, kinds)]:
        print("| " + " | ".join(line) + " |")
    for result in results:
        for one in result["contestants"]:
            if one["error"]:
                print(f"\n{result['net']} {result['mode']} {result['batch']}: {one['kind']}: {one['error']}")
    sys.stdout.flush()


# ---- which cases -------------------------------------------------------------------------------------------------------

def cases_of(options):
    if options.net:
        modes = [mode for mode in ("inference", "training") if getattr(options, mode)] or ["inference", "training"]
        lists = {"inference": INFERENCE, "training": TRAINING}
        for threads in options.threads:
            for mode in modes:
                known = [batch for net, batch, _ in lists[mode] if net == options.net] or [1]
                for batch in options.batch or known:
                    goal = [g for net, b, g in lists[mode] if net == options.net and b == batch]
                    yield options.net, mode, batch, threads, goal[0] if goal and threads == 2 else None
        return
    for threads in options.threads:
        for mode, cases in (("training", TRAINING), ("inference", INFERENCE)):
            for net, batch, goal in cases:
                if getattr(options, mode) or not (options.training or options.inference):
                    yield net, mode, batch, threads, goal if threads == 2 else None


def available(kinds):
    import importlib.util
    for kind in kinds:
        module = kind.split(",")[0]
        if importlib.util.find_spec(module) is None or (kind == "onnxruntime" and importlib.util.find_spec("torch") is None):
            print(f"{sys.executable} has no {module}: left out", file=sys.stderr)
        else:
            yield kind


def numbers(text):
    return [int(word) for word in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", nargs="?", help="one network; default: every case")
    parser.add_argument("--fovea", default="fovea", help="the program")
    parser.add_argument("--training", action="store_true", help="only training")
    parser.add_argument("--inference", action="store_true", help="only inference")
    parser.add_argument("--batch", type=numbers, help="1,16; with a network")
    parser.add_argument("--threads", type=numbers, default=None, help="default 2,1 (what there is), all of them for one network")
    parser.add_argument("--set", action="append", default=[], help="NAME=VALUE for a param of Fovea's network")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of a turn")
    parser.add_argument("--quick", action="store_true", help="three turns of a fifth of a second")
    parser.add_argument("--budget", type=float, default=15, help="minutes: no case begins later")
    parser.add_argument("--compile", action="store_true", help="also torch.compile, which takes its time to compile")
    parser.add_argument("--json", metavar="OUT", help="all figures as JSON; - writes them instead of the table")
    parser.add_argument("--contestant", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        return contestant(json.loads(options.contestant))
    known = [net for net, _, _ in TRAINING]
    if options.net and options.net not in known:
        parser.error(f"'{options.net}' is not among the networks that are written for the others, too: {', '.join(known)}")
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    options.threads = options.threads or ([cpus] if options.net else [n for n in (2, 1) if n <= cpus])
    turns, seconds = (3, 0.2) if options.quick else (options.turns, options.seconds)
    kinds = list(available([kind for kind in KINDS if options.compile or kind != "torch, compiled"]))
    if not kinds:
        print("nothing to compare with: install torch or onnxruntime for this Python", file=sys.stderr)
        return 0
    began, results, late = time.monotonic(), [], []
    for net, mode, batch, threads, goal in cases_of(options):
        name = f"{net} {mode}, batch {batch}, {threads} thread{'s' if threads > 1 else ''}"
        if time.monotonic() - began > 60 * options.budget:
            late.append(name)
            continue
        print(f"{time.monotonic() - began:6.0f} s  {name}", file=sys.stderr, flush=True)
        case = {"net": net, "mode": mode, "batch": batch, "threads": threads, "goal": goal,
                "settings": options.set or SETTINGS.get(net, []),
                "memory_goal": MEMORY_OF.get((net, mode), MEMORY[mode]) if goal else None}
        results.append(compare(options.fovea, case, kinds, turns, seconds, 12 if options.quick else 25))
        if options.json and options.json != "-":
            with open(options.json, "w") as file:
                json.dump({"results": results, "left_out": late}, file, indent=1)
    if options.json == "-":
        json.dump({"results": results, "left_out": late}, sys.stdout, indent=1)
        print()
    elif results:
        print_table(results, [kind for kind in kinds])
    if late:
        print("\nLeft out, the time was up: " + "; ".join(late) + ".")
    return 0


if __name__ == "__main__":
    sys.exit(main())
