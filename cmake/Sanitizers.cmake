# TONARI_SANITIZE=address,undefined (or thread): everything below this line is instrumented, the tests included.

if(TONARI_SANITIZE)
    string(REPLACE ";" "," sanitizers "${TONARI_SANITIZE}")
    if(sanitizers MATCHES "thread" AND TONARI_OPENMP)
        message(STATUS "TONARI_OPENMP is switched off: ThreadSanitizer cannot see into libgomp")
        set(TONARI_OPENMP OFF)
    endif()
    add_compile_options(-fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${sanitizers})
endif()

if(TONARI_FUZZ)
    if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "TONARI_FUZZ needs clang (libFuzzer); the compiler is ${CMAKE_CXX_COMPILER_ID}")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
