#include "system_error.hpp"

#include <cerrno>
#include <system_error>

#include "text.hpp"

namespace tonari {
namespace {

ErrorCode code_of(int number) noexcept {
    switch (number) {
        case ENOENT: return ErrorCode::not_found;
        case EEXIST: return ErrorCode::already_exists;
        case ENOMEM: return ErrorCode::out_of_memory;
        default: return ErrorCode::io;
    }
}

std::string_view advice(int number) noexcept {
    switch (number) {
        case ENOSPC: return "; free some space and try again";
        case EDQUOT: return "; the quota of this user is used up";
        case EACCES: return "; this user may not: look at its mode and owner, and at its folder's";
        case EMFILE: return "; raise `ulimit -n`";
        case EROFS: return "; the file system is mounted read-only";
        default: return "";
    }
}

}  // namespace

Error system_error(std::string_view what, std::string_view path, int number) {
    return {code_of(number),
            say("cannot ", what, " '", path, "': ", std::generic_category().message(number), advice(number))};
}

}  // namespace tonari
