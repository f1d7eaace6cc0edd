# A thin front door to CMake. The program is build/fovea.
all:
	@cmake --preset release >/dev/null
	@cmake --build build -j

test:
	./test.sh

demo:
	./demo.sh

install: all
	cmake --install build

clean:
	rm -rf build build-tests build-dev

.PHONY: all test demo install clean
