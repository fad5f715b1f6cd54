# tonari_warnings(target): our warnings, on our own targets only. In somebody else's build we stay silent, since
# a compiler newer than ours knows warnings that we have not seen.

function(tonari_warnings target)
    if(NOT PROJECT_IS_TOP_LEVEL)
        return()
    endif()
    if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
        target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
        if(TONARI_WERROR)
            target_compile_options(${target} PRIVATE -Werror)
        endif()
    elseif(MSVC)
        target_compile_options(${target} PRIVATE /W4 $<$<BOOL:${TONARI_WERROR}>:/WX>)
    endif()
endfunction()
