// Messages, put together.
#pragma once

#include <sstream>
#include <string>

namespace tonari {

template <class... Parts>
std::string say(const Parts&... parts) {
    std::ostringstream text;
    text.imbue(std::locale::classic());  // "1000000", in every country
    (text << ... << parts);
    return std::move(text).str();
}

}  // namespace tonari
