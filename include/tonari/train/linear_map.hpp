// Linear maps of rows: a rotation, or a projection to fewer dimensions, as a matrix. What they are trained to is one of
// three:
//
//   random_rotation   nothing: every direction is as good as any other
//   pca               the directions along which rows differ most (Pearson 1901); `turned` spreads them over all values
//   opq               a rotation after which the parts of a product quantizer fit (Ge, He, Ke and Sun 2013)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <tonari/core/bytes.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/parallel.hpp>
#include <tonari/core/progress.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/view.hpp>
#include <tonari/io/section_reader.hpp>
#include <tonari/io/section_writer.hpp>

namespace tonari::train {

/// Training takes dim^2 memory and dim^3 time: at 8192 dimensions 2 GB and some minutes.
inline constexpr Dim max_map_dim = 8192;

/// y = matrix (x - middle). The rows of the matrix have length 1 and stand at right angles to each other, up to
/// rounding: lengths and products are kept where it has as many rows as columns, and shortened else. Copies share the
/// matrix.
class TONARI_API LinearMap {
public:
    /// `matrix`: out x in values, row by row. `middle`: in values, or none. Errors: invalid_argument (sizes that do not
    /// fit, values that are not finite, rows longer than 1), out_of_memory.
    static Result<LinearMap> create(Dim in, Dim out, std::span<const float> matrix, std::span<const float> middle = {});

    [[nodiscard]] Dim in_dim() const noexcept { return in_; }
    [[nodiscard]] Dim out_dim() const noexcept { return out_; }
    [[nodiscard]] bool centred() const noexcept { return !middle_.empty(); }
    [[nodiscard]] std::span<const float> matrix() const noexcept { return matrix_.as<float>(); }
    [[nodiscard]] std::span<const float> middle() const noexcept { return middle_.as<float>(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return matrix_.size() + middle_.size(); }

    /// `values`: in values, off which the middle is taken in place. `out` takes out values. O(in * out), allocates
    /// nothing.
    void apply(float* values, float* out) const noexcept;
    /// The same bits for `count` rows without gaps, at most `most_rows` of them. The matrix is read once for all.
    void apply(float* values, std::size_t count, float* out) const noexcept;
    static constexpr std::size_t most_rows = 32;

    /// "map", "matrix" and, where there is one, "middle".
    Status save(SectionWriter& writer) const;
    static Result<LinearMap> open(const SectionReader& reader);

private:
    struct Record;
    LinearMap(Dim in, Dim out, Bytes matrix, Bytes middle) noexcept
        : in_(in), out_(out), matrix_(std::move(matrix)), middle_(std::move(middle)) {}
    void take_off_middle(float* values) const noexcept;

    Dim in_;
    Dim out_;
    Bytes matrix_;
    Bytes middle_;
};

/// `map`, and a random rotation of what it maps to: no value then differs more than others, which suits codes that give each
/// as many bits. O(in * out^2), on any number of threads the same bits.
TONARI_API Result<LinearMap> turned(const LinearMap& map, std::uint64_t seed, const Threads& threads);

/// A random one of all rotations of `dim` dimensions (Haar), of which the first `out` values are kept. O(dim * out^2).
TONARI_API Result<LinearMap> random_rotation(Dim dim, Dim out, std::uint64_t seed);

struct PcaOptions {
    Dim out = 0;  ///< 1 to as many as rows have
    /// Around the mean, which is taken off rows: what keeps most of their distances. Else around the origin: of their
    /// products.
    bool centred = true;
    Threads threads{};  ///< any number gives the same map
};
/// The `out` directions along which the rows of `sample` (float32) differ most, the first of them most; where these are a sixth of all or
/// fewer, and all 256 or more, nearly so: they hold as much of what rows differ by up to some ten-thousandths. Directions
/// along which they do not differ at all, as where there are fewer rows than dimensions, are any that stand at right
/// angles to the others. Errors: no rows, other elements, `out` outside its range, more than `max_map_dim` dimensions,
/// values that are not finite or too large, out_of_memory. O(rows * dim^2 + dim^3), for few O(rows * dim^2 + dim^2 * out).
TONARI_API Result<LinearMap> pca(MatrixView sample, const PcaOptions& options);

struct OpqOptions {
    std::size_t parts = 0;     ///< which divide `out`
    Dim out = 0;               ///< of fewer than rows have, the first directions of the PCA are what is rotated
    bool centred = true;       ///< as for PCA
    std::size_t points = 16;   ///< of a part: the codes that the rotation is for; at most 256
    unsigned iterations = 20;  ///< at most: it ends when the error falls by less than a thousandth
    std::uint64_t seed = 1;
    Threads threads{};  ///< any number gives the same map
    ProgressFunction progress{};
};
/// The rotation that leaves a product quantizer the least error on `sample` (float32), to a local minimum: begun from
/// the PCA's directions, dealt out so that each part has as large a product of variances as any other, then in turns
/// the points for the rotation and the rotation for the points (Ge and others 2013; the latter is
/// the orthogonal Procrustes problem: Schoenemann 1966). Of fewer rows than points the rotation is where it begins.
/// Errors: as for PCA, and parts that do not divide `out`. O(rows * dim^2 + dim^3) an iteration.
TONARI_API Result<LinearMap> opq(MatrixView sample, const OpqOptions& options);

}  // namespace tonari::train
