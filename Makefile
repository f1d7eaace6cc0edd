# A thin front door to CMake. The program is build/fovea.
all:
	@cmake --preset release >/dev/null
	@cmake --build build -j

test:
	./test.sh

demo:
	./demo.sh

# Every layer of docs/performance.md, in GFLOP/s and percent of the peak of the same run.
bench:
	@cmake --preset release >/dev/null
	@cmake --build build -j --target bench_conv
	build/bench/bench_conv

# All tables and plots of docs/performance.md, in half an hour, into build/figures. PYTHON names one that has PyTorch.
bench-all:
	@cmake --preset release >/dev/null
	@cmake --build build -j --target bench_conv fovea_program
	bench/all.sh build/figures

install: all
	cmake --install build

clean:
	rm -rf build build-tests build-dev

.PHONY: all test demo bench bench-all install clean
