// Gives the precompiled header of all tests a file that it belongs to (cmake/Testing.cmake).
#include "support/catch.hpp"
