# setup.sh - installs what is missing; sourced by demo.sh, test.sh and the like. POSIX shell: a bare machine has nothing else.
#
#   setup_packages required        what the library and the program need
#   setup_packages required tests  and what the tests need besides
#   setup_packages fuzz            what scripts/fuzz.sh needs
#   setup_packages arm             what scripts/test_arm.sh needs

# One line a need: how to see that it is there, then its package for apt, dnf and brew.
setup_needs() {
    cat <<'LIST'
required|command -v cc|build-essential|gcc make|-
required|command -v make|build-essential|make|-
required|command -v cmake|cmake|cmake|cmake
required|command -v pkg-config|pkg-config|pkgconf-pkg-config|pkgconf
required|pkg-config --exists zlib|zlib1g-dev|zlib-devel|zlib
required|pkg-config --exists libpng|libpng-dev|libpng-devel|libpng
required|pkg-config --exists jansson|libjansson-dev|jansson-devel|jansson
tests|pkg-config --exists cmocka|libcmocka-dev|libcmocka-devel|cmocka
tests|command -v c++|g++|gcc-c++|-
tests|command -v xz|xz-utils|xz|xz
arm|command -v aarch64-linux-gnu-gcc|gcc-aarch64-linux-gnu libc6-dev-arm64-cross|gcc-aarch64-linux-gnu|-
arm|command -v qemu-aarch64-static|qemu-user-static|qemu-user-static|-
fuzz|setup_fuzzer|clang libclang-rt-dev libfuzzer-14-dev|clang compiler-rt|-
LIST
}

# Can clang link a program that libFuzzer runs?
setup_fuzzer() {
    echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n > 9; }' |
        clang -x c -fsanitize=fuzzer,address,undefined -o /dev/null - 2>/dev/null
}

setup_fail() {
    echo "$*" >&2
    exit 1
}

# Prints the packages of the given groups that are missing, for the package manager in column $1.
setup_missing() {
    column=$1
    shift
    setup_needs | while IFS='|' read -r group test apt dnf brew; do
        case " $* " in *" $group "*) ;; *) continue ;; esac
        if ! eval "$test" >/dev/null 2>&1; then
            case $column in apt) echo "$apt" ;; dnf) echo "$dnf" ;; brew) echo "$brew" ;; esac
        fi
    done | tr ' ' '\n' | grep -v '^-$' | sort -u | tr '\n' ' '
}

setup_packages() {
    if command -v apt-get >/dev/null 2>&1; then manager=apt
    elif command -v dnf >/dev/null 2>&1; then manager=dnf
    elif command -v brew >/dev/null 2>&1; then manager=brew
    else manager=none; fi

    if [ "$manager" = none ]; then
        missing=$(setup_missing apt "$@")
        [ -z "$missing" ] || setup_fail "Missing: $missing(Debian's names). No apt, dnf or brew here: please install them by hand."
        return 0
    fi
    missing=$(setup_missing "$manager" "$@")
    [ -n "$missing" ] || return 0

    root=
    if [ "$manager" != brew ] && [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 || setup_fail "Missing: $missing- install them as root, then start again (there is no sudo here)."
        root=sudo
    fi
    echo "Installing with $manager: $missing"
    log=$(mktemp)
    case $manager in
    apt) { $root apt-get update && $root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 ;;
    dnf) $root dnf install -y $missing >"$log" 2>&1 ;;
    brew) brew install $missing >"$log" 2>&1 ;;
    esac || { tail -n 5 "$log" >&2; rm -f "$log"; setup_fail "Could not install: $missing"; }
    rm -f "$log"
}

setup_jobs() {
    getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2
}

# setup_build PRESET FOLDER: configures (quietly) and builds; the log is shown only when something fails.
setup_build() {
    log=$(mktemp)
    preset=$1
    folder=$2
    shift 2
    if cmake --preset "$preset" "$@" >"$log" 2>&1 && cmake --build "$folder" -j "$(setup_jobs)" >>"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    grep -E 'error|Error|not found' "$log" | head -n 20 >&2
    tail -n 15 "$log" >&2
    rm -f "$log"
    setup_fail "The build failed (configuration '$preset'); the last lines are above."
}
