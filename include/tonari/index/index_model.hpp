// The type-erased index: what `Index` points to. One virtual call per query, none inside it.
#pragma once

#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <tonari/core/export.hpp>
#include <tonari/index/concepts.hpp>
#include <tonari/index/cursor_model.hpp>
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
    [[nodiscard]] virtual std::size_t size() const noexcept = 0;  ///< ids held
    /// A filter for this index.
    [[nodiscard]] virtual Result<RowFilter> translate(const Filter& filter) const = 0;
    [[nodiscard]] virtual Spec spec() const = 0;
    [[nodiscard]] virtual std::vector<IndexPart> parts() const = 0;

    /// The answer stands in `scratch.neighbors`. Allocates only where the scratch is too small yet. Throws bad_alloc.
    virtual Result<Outcome> search(RowView query, const SearchOptions& options, SearchScratch& scratch) const = 0;
    virtual Result<Outcome> range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const = 0;
    /// True if it answered the batch; false if queries are to go one by one.
    virtual Result<bool> search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const = 0;
    /// The query was checked; the cursor looks into this index while it lives. Throws bad_alloc.
    [[nodiscard]] virtual Result<std::unique_ptr<CursorModel>> cursor(RowView query,
                                                                      const CursorOptions& options) const = 0;
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
    [[nodiscard]] std::size_t size() const noexcept override { return index_.size(); }
    [[nodiscard]] Result<RowFilter> translate(const Filter& filter) const override {
        return index_.ids().translate(filter);
    }
    [[nodiscard]] Spec spec() const override {
        constexpr CodecKind codec = std::remove_cvref_t<decltype(index_.codec())>::kind;
        if constexpr (requires { index_.links(); }) return spec_of(I::kind, index_.links(), element(), codec);
        if constexpr (requires { index_.partition(); }) {
            Spec spec = spec_of(I::kind, 0, element(), codec);
            spec.lists = index_.partition().lists();
            if constexpr (requires { index_.coarse().links(); }) spec.coarse_links = index_.coarse().links();
            return spec;
        }
        return spec_of(I::kind, 0, element(), codec);
    }
    [[nodiscard]] std::vector<IndexPart> parts() const override {
        std::vector<IndexPart> parts{{"rows", index_.rows().codes().size()}, {"ids", index_.ids().bytes()}};
        if constexpr (requires { index_.layers(); }) parts.push_back({"links", index_.layers().bytes()});
        if constexpr (requires { index_.partition(); }) {
            parts.push_back({"lists", index_.partition().bytes()});
            std::size_t coarse = index_.coarse().rows().codes().size() + index_.coarse().ids().bytes();
            if constexpr (requires { index_.coarse().layers(); }) coarse += index_.coarse().layers().bytes();
            parts.push_back({"coarse", coarse});
        }
        return parts;
    }

    Result<Outcome> search(RowView query, const SearchOptions& options, SearchScratch& scratch) const override {
        if (Status s = index_.reserve(options, scratch); !s) return s;
        return index_.search(query, options, scratch);
    }
    Result<Outcome> range_search(RowView query, const RangeOptions& options, SearchScratch& scratch) const override {
        if (Status s = index_.reserve(options, scratch); !s) return s;
        return index_.range_search(query, options, scratch);
    }
    Result<bool> search_batch(MatrixView queries, const SearchOptions& options, Answers& out) const override {
        if constexpr (BatchIndex<I>) {
            return index_.search_batch(queries, options, out);
        } else {
            return false;
        }
    }
    [[nodiscard]] Result<std::unique_ptr<CursorModel>> cursor(RowView query,
                                                              const CursorOptions& options) const override {
        if constexpr (requires { index_.cursor(query, options); }) {
            return index_.cursor(query, options);
        } else {
            return Error{ErrorCode::unsupported, "expected an index with cursors, got one that has none"};
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
