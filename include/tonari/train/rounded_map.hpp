// A linear map in 8 bits: the matrix and what it is applied to are rounded, each row of it by a step of its own, and multiplied as whole
// numbers. What comes out are estimates, for what is about to be compared with codes in any case: off by some thousandths of the length
// of what is mapped, by up to two hundredths where some of its values are far larger than the others.
//
// A query reads a quarter of the bytes, and reading is most of what mapping takes: 784 values to 130 by float32 are 410 KB, more than an
// L1 cache holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <tonari/core/aligned.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/train/linear_map.hpp>

namespace tonari::train {

class TONARI_API RoundedMap {
public:
    /// A map of which nothing is estimated.
    RoundedMap() noexcept = default;
    /// Empty where a row of the matrix has few values that dwarf the others: the step that these ask for would leave nothing of the
    /// others. Copies share the matrix. Errors: out_of_memory. Throws bad_alloc.
    static Result<RoundedMap> of(const LinearMap& map);

    [[nodiscard]] bool empty() const noexcept { return steps_.empty(); }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return matrix_.size() + (steps_.size() + middle_.size()) * sizeof(float);
    }

    /// What the map makes of `in` values, nearly. `room` takes `in` bytes. False, and nothing of use in `out`, where the map is empty or a
    /// value dwarfs the others here. O(in * out), allocates nothing.
    bool apply(const float* values, std::int8_t* room, float* out) const noexcept;

private:
    Dim in_ = 0;
    Bytes matrix_;               // int8
    std::vector<float> steps_;   // of each row: what one whole number is, negated, as kernels negate products
    std::vector<float> middle_;  // of the map, or none
};

}  // namespace tonari::train
