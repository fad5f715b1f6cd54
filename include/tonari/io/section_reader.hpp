// What a class sees of the file that it opens itself from. Everything was checked that the frame can tell; what the
// bytes of a section mean is for its class to check.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <tonari/core/bytes.hpp>
#include <tonari/core/export.hpp>
#include <tonari/core/result.hpp>
#include <tonari/io/format.hpp>
#include <tonari/io/section_writer.hpp>

namespace tonari {

/// A light handle; what it hands out keeps the file alive, it need not be kept itself.
///
///     static Result<Flat> Flat::open(const SectionReader& reader) {
///         auto record = reader.record<FlatRecord>("flat", 1);
///         if (!record) return record.error();
///         auto rows = reader.array<float>("rows", checked_count, 1);
///         ...
class TONARI_API SectionReader {
public:
    /// `frame` describes `file`; `verified` when every checksum was compared.
    SectionReader(std::shared_ptr<const Frame> frame, Bytes file, bool verified, std::string prefix = {},
                  std::size_t cache_bytes = 0)
        : frame_(std::move(frame)),
          file_(std::move(file)),
          verified_(verified),
          cache_bytes_(cache_bytes),
          prefix_(std::move(prefix)) {}

    [[nodiscard]] bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
    /// Whether any section stands below `prefix/`.
    [[nodiscard]] bool has_within(std::string_view prefix) const noexcept;
    /// The version that the file has of a section.
    [[nodiscard]] Result<std::uint32_t> version(std::string_view name) const;

    /// A section's bytes, if its version is one of [oldest, newest]: the versions that the caller reads.
    [[nodiscard]] Result<Bytes> section(std::string_view name, std::uint32_t oldest, std::uint32_t newest) const;
    [[nodiscard]] Result<Bytes> section(std::string_view name, std::uint32_t version = 1) const {
        return section(name, version, version);
    }

    /// A section that is `count` `T`s, neither more nor less; read it with `Bytes::as<T>()`.
    template <class T>
        requires std::is_trivially_copyable_v<T>
    [[nodiscard]] Result<Bytes> array(std::string_view name, std::uint64_t count, std::uint32_t oldest,
                                      std::uint32_t newest) const {
        static_assert(alignof(T) <= section_alignment);
        return sized(name, count, sizeof(T), oldest, newest);
    }
    template <class T>
    [[nodiscard]] Result<Bytes> array(std::string_view name, std::uint64_t count, std::uint32_t version = 1) const {
        return array<T>(name, count, version, version);
    }

    /// A section that is one struct.
    template <class T>
        requires std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T>
    [[nodiscard]] Result<T> record(std::string_view name, std::uint32_t version = 1) const {
        Result<Bytes> bytes = sized(name, 1, sizeof(T), version, version);
        if (!bytes) return std::move(bytes).error();
        T value;
        std::memcpy(&value, bytes->data(), sizeof(T));
        return value;
    }

    /// The same file, with every name below `prefix/`.
    [[nodiscard]] SectionReader within(std::string_view prefix) const;

    /// Whether the checksums were compared: only then may a class trust the numbers in its sections for memory safety.
    [[nodiscard]] bool verified() const noexcept { return verified_; }
    /// How much of what stays on disk may be kept in memory, where searches ask for it often.
    [[nodiscard]] std::size_t cache_bytes() const noexcept { return cache_bytes_; }

    /// "section 'coarse/graph'", for messages.
    [[nodiscard]] std::string describe(std::string_view name) const;
    /// An error `corrupt` about a section: "section 'x': ...".
    [[nodiscard]] Error corrupt(std::string_view name, std::string_view what) const;

private:
    [[nodiscard]] const SectionInfo* find(std::string_view name) const noexcept;
    [[nodiscard]] Result<Bytes> sized(std::string_view name, std::uint64_t count, std::size_t size_of_one,
                                      std::uint32_t oldest, std::uint32_t newest) const;

    std::shared_ptr<const Frame> frame_;
    Bytes file_;
    bool verified_;
    std::size_t cache_bytes_;
    std::string prefix_;  // "" or "a/b/"
};

/// A class that writes itself into sections and is opened from them. No half-opened one exists.
template <class T>
concept Stored = requires(const T t, SectionWriter& writer, const SectionReader& reader) {
    { t.save(writer) } -> std::same_as<Status>;
    { T::open(reader) } -> std::same_as<Result<T>>;
};

}  // namespace tonari
