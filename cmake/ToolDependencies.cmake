# What only the tonari command needs: CLI11, nlohmann-json and, where it is installed, HDF5's C library (the files of
# ann-benchmarks.com). Without HDF5 the command is built with TONARI_HDF5=0 and says so when it is handed such a file.

add_library(tonari_tool_dependencies INTERFACE)

if(TONARI_FETCH)
    tonari_fetch_tool_dependencies()
else()
    find_package(CLI11 REQUIRED)
    find_package(nlohmann_json REQUIRED)
endif()
target_link_libraries(tonari_tool_dependencies INTERFACE CLI11::CLI11 nlohmann_json::nlohmann_json)

enable_language(C)    # FindHDF5 asks the C compiler
find_package(HDF5 QUIET COMPONENTS C)
if(HDF5_FOUND)
    target_include_directories(tonari_tool_dependencies SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
    target_link_libraries(tonari_tool_dependencies INTERFACE ${HDF5_C_LIBRARIES})
    target_compile_definitions(tonari_tool_dependencies INTERFACE ${HDF5_C_DEFINITIONS} TONARI_HDF5=1)
else()
    message(STATUS "tonari: HDF5 was not found; the command is built without it")
    target_compile_definitions(tonari_tool_dependencies INTERFACE TONARI_HDF5=0)
endif()
