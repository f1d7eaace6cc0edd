# The kernel files are compiled once per instruction set, each with flags of its own that are the same in every kind of
# build: sanitized builds must give the same bits. FV_ISA names the level and is part of every symbol.
set(KERNEL_OBJECTS)
# Its loops over cells that lie one behind the other are spelt: gcc would make each a second time of those that do not.
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/kernels/cpu/cell_functions.c PROPERTIES
                            COMPILE_OPTIONS $<$<C_COMPILER_ID:GNU>:-fno-version-loops-for-strides>)
function(fovea_kernel_level name)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/kernels/cpu/*.c)
  add_library(fovea_kernels_${name} OBJECT ${sources})
  set_target_properties(fovea_kernels_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON C_EXTENSIONS ON)
  target_include_directories(fovea_kernels_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src/base ${PROJECT_SOURCE_DIR}/src/kernels)
  target_compile_definitions(fovea_kernels_${name} PRIVATE FV_ISA=${name})
  target_compile_options(fovea_kernels_${name} PRIVATE -Wno-psabi -O3 -ffp-contract=fast -fno-trapping-math -fno-math-errno ${ARGN})
  target_link_libraries(fovea_kernels_${name} PRIVATE fovea_flags)
  # Reading <immintrin.h> takes 0.1 s, which is half the time of most of these files. ccache cannot follow precompiled headers.
  if(NOT CMAKE_C_COMPILER_LAUNCHER AND NOT name STREQUAL "generic")
    target_precompile_headers(fovea_kernels_${name} PRIVATE <immintrin.h>)
  endif()
  set(KERNEL_OBJECTS ${KERNEL_OBJECTS} $<TARGET_OBJECTS:fovea_kernels_${name}> PARENT_SCOPE)
endfunction()

fovea_kernel_level(generic -O2)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  fovea_kernel_level(avx2 -mavx2 -mfma -mbmi2)
  fovea_kernel_level(avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512bf16 -mavx2 -mfma -mbmi2 -mprefer-vector-width=512)
endif()

# The reference: the same source for float and double.
add_library(fovea_reference OBJECT ${PROJECT_SOURCE_DIR}/src/kernels/reference/reference_f32.c
            ${PROJECT_SOURCE_DIR}/src/kernels/reference/reference_f64.c)
set_target_properties(fovea_reference PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_include_directories(fovea_reference PRIVATE ${PROJECT_SOURCE_DIR}/src/base ${PROJECT_SOURCE_DIR}/src/kernels)
target_compile_options(fovea_reference PRIVATE -O2 -ffp-contract=off)
target_link_libraries(fovea_reference PRIVATE fovea_flags)
set(KERNEL_OBJECTS ${KERNEL_OBJECTS} $<TARGET_OBJECTS:fovea_reference>)
