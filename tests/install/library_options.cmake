# What a stranger's project is told beside what a stranger would tell it (CMAKE_PROJECT_tonari_INCLUDE), so that the library need
# not be compiled from nothing for a test: at the end of its CMakeLists.txt,
#
#     TONARI_AS_UNDER_TEST   the embedded library gets the warnings of the one under test, whose objects ccache has
#     TONARI_QUICKLY         the shared library, which nothing else needs, is not optimised: asked is what it exports, and that
#                            it links. Its kernels are those under test
if(NOT TONARI_AT_THE_END)
    set(TONARI_AT_THE_END ON)
    cmake_language(EVAL CODE "cmake_language(DEFER CALL include [[${CMAKE_CURRENT_LIST_FILE}]])")    # this file, now
    return()
endif()

if(TONARI_AS_UNDER_TEST)
    set(PROJECT_IS_TOP_LEVEL ON)
    get_property(targets DIRECTORY ${PROJECT_SOURCE_DIR}/src PROPERTY BUILDSYSTEM_TARGETS)
    foreach(target IN LISTS targets)
        tonari_warnings(${target})
    endforeach()
endif()
if(TONARI_QUICKLY)
    target_compile_options(tonari PRIVATE -O0 -g0)
endif()
