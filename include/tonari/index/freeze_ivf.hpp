// From growing lists to frozen ones and back.
//
// `freeze` cuts at one moment, while the index goes on living. The rows of each list lie in the order of their ids, as a build
// leaves them: where they lay before does not matter. `thaw` takes a frozen index as it is: frozen again, it has the same bytes.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <tonari/index/growing_ivf.hpp>

namespace tonari {

/// The rows of one moment. O(rows log rows). Errors: not_found if there is no row, out_of_memory.
template <class C, class Coarse, class Fine, class Reclaimer>
Result<typename GrowingIvf<C, Coarse, Fine, Reclaimer>::Frozen> freeze(
    const GrowingIvf<C, Coarse, Fine, Reclaimer>& index) try {
    using Lists = IvfIndex<C, Coarse>;
    const Epoch::Pin pin = index.pin();
    std::vector<std::size_t> sizes(index.lists().lists());
    std::vector<RowId> places;
    for (std::size_t list = 0; list < sizes.size(); ++list) {
        const std::size_t first = places.size();
        index.for_each_place(list, pin.moment(), [&](RowId place) { places.push_back(place); });
        std::sort(places.begin() + static_cast<std::ptrdiff_t>(first), places.end(),
                  [&](RowId a, RowId b) { return index.places().id(a) < index.places().id(b); });
        sizes[list] = places.size() - first;
    }
    if (places.empty()) return Error{ErrorCode::not_found, "expected at least one row to freeze, the index holds none"};
    auto partition = Partition::create(sizes);
    if (!partition) return std::move(partition).error();
    const auto copy = [&](std::size_t size, const auto& code_of) -> Result<Bytes> {
        auto codes = AlignedBuffer::allocate(places.size() * size);
        if (!codes) return std::move(codes).error();
        for (std::size_t i = 0; i < places.size(); ++i) std::memcpy(codes->data() + i * size, code_of(places[i]), size);
        return std::move(*codes).freeze();
    };
    auto codes = copy(index.lists().code_size(), [&](RowId place) { return index.lists().code(place); });
    if (!codes) return std::move(codes).error();
    std::vector<Id> ids(places.size());
    for (std::size_t i = 0; i < places.size(); ++i) ids[i] = index.places().id(places[i]);
    auto map = IdMap::create(ids, {});
    if (!map) return std::move(map).error();
    Bytes lengths;
    if (!index.lengths().empty()) {
        auto room = AlignedBuffer::allocate(index.lengths().size_bytes());
        if (!room) return std::move(room).error();
        std::memcpy(room->data(), index.lengths().data(), index.lengths().size_bytes());
        lengths = std::move(*room).freeze();
    }
    Lists lists = Lists::over(StoredRows<C>(index.list_codec(), *std::move(codes), *std::move(map)),
                              *std::move(partition), index.coarse_lists(), std::move(lengths));
    if constexpr (GrowingIvf<C, Coarse, Fine, Reclaimer>::refined) {
        auto fine = copy(index.lists().fine_size(), [&](RowId place) { return index.lists().fine(place); });
        if (!fine) return std::move(fine).error();
        StoredRows<Fine> rows(index.codec(), *std::move(fine), lists.ids());
        return Refined<Lists, Fine>::over(std::move(lists), std::move(rows));
    } else {
        return lists;
    }
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory, "no memory for a frozen copy of " + std::to_string(index.size()) + " rows"};
}

/// Growing lists about the centroids of frozen ones and with their rows, copied. O(rows). Errors: corrupt (ids that lie, in a
/// file that was not verified), out_of_memory.
template <class C, class Coarse>
Result<std::shared_ptr<GrowingIvf<C, Coarse>>> thaw(const IvfIndex<C, Coarse>& frozen) try {
    auto coarse = frozen.coarse_lists().in_memory();
    if (!coarse) return std::move(coarse).error();
    auto index = std::make_shared<GrowingIvf<C, Coarse>>(frozen.codec(), *std::move(coarse),
                                                         frozen.lengths().template as<float>());
    if (Status s = index->take_over(frozen); !s) return s;
    return index;
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory,
                 "no memory for a growing copy of " + std::to_string(frozen.size()) + " rows"};
}
/// The same with the finer codes of the rows.
template <class C, class Coarse, class Fine>
Result<std::shared_ptr<GrowingIvf<C, Coarse, Fine>>> thaw(const Refined<IvfIndex<C, Coarse>, Fine>& frozen) try {
    const IvfIndex<C, Coarse>& lists = frozen.inner();
    auto coarse = lists.coarse_lists().in_memory();
    if (!coarse) return std::move(coarse).error();
    auto index = std::make_shared<GrowingIvf<C, Coarse, Fine>>(lists.codec(), *std::move(coarse),
                                                               lists.lengths().template as<float>(), frozen.codec());
    if (Status s = index->take_over(frozen); !s) return s;
    return index;
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::out_of_memory,
                 "no memory for a growing copy of " + std::to_string(frozen.size()) + " rows"};
}

template <Codec C, SearchIndex Coarse, class Fine, class Reclaimer>
Status GrowingIvf<C, Coarse, Fine, Reclaimer>::take_over(const Frozen& frozen) {
    const IvfIndex<C, Coarse>& lists = [&]() -> const auto& {
        if constexpr (refined) {
            return frozen.inner();
        } else {
            return frozen;
        }
    }();
    const std::lock_guard books(books_);
    const Moment moment = epoch_.now() + 1;
    coming_ = frozen.size();
    for (std::size_t list = 0; list < lists_.lists(); ++list) {
        const auto [first, last] = lists.partition().rows_of(list);
        for (std::size_t row = first; row < last; ++row) {
            const Id id = frozen.ids().id(row);
            auto place = lists_.take(list);
            if (!place) return std::move(place).error();
            if (Status s = reserve_places(); !s) return s;
            if (id < 0 || places_.find(id) != no_row) {
                return Error{ErrorCode::corrupt,
                             "expected ids that are not negative, each once, got " + std::to_string(id)};
            }
            places_.expect(*place, id);
            std::memcpy(lists_.room(*place), lists.rows().code(row), codec_.code_size());
            if constexpr (refined) {
                std::memcpy(lists_.fine_room(*place), frozen.fine_rows().code(row), fine_.code_size());
            }
            settle(*place, moment);
            --coming_;
            next_id_.given(id);
        }
    }
    turn(moment);
    return {};
}

}  // namespace tonari
