# What tonari is built from. Everything here is private to the library: a user of the installed package needs none
# of it, except Threads and OpenMP to link a static library (tonariConfig.cmake.in looks for these).

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

if(TONARI_OPENMP)
    find_package(OpenMP QUIET COMPONENTS CXX)
endif()
if(TONARI_OPENMP AND TARGET OpenMP::OpenMP_CXX)
    set(TONARI_USES_OPENMP ON)
else()
    set(TONARI_USES_OPENMP OFF)
endif()

# The headers that the library's own files include: xsimd (src/simd), Boost.Interprocess (src/io), xxHash (src/io),
# Eigen (src/train). Only their folders are taken, so that nothing of them is named in the installed package.
add_library(tonari_private_headers INTERFACE)

if(TONARI_FETCH)
    include(Fetch)
else()
    find_path(TONARI_XSIMD_INCLUDE xsimd/xsimd.hpp)
    find_path(TONARI_BOOST_INCLUDE boost/interprocess/file_mapping.hpp)
    find_path(TONARI_XXHASH_INCLUDE xxhash.h)
    find_path(TONARI_EIGEN_INCLUDE Eigen/Core PATH_SUFFIXES eigen3)
    foreach(header XSIMD BOOST XXHASH EIGEN)
        if(TONARI_${header}_INCLUDE)
            target_include_directories(tonari_private_headers SYSTEM INTERFACE ${TONARI_${header}_INCLUDE})
        else()
            list(APPEND tonari_missing ${header})
        endif()
        mark_as_advanced(TONARI_${header}_INCLUDE)
    endforeach()
    if(tonari_missing)
        message(FATAL_ERROR
            "tonari: headers not found: ${tonari_missing}. On Debian and Ubuntu run cmake/install_dependencies.sh; "
            "elsewhere install xsimd, Boost, xxHash and Eigen, or configure with -DTONARI_FETCH=ON.")
    endif()
endif()

# tonari_private_settings(target): how each of the library's own files is compiled.
function(tonari_private_settings target)
    target_compile_features(${target} PUBLIC cxx_std_20)
    set_target_properties(${target} PROPERTIES
        CXX_EXTENSIONS OFF
        POSITION_INDEPENDENT_CODE ON            # a static tonari is linked into Python modules, too
        CXX_VISIBILITY_PRESET hidden
        VISIBILITY_INLINES_HIDDEN ON)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
    target_include_directories(${target} SYSTEM PRIVATE
        $<TARGET_PROPERTY:tonari_private_headers,INTERFACE_INCLUDE_DIRECTORIES>)
    target_compile_definitions(${target} PRIVATE TONARI_BUILDING)
    tonari_warnings(${target})
endfunction()
