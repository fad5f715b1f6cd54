// Rows stored as they are (or narrowed to half precision), laid out as the kernels read them:
//
//     | values: row_bytes(element, dim) | zeros up to a multiple of 4 | inverse norm, float32: cosine only |
//
// The values are never changed: cosine keeps the inverse norm beside them, so rows come back exactly as given.
#pragma once

#include <cmath>
#include <cstring>
#include <string>
#include <type_traits>

#include <tonari/codec/codec.hpp>
#include <tonari/codec/flat_scorer.hpp>
#include <tonari/metric/any_metric.hpp>

namespace tonari {

template <class M = AnyMetric>
class Flat {
public:
    static constexpr CodecKind kind = CodecKind::flat;
    using Row = RowView;
    using Scorer = typename detail::FlatScorer<M>::type;

    /// Rows of `element` with `dim` dimensions. Errors: metric and element that do not go together, dim of 0 or too large.
    static Result<Flat> create(Element element, Dim dim, M metric = {}) {
        if (dim == 0 || dim > max_dim) {
            return Error{ErrorCode::invalid_argument,
                         "expected 1 to " + std::to_string(max_dim) + " dimensions, got " + std::to_string(dim)};
        }
        if (Status fits = check_metric(kind_of(metric), element); !fits) return fits;
        return Flat(element, dim, std::move(metric));
    }

    [[nodiscard]] Dim dim() const noexcept { return dim_; }
    [[nodiscard]] Element element() const noexcept { return element_; }
    [[nodiscard]] const M& metric() const noexcept { return metric_; }
    [[nodiscard]] MetricKind metric_kind() const noexcept { return kind_of(metric_); }
    [[nodiscard]] std::size_t code_size() const noexcept { return trailer() + (cosine() ? sizeof(float) : 0); }

    /// What rows and queries may be made of: the stored element, and float32 where half precision is stored.
    [[nodiscard]] bool accepts(Element given) const noexcept {
        return given == element_ || (given == Element::float32 && widened());
    }

    void encode(RowView row, Origin /*exact*/, std::span<std::byte> code) const noexcept {
        if (row.element() == element_) {
            std::memcpy(code.data(), row.data(), row.bytes());
        } else {
            simd::kernels().from_float32[index(element_)](static_cast<const float*>(row.data()), code.data(), dim_);
        }
        complete(code.data());
    }
    /// Writes what stands behind the values, which are in their place already.
    void complete(std::byte* code) const noexcept {
        finish(code, simd::kernels().squared_norm[index(element_)], row_bytes(element_, dim_), code_size());
    }
    void decode(std::span<const std::byte> code, Origin /*exact*/, std::span<float> out) const noexcept {
        if (element_ == Element::bits) {
            for (Dim i = 0; i < dim_; ++i)
                out[i] = (std::to_integer<unsigned>(code[i / 8]) >> (i % 8) & 1U) != 0 ? 1.0F : 0.0F;
        } else {
            simd::kernels().to_float32[index(element_)](code.data(), out.data(), dim_);
        }
    }

    /// Bytes of a prepared query (see simd/kernels.hpp): half precision is searched with float32 queries.
    [[nodiscard]] std::size_t query_size() const noexcept {
        return widened() ? std::size_t{dim_} * sizeof(float) + (cosine() ? sizeof(float) : 0) : code_size();
    }
    /// Prepares a query of an accepted element into `out`, `query_size()` bytes.
    void prepare(RowView query, std::byte* out) const noexcept {
        if (!widened()) return encode(query, {}, {out, code_size()});
        if (query.element() == Element::float32) {
            std::memcpy(out, query.data(), query.bytes());
        } else {
            simd::kernels().to_float32[index(element_)](query.data(), reinterpret_cast<float*>(out), dim_);
        }
        finish(out, simd::kernels().squared_norm[index(Element::float32)], std::size_t{dim_} * sizeof(float),
               query_size());
    }
    /// A stored row as a query: itself, or widened into `buffer` (`query_size()` bytes).
    [[nodiscard]] const void* as_query(const std::byte* code, std::byte* buffer) const noexcept {
        if (!widened()) return code;
        prepare({code, element_, dim_}, buffer);
        return buffer;
    }

