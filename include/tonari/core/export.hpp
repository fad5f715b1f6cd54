// TONARI_API marks what leaves a shared library. Everything else is hidden there.
//
// TONARI_SHARED comes from the CMake target, for the library and for its users alike;
// TONARI_BUILDING only for the library's own files. A static library needs neither.
#pragma once

#if !defined(TONARI_SHARED)
#define TONARI_API
#elif defined(_WIN32)
#if defined(TONARI_BUILDING)
#define TONARI_API __declspec(dllexport)
#else
#define TONARI_API __declspec(dllimport)
#endif
#else
#define TONARI_API __attribute__((visibility("default")))
#endif
