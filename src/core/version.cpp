// The version of the linked library, from the header's three numbers.
#include <tonari/version.hpp>

#define TONARI_TEXT_OF(x) #x
#define TONARI_TEXT(x) TONARI_TEXT_OF(x)

namespace tonari {

std::string_view version() noexcept {
    return TONARI_TEXT(TONARI_VERSION_MAJOR) "." TONARI_TEXT(TONARI_VERSION_MINOR) "." TONARI_TEXT(
        TONARI_VERSION_PATCH);
}

}  // namespace tonari