    /// |row|^2 of a stored row.
    [[nodiscard]] float squared_norm(const std::byte* code) const noexcept {
        return simd::kernels().squared_norm[index(element_)](code, dim_);
    }
    /// The same with the metric chosen at run time: code that is compiled once knows this one alone.
    [[nodiscard]] Flat<AnyMetric> erased() const noexcept
        requires KernelMetric<M>
    {
        return {element_, dim_, AnyMetric(metric_kind())};
    }

    /// Makes codes the same bytes that no built-in metric tells apart: zeros lose their sign, bits behind the last one go.
    void make_comparable(std::byte* code) const noexcept {
        if constexpr (KernelMetric<M>) {
            switch (element_) {
                case Element::float32: drop_signs_of_zeros<std::uint32_t>(code); break;
                case Element::float16:
                case Element::bfloat16: drop_signs_of_zeros<std::uint16_t>(code); break;
                case Element::bits:
                    if (dim_ % 8 != 0) code[dim_ / 8] &= static_cast<std::byte>((1U << dim_ % 8) - 1);
                    break;
                case Element::int8:
                case Element::uint8: break;
            }
        }
    }

    /// Would `make_comparable` make the two codes the same?
    [[nodiscard]] bool same(const std::byte* a, const std::byte* b) const noexcept {
        if (std::memcmp(a, b, code_size()) == 0) return true;
        if constexpr (KernelMetric<M>) {
            switch (element_) {
                case Element::float32: return same_but_signs_of_zeros<std::uint32_t>(a, b);
                case Element::float16:
                case Element::bfloat16: return same_but_signs_of_zeros<std::uint16_t>(a, b);
                case Element::bits: {
                    const std::size_t whole = dim_ / 8;
                    if (dim_ % 8 == 0 || std::memcmp(a, b, whole) != 0) return false;
                    return (std::to_integer<unsigned>(a[whole] ^ b[whole]) & ((1U << dim_ % 8) - 1)) == 0;
                }
                case Element::int8:
                case Element::uint8: break;
            }
        }
        return false;
    }

    /// The scorer of this codec, with no query yet.
    [[nodiscard]] Scorer scorer() const noexcept {
        if constexpr (KernelMetric<M>) {
            return Scorer(simd::kernels().of(metric_kind(), element_), dim_);
        } else {
            return Scorer(metric_, dim_);
        }
    }

    Status save(SectionWriter& writer) const {
        Record record{};
        record.dim = dim_;
        record.element = static_cast<std::uint8_t>(element_);
        record.metric = static_cast<std::uint8_t>(metric_kind());
        if constexpr (UserMetric<M>) std::memcpy(record.metric_name, metric_name().data(), metric_name().size());
        return writer.add_record("codec", 1, record);
    }
    static Result<Flat> open(const SectionReader& reader) { return open(reader, M{}); }
    static Result<Flat> open(const SectionReader& reader, M metric) {
        auto record = reader.record<Record>("codec", 1);
        if (!record) return std::move(record).error();
        const auto stored = static_cast<MetricKind>(record->metric);
        if constexpr (std::same_as<M, AnyMetric>) {
            if (stored < MetricKind::l2 || stored > MetricKind::hamming) {
                return Error{ErrorCode::unsupported, stored == MetricKind::user
                                                         ? "the file was built with a user's metric '" +
                                                               name_in(*record) + "'; open it with that metric's type"
                                                         : "unknown metric " + std::to_string(record->metric)};
            }
            metric = AnyMetric(stored);
        } else if (stored != M::kind) {
            return Error{ErrorCode::invalid_argument, "expected metric " + std::string(tonari::name(M::kind)) +
                                                          ", the file has " + std::string(tonari::name(stored))};
        }
        if constexpr (UserMetric<M>) {
            if (name_in(*record) != metric_name()) {
                return Error{ErrorCode::invalid_argument, "expected the metric named '" + std::string(metric_name()) +
                                                              "', the file has '" + name_in(*record) + "'"};
            }
        }
        if (record->element < 1 || record->element > 6) {
            return reader.corrupt("codec", "unknown element " + std::to_string(record->element));
        }
        auto codec = create(static_cast<Element>(record->element), record->dim, std::move(metric));
        if (!codec) return reader.corrupt("codec", codec.error().message);
        return codec;
    }

private:
    template <class Other>
    friend class Flat;
    struct Record {
        std::uint32_t dim;
        std::uint8_t element;
        std::uint8_t metric;
        std::uint8_t reserved[2];
        char metric_name[56];  // a user's metric; NUL-padded
    };

