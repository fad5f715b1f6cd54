# tonari_fetch_archive(name url sha256 out): downloads an archive into the build folder, compares its hash, and sets `out`
# to its path. An archive that lies there already is taken as it is, so one may be put there by hand. What cannot be had
# ends the configuration with words on what to do, which FetchContent's own errors lack.
#
# FETCHCONTENT_SOURCE_DIR_<NAME> and FETCHCONTENT_FULLY_DISCONNECTED mean what they always mean: nothing is downloaded.

function(tonari_fetch_archive name url sha256 out)
    string(TOUPPER ${name} upper)
    if(FETCHCONTENT_SOURCE_DIR_${upper} OR FETCHCONTENT_FULLY_DISCONNECTED)
        set(${out} ${url} PARENT_SCOPE)
        return()
    endif()
    get_filename_component(file ${url} NAME)
    set(archive ${FETCHCONTENT_BASE_DIR}/archives/${name}-${file})
    set(${out} ${archive} PARENT_SCOPE)
    if(EXISTS ${archive})
        file(SHA256 ${archive} found)
        if(found STREQUAL sha256)
            return()
        endif()
    endif()

    message(STATUS "tonari: fetching ${name}")
    foreach(attempt RANGE 1 3)
        file(DOWNLOAD ${url} ${archive}.part STATUS status INACTIVITY_TIMEOUT 60)
        list(GET status 0 code)
        list(GET status 1 what)
        if(code EQUAL 0)
            file(SHA256 ${archive}.part found)
            if(found STREQUAL sha256)
                file(RENAME ${archive}.part ${archive})
                return()
            endif()
            set(what "expected a file of SHA-256 ${sha256}, got one of ${found}")
        endif()
        file(REMOVE ${archive}.part)
    endforeach()
    message(FATAL_ERROR
        "tonari: TONARI_FETCH=ON could not fetch ${name}: ${what}\n"
        "    from ${url}\n"
        "It needs the network (behind a proxy: set https_proxy). Without one, do one of these:\n"
        "  * install the dependencies (on Debian and Ubuntu: cmake/install_dependencies.sh), and leave TONARI_FETCH away;\n"
        "  * fetch the file elsewhere, put it at ${archive}, and configure again;\n"
        "  * name a folder with its sources: -DFETCHCONTENT_SOURCE_DIR_${upper}=FOLDER.")
endfunction()
