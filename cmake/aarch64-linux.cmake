# For scripts/test_arm.sh: Debian's cross-compiler, libraries from the folder ARM_ROOT, programs run by qemu.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ARM_ROOT)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${ARM_ROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${ARM_ROOT}/usr/lib/aarch64-linux-gnu/pkgconfig)
set(CMAKE_FIND_ROOT_PATH ${ARM_ROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
# What libraries need of one another, and what Debian keeps outside /usr.
set(CMAKE_EXE_LINKER_FLAGS_INIT
    "-Wl,-rpath-link,${ARM_ROOT}/lib/aarch64-linux-gnu -Wl,-rpath-link,${ARM_ROOT}/usr/lib/aarch64-linux-gnu")
