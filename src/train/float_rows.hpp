// Rows of any element but bits, read as float32, all of them or those picked; and what is refused of them.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <tonari/core/parallel.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>
#include <tonari/core/view.hpp>

namespace tonari::train {

class FloatRows {
public:
    /// `picked`: the rows that are meant, all if it is empty. `shift`: what is taken off every row, if it is not null.
    explicit FloatRows(MatrixView rows, std::span<const RowId> picked = {}, const float* shift = nullptr) noexcept
        : rows_(rows), picked_(picked), shift_(shift) {}

    [[nodiscard]] std::size_t size() const noexcept { return picked_.empty() ? rows_.rows() : picked_.size(); }
    [[nodiscard]] Dim dim() const noexcept { return rows_.dim(); }
    /// Row i as it is stored.
    [[nodiscard]] RowView row(std::size_t i) const noexcept { return rows_.row(picked_.empty() ? i : picked_[i]); }
    /// Row i in place. Only of float32 rows without a shift.
    [[nodiscard]] const float* floats(std::size_t i) const noexcept { return static_cast<const float*>(row(i).data()); }
    /// Row i into `out`.
    void read(std::size_t i, float* out) const noexcept;

    struct Block {
        const void* data;
        std::size_t stride;
    };
    /// Rows first ... first + count - 1 where they lie, if they can be used so, else in `scratch` (count x dim).
    [[nodiscard]] Block block(std::size_t first, std::size_t count, float* scratch) const noexcept;

private:
    MatrixView rows_;
    std::span<const RowId> picked_;
    const float* shift_;
};

/// Neither NaN nor infinity, and its square is far enough from overflow for squared distances to be numbers.
bool is_usable(RowView row) noexcept;
/// The number of the first of `count` rows from `first` on that is not; first + count if there is none.
std::size_t first_unusable(const FloatRows& rows, std::size_t first, std::size_t count, const Threads& threads);
/// Why row `number` of `what` is not.
Error describe_unusable(RowView row, std::string_view what, std::size_t number);
/// Elements that have float32 values, and at least one row and dimension.
Status check_rows(MatrixView rows, std::string_view what);

/// The middle of the rows (a few thousand are looked at), if they lie so close to each other and so far from the origin
/// that products of them say little about their distances: else the answer is false. float32 rows without a shift.
bool find_shift(const FloatRows& rows, std::span<float> shift) noexcept;

}  // namespace tonari::train
