# Headers, library, command and the CMake package: find_package(tonari) gives tonari::tonari.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/tonari)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/tonari DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS tonari EXPORT tonariTargets)
if(TARGET tonari_cli)    # alone: cmake --install BUILD --component command
    if(BUILD_SHARED_LIBS)
        file(RELATIVE_PATH from_command_to_library
            ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
        set_target_properties(tonari_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${from_command_to_library}")
    endif()
    install(TARGETS tonari_cli COMPONENT command)
endif()
install(EXPORT tonariTargets NAMESPACE tonari:: DESTINATION ${package_directory})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/tonariConfig.cmake.in
    ${PROJECT_BINARY_DIR}/tonariConfig.cmake
    INSTALL_DESTINATION ${package_directory})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tonariConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
    ${PROJECT_BINARY_DIR}/tonariConfig.cmake
    ${PROJECT_BINARY_DIR}/tonariConfigVersion.cmake
    DESTINATION ${package_directory})
