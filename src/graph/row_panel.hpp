// Rows of an index beside other rows of it: a panel of some as queries (codec/query_panels.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <tonari/codec/flat.hpp>
#include <tonari/codec/query_panels.hpp>

namespace tonari {

class RowPanel {
public:
    /// `codes` lie one behind another, and outlive it. At most `most_rows` are taken at once.
    static Result<RowPanel> create(const Flat<AnyMetric>& codec, const std::byte* codes, std::size_t most_rows) {
        auto panels = QueryPanels::create(kernel_rows_of(codec), 1, most_rows, most_rows);
        if (!panels) return std::move(panels).error();
        return RowPanel(codec, codes, most_rows, *std::move(panels));
    }
    void take(std::span<const RowId> rows) noexcept {
        for (std::size_t i = 0; i < rows.size(); ++i) taken_[i] = code(rows[i]);
        panels_.take(std::span<const std::byte* const>(taken_).first(rows.size()));
    }
    /// At most `QueryPanels::width`.
    void pack(std::span<const RowId> rows) noexcept {
        std::array<const std::byte*, QueryPanels::width> queries;  // NOLINT(cppcoreguidelines-pro-type-member-init)
        for (std::size_t i = 0; i < rows.size(); ++i) {
            queries[i] =
                static_cast<const std::byte*>(codec_->as_query(code(rows[i]), buffer_.data() + i * query_stride()));
        }
        panels_.pack(0, {queries.data(), rows.size()});
    }
    /// As QueryPanels does.
    template <class Offer>
    void compare(QueryPanels::Limits& limits, const Offer& offer) noexcept {
        panels_.compare(0, limits, offer);
    }

private:
    RowPanel(const Flat<AnyMetric>& codec, const std::byte* codes, std::size_t most_rows, QueryPanels panels)
        : codec_(&codec), codes_(codes), panels_(std::move(panels)), taken_(most_rows) {
        buffer_.resize(QueryPanels::width * query_stride());
    }
    [[nodiscard]] const std::byte* code(RowId row) const noexcept {
        return codes_ + std::size_t{row} * codec_->code_size();
    }
    [[nodiscard]] std::size_t query_stride() const noexcept { return (codec_->query_size() + 7) / 8 * 8; }

    const Flat<AnyMetric>* codec_;
    const std::byte* codes_;
    QueryPanels panels_;
    std::vector<const std::byte*> taken_;
    std::vector<std::byte> buffer_;  // of queries, where rows are none as they lie
};

}  // namespace tonari
