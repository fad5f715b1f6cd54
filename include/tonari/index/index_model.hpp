// The type-erased index: what `Index` points to. One virtual call per query, none inside it.
#pragma once

#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/index/concepts.hpp>
#include <tonari/index/index.hpp>
#include <tonari/index/spec.hpp>
#include <tonari/io/section_writer.hpp>

namespace tonari {

class TONARI_API IndexModel {
public:
    IndexModel() = default;
    IndexModel(const IndexModel&) = delete;
    IndexModel& operator=(const IndexModel&) = delete;
    virtual ~IndexModel();

    [[nodiscard]] virtual IndexKind kind() const noexcept = 0;
    [[nodiscard]] virtual Dim dim() const noexcept = 0;
    [[nodiscard]] virtual Element element() const noexcept = 0;
    [[nodiscard]] virtual MetricKind metric() const noexcept = 0;
    [[nodiscard]] virtual bool accepts(Element query) const noexcept = 0;
    [[nodiscard]] virtual const IdMap& ids() const noexcept = 0;
    [[nodiscard]] virtual Spec spec() const = 0;
    [[nodiscard]] virtual std::vector<IndexPart> parts() const = 0;

    virtual Status reserve(const SearchOptions& options, SearchScratch& scratch) const = 0;
    virtual Outcome search(RowView query, const SearchOptions& options, SearchScratch& scratch) const noexcept = 0;
    virtual Status reserve(const RangeOptions& options, SearchScratch& scratch) const = 0;
    virtual Outcome range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const noexcept = 0;
    /// True if it answered the batch; false if queries are to go one by one.
    virtual Result<bool> search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const = 0;
    virtual Status save(SectionWriter& writer) const = 0;
};

/// Any index, behind the interface.
template <SearchIndex I>
class IndexModelOf final : public IndexModel {
public:
    explicit IndexModelOf(I index) noexcept : index_(std::move(index)) {}
    [[nodiscard]] const I& index() const noexcept { return index_; }

    [[nodiscard]] IndexKind kind() const noexcept override { return I::kind; }
    [[nodiscard]] Dim dim() const noexcept override { return index_.dim(); }
    [[nodiscard]] Element element() const noexcept override { return index_.codec().element(); }
    [[nodiscard]] MetricKind metric() const noexcept override { return index_.codec().metric_kind(); }
    [[nodiscard]] bool accepts(Element query) const noexcept override { return index_.codec().accepts(query); }
    [[nodiscard]] const IdMap& ids() const noexcept override { return index_.ids(); }
    [[nodiscard]] Spec spec() const override {
        Spec spec;
        spec.kind = I::kind;
        if constexpr (requires { index_.links(); }) spec.links = index_.links();
        const Element stored = element();
        if (stored == Element::float16 || stored == Element::bfloat16) spec.store_as = stored;
        return spec;
    }
    [[nodiscard]] std::vector<IndexPart> parts() const override {
        std::vector<IndexPart> parts{{"rows", index_.rows().codes().size()}, {"ids", index_.ids().bytes()}};
        if constexpr (requires { index_.layers(); }) parts.push_back({"links", index_.layers().bytes()});
        return parts;
    }

    Status reserve(const SearchOptions& options, SearchScratch& scratch) const override {
        return index_.reserve(options, scratch);
    }
    Outcome search(RowView query, const SearchOptions& options, SearchScratch& scratch) const noexcept override {
        return index_.search(query, options, scratch);
    }
    Status reserve(const RangeOptions& options, SearchScratch& scratch) const override {
        return index_.reserve(options, scratch);
    }
    Outcome range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const noexcept override {
        return index_.range_search(query, options, scratch);
    }
    Result<bool> search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const override {
        if constexpr (BatchIndex<I>) {
            return index_.search_batch(queries, options, out);
        } else {
            return false;
        }
    }
    Status save(SectionWriter& writer) const override { return index_.save(writer); }

private:
    I index_;
};

template <SearchIndex I>
Index make_index(I index) {
    return Index(std::make_shared<const IndexModelOf<I>>(std::move(index)));
}

}  // namespace tonari
