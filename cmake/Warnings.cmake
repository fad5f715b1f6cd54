# tonari_warnings(target): our warnings, on our own targets only. In somebody else's build we stay silent, since
# a compiler newer than ours knows warnings that we have not seen.

function(tonari_warnings target)
    if(NOT PROJECT_IS_TOP_LEVEL)
        return()
    endif()
    if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
        target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
        # g++ 12 sees overlaps and overruns inside std::string and std::copy that are not there (its bugs 105329,
        # 105651, 105762, mended in 13). clang and AddressSanitizer look at the same code.
        if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
            target_compile_options(${target} PRIVATE
                -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
        endif()
        # With sanitizers, g++ takes moved optionals for uninitialised, as its manual warns; the builds without look at the same code.
        if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND TONARI_SANITIZE)
            target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
        endif()
        if(TONARI_WERROR)
            target_compile_options(${target} PRIVATE -Werror)
        endif()
    elseif(MSVC)
        target_compile_options(${target} PRIVATE /W4 $<$<BOOL:${TONARI_WERROR}>:/WX>)
    endif()
endfunction()
