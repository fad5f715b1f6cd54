// Ids for those who name none: above all that were ever given.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>

#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>

namespace tonari {

class IdCounter {
public:
    /// The first of `count` ids. Errors: out_of_range.
    Result<Id> reserve(std::size_t count) {
        const Id first = next_;
        if (count > static_cast<std::size_t>(most - first)) {
            return Error{ErrorCode::out_of_range, "expected room for " + std::to_string(count) +
                                                      " ids above the largest, " + std::to_string(first - 1) +
                                                      "; name the ids"};
        }
        next_ += static_cast<Id>(count);
        return first;
    }
    /// Somebody gave this one.
    void given(Id id) noexcept { next_ = std::max(next_, id == most ? id : id + 1); }

private:
    static constexpr Id most = std::numeric_limits<Id>::max();
    Id next_ = 0;
};

}  // namespace tonari
