// GrowingIndex: the door of what changes. Rows, ids and shapes are checked here once.
#include <tonari/index/growing_index.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>

#include <tonari/index/growing_model.hpp>
#include <tonari/index/row_check.hpp>

namespace tonari {
namespace {

Status check_rows(const IndexModel& model, MatrixView rows, const Threads& threads) {
    if (rows.dim() != model.dim()) {
        return Error{ErrorCode::invalid_argument, "expected rows of " + std::to_string(model.dim()) +
                                                      " dimensions, as the index has, got " +
                                                      std::to_string(rows.dim())};
    }
    if (!model.accepts(rows.element())) {
        return Error{ErrorCode::invalid_argument, "expected " + std::string(name(model.element())) +
                                                      " rows, as the index takes, got " +
                                                      std::string(name(rows.element()))};
    }
    if (Status s = check_finite(rows, "rows", threads); !s) return s;
    if (Status s = check_storable(rows, model.element(), threads); !s) return s;
    if (model.metric() == MetricKind::cosine) return check_direction(rows, model.element(), "rows", threads);
    return {};
}

/// `check_ids` takes no ids for 0, 1, 2, ...: here they are meant.
Status check_given(std::span<const Id> ids, std::size_t rows) {
    if (ids.size() != rows) {
        return Error{ErrorCode::invalid_argument,
                     "expected one id per row, " + std::to_string(rows) + ", got " + std::to_string(ids.size())};
    }
    return check_ids(ids, rows);
}

/// Every id is in the index, or none is.
Status check_there(const GrowingModel& model, std::span<const Id> ids, bool there) {
    for (const Id id : ids) {
        if (model.contains(id) == there) continue;
        if (there) return Error{ErrorCode::not_found, "expected ids that the index holds, got " + std::to_string(id)};
        return Error{ErrorCode::already_exists, "expected ids that the index does not hold, got " + std::to_string(id) +
                                                    "; update it, or ask to replace"};
    }
    return {};
}

/// `replace` says what an id that is there means for `add` with ids; elsewhere it would be ignored.
Status check_no_replace(const AddOptions& options, const char* call) {
    if (!options.replace) return {};
    return Error{ErrorCode::invalid_argument,
                 std::string("expected no replace for ") + call + ", got replace = true; it goes with add(rows, ids)"};
}

Error no_memory(std::size_t rows) {
    return {ErrorCode::out_of_memory, "no memory to change " + std::to_string(rows) + " rows at once: try fewer"};
}

/// Puts rows in, several at a time. The first error ends it.
Status put_all(GrowingModel& model, MatrixView rows, const std::function<Id(std::size_t)>& id_of, PutMode mode,
               const AddOptions& options) {
    constexpr std::size_t piece = 8;
    std::atomic<bool> failed{false};
    std::mutex lock;
    Status first;
    std::size_t done = 0;
    parallel_for(options.threads, rows.rows(), piece, [&](std::size_t from, std::size_t to, unsigned worker) {
        for (std::size_t i = from; i < to && !failed; ++i) {
            Status status = model.put(rows.row(i), id_of(i), mode);
            if (status) continue;
            const std::lock_guard hold(lock);
            if (first) first = std::move(status);
            failed = true;
        }
        if (!options.progress) return;
        const std::lock_guard hold(lock);
        done += to - from;
        if (worker == 0 && done < rows.rows()) options.progress(done, rows.rows());
    });
    if (first && options.progress) options.progress(rows.rows(), rows.rows());
    return first;
}

}  // namespace

GrowingModel::~GrowingModel() = default;

GrowingIndex::GrowingIndex(std::shared_ptr<GrowingModel> model) : model_(std::move(model)) {}

Status GrowingIndex::put(MatrixView rows, std::span<const Id> ids, bool must_exist, const AddOptions& options) try {
    if (Status s = check_rows(*model_, rows, options.threads); !s) return s;
    if (Status s = check_given(ids, rows.rows()); !s) return s;
    if (!options.replace) {
        if (Status s = check_there(*model_, ids, must_exist); !s) return s;
    }
    const PutMode mode = must_exist ? PutMode::update : options.replace ? PutMode::replace : PutMode::add;
    return put_all(*model_, rows, [ids](std::size_t i) { return ids[i]; }, mode, options);
} catch (const std::bad_alloc&) {
    return no_memory(rows.rows());
}

Status GrowingIndex::add(MatrixView rows, std::span<const Id> ids, const AddOptions& options) {
    return put(rows, ids, false, options);
}
Status GrowingIndex::update(MatrixView rows, std::span<const Id> ids, const AddOptions& options) {
    if (Status s = check_no_replace(options, "update"); !s) return s;
    return put(rows, ids, true, options);
}

Result<Id> GrowingIndex::add(MatrixView rows, const AddOptions& options) try {
    if (Status s = check_no_replace(options, "rows that are numbered"); !s) return s;
    if (Status s = check_rows(*model_, rows, options.threads); !s) return s;
    auto first = model_->reserve_ids(rows.rows());
    if (!first) return std::move(first).error();
    const auto id_of = [&](std::size_t i) { return *first + static_cast<Id>(i); };
    if (Status s = put_all(*model_, rows, id_of, PutMode::add, options); !s) return s;
    return *first;
} catch (const std::bad_alloc&) {
    return no_memory(rows.rows());
}

Status GrowingIndex::remove(std::span<const Id> ids) try {
    if (ids.empty()) return {};
    if (Status s = check_ids(ids, ids.size()); !s) return s;
    if (Status s = check_there(*model_, ids, true); !s) return s;
    for (const Id id : ids) {
        if (Status s = model_->remove(id); !s) return s;
    }
    return {};
} catch (const std::bad_alloc&) {
    return no_memory(ids.size());
}

Status GrowingIndex::put(RowView row, Id id, PutMode mode) {
    if (Status s = check_rows(*model_, MatrixView(row.data(), 1, row.dim(), row.element()), {}); !s) return s;
    if (id < 0)
        return Error{ErrorCode::invalid_argument, "expected an id that is not negative, got " + std::to_string(id)};
    return model_->put(row, id, mode);
}
Status GrowingIndex::add(RowView row, Id id, bool replace) {
    return put(row, id, replace ? PutMode::replace : PutMode::add);
}
Status GrowingIndex::update(RowView row, Id id) { return put(row, id, PutMode::update); }
Status GrowingIndex::remove(Id id) { return model_->remove(id); }

std::size_t GrowingIndex::size() const noexcept { return model_->size(); }
bool GrowingIndex::contains(Id id) const { return model_->contains(id); }
Index GrowingIndex::index() const { return Index(model_); }
Result<Index> GrowingIndex::freeze() const { return model_->freeze(); }
bool GrowingIndex::tidy() { return model_->tidy(); }
Result<bool> GrowingIndex::compact(const std::function<void(std::size_t, std::size_t)>& progress) {
    return model_->compact(progress);
}
Result<GrowingHealth> GrowingIndex::health() const { return model_->health(); }

}  // namespace tonari
