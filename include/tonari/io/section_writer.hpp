// What a class sees of the file that it saves itself into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/io/format.hpp>

namespace tonari {

/// Where sections go: a `FileWriter`, or a test's.
class TONARI_API SectionSink {
public:
    SectionSink() = default;
    SectionSink(const SectionSink&) = delete;
    SectionSink& operator=(const SectionSink&) = delete;
    virtual ~SectionSink();

    [[nodiscard]] virtual Status begin(const std::string& name, std::uint32_t version, std::size_t alignment) = 0;
    [[nodiscard]] virtual Status append(std::span<const std::byte> bytes) = 0;
    [[nodiscard]] virtual Status end() = 0;
};

/// A light handle, passed by reference to `save(SectionWriter&)`. One section is open at a time. The writer must
/// not outlive its file.
///
///     Status Flat::save(SectionWriter& writer) const {
///         if (Status s = writer.add_record("flat", 1, FlatRecord{...}); !s) return s;
///         return writer.add("rows", 1, rows_.span());
///     }
class TONARI_API SectionWriter {
public:
    explicit SectionWriter(SectionSink& sink, std::string prefix = {}) : sink_(&sink), prefix_(std::move(prefix)) {}

    /// A whole section. From 64 KiB on it starts a page.
    [[nodiscard]] Status add(std::string_view name, std::uint32_t version, std::span<const std::byte> bytes);

    /// A whole section of `T`s.
    template <class T>
        requires std::is_trivially_copyable_v<T>
    [[nodiscard]] Status add_array(std::string_view name, std::uint32_t version, std::span<const T> values) {
        return add(name, version, std::as_bytes(values));
    }

    /// A section of one struct. Its layout is the format: fixed-width members, no padding, no bool, no size_t.
    template <class T>
        requires std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T>
    [[nodiscard]] Status add_record(std::string_view name, std::uint32_t version, const T& record) {
        return add(name, version, std::as_bytes(std::span(&record, 1)));
    }

    /// A section whose bytes come piece by piece. A page is the right alignment for whatever may grow large.
    [[nodiscard]] Status begin(std::string_view name, std::uint32_t version, std::size_t alignment = page_size);
    [[nodiscard]] Status append(std::span<const std::byte> bytes) { return sink_->append(bytes); }
    [[nodiscard]] Status end() { return sink_->end(); }

    /// The same file, with every name below `prefix/`: for a part that saves itself ("coarse/graph").
    [[nodiscard]] SectionWriter within(std::string_view prefix) const;

private:
    SectionSink* sink_;
    std::string prefix_;  // "" or "a/b/"
};

}  // namespace tonari
