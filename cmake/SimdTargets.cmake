# One object library per instruction set: src/simd/target_<level>.cpp with the flags of that level.
#
# Per-file flags are the only safe way to choose code at run time: the rest of the library is compiled for the
# plain architecture, and nothing here may leave its file but one table of kernels (tests/structure/ runs nm).
# For that the levels are optimised even in Debug: at -O0 the functions of xsimd stay behind as weak symbols, full
# of instructions that the machine may lack, and the linker would pick them for everybody.
#
# A new level is one file src/simd/target_<level>.cpp, one line here and one in src/simd/dispatch.cpp.

set(TONARI_SIMD_LEVELS "" CACHE INTERNAL "The levels that this build contains")
set(tonari_simd_directory ${CMAKE_CURRENT_SOURCE_DIR}/src/simd)

# tonari_simd_level(level flags...): defines the object library tonari_simd_<level> if its file is there.
function(tonari_simd_level level)
    set(source ${tonari_simd_directory}/target_${level}.cpp)
    if(NOT EXISTS ${source})
        return()
    endif()
    add_library(tonari_simd_${level} OBJECT ${source})
    target_compile_options(tonari_simd_${level} PRIVATE -O3 ${ARGN})
    tonari_private_settings(tonari_simd_${level})
    if(TONARI_SANITIZE)
        # Instrumented intrinsics take more than ten minutes to compile; what they could find, reads beyond a row, the
        # tests find with rows that end at a forbidden page (tests/unit/simd).
        target_compile_options(tonari_simd_${level} PRIVATE -fno-sanitize=all)
    endif()
    set(TONARI_SIMD_LEVELS ${TONARI_SIMD_LEVELS} ${level} CACHE INTERNAL "")
endfunction()

# tonari_simd_link(target): adds the levels, and a definition TONARI_HAVE_<LEVEL>=1 for each of them.
function(tonari_simd_link target)
    foreach(level IN LISTS TONARI_SIMD_LEVELS)
        target_sources(${target} PRIVATE $<TARGET_OBJECTS:tonari_simd_${level}>)
        string(TOUPPER ${level} name)
        target_compile_definitions(${target} PRIVATE TONARI_HAVE_${name}=1)
    endforeach()
endfunction()

function(tonari_simd_levels)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
        tonari_simd_level(baseline)
        set(avx2 -mavx2 -mfma -mf16c -mbmi -mbmi2 -mpopcnt)
        set(avx512 ${avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd)
        # What the kernels use and no more (tests/structure/simd_flags.py): each flag here turns CPUs away.
        set(avx512_spr ${avx512} -mavx512vnni -mavx512vpopcntdq -mavx512vbmi)

        tonari_simd_level(avx2 ${avx2})
        tonari_simd_level(avx512 ${avx512})
        tonari_simd_level(avx512_spr ${avx512_spr})
        tonari_simd_level(avx512_amx ${avx512_spr} -mamx-tile -mamx-int8)
    elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
        tonari_simd_level(neon)
    endif()

    message(STATUS "tonari: SIMD levels: ${TONARI_SIMD_LEVELS}")
endfunction()