    Flat(Element element, Dim dim, M metric) noexcept : element_(element), dim_(dim), metric_(std::move(metric)) {}

    static constexpr std::size_t index(Element element) noexcept { return static_cast<std::size_t>(element) - 1; }
    [[nodiscard]] bool cosine() const noexcept { return metric_kind() == MetricKind::cosine; }
    [[nodiscard]] bool widened() const noexcept {
        return element_ == Element::float16 || element_ == Element::bfloat16;
    }
    [[nodiscard]] std::size_t trailer() const noexcept { return (row_bytes(element_, dim_) + 3) / 4 * 4; }

    /// Value i as its bits, 0 for a zero of either sign.
    template <class Word>
    static Word comparable(const std::byte* code, Dim i) noexcept {
        constexpr auto negative_zero = static_cast<Word>(Word{1} << (8 * sizeof(Word) - 1));
        Word word = 0;
        std::memcpy(&word, code + i * sizeof word, sizeof word);
        return word == negative_zero ? Word{0} : word;
    }
    template <class Word>
    void drop_signs_of_zeros(std::byte* code) const noexcept {
        for (Dim i = 0; i < dim_; ++i) {
            const Word word = comparable<Word>(code, i);
            std::memcpy(code + i * sizeof word, &word, sizeof word);
        }
    }
    template <class Word>
    [[nodiscard]] bool same_but_signs_of_zeros(const std::byte* a, const std::byte* b) const noexcept {
        for (Dim i = 0; i < dim_; ++i) {
            if (comparable<Word>(a, i) != comparable<Word>(b, i)) return false;
        }
        return true;  // and so is what stands behind the values
    }

    /// Zeros behind the values and, for cosine, the inverse norm (0 for a row of zeros: its distance is 1). Rows whose
    /// squares float32 cannot hold are refused before (index/row_check.hpp).
    void finish(std::byte* code, float (*square_of)(const void*, Dim) noexcept, std::size_t values,
                std::size_t size) const noexcept {
        std::memset(code + values, 0, size - values);
        if (!cosine()) return;
        const float square = square_of(code, dim_);
        const float inverse = square > 0 ? static_cast<float>(1.0 / std::sqrt(static_cast<double>(square))) : 0.0F;
        std::memcpy(code + size - sizeof inverse, &inverse, sizeof inverse);
    }

    static constexpr std::string_view metric_name() noexcept {
        if constexpr (UserMetric<M>) {
            static_assert(std::string_view(M::name).size() <= sizeof Record::metric_name,
                          "a metric's name has at most 56 bytes");
            return M::name;
        } else {
            return {};
        }
    }
    static std::string name_in(const Record& record) {
        return {record.metric_name, strnlen(record.metric_name, sizeof record.metric_name)};
    }

    Element element_;
    Dim dim_;
    M metric_;
};

}  // namespace tonari
