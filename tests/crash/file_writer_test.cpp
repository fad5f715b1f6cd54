// Saving over an old file, with a fault at every single step: afterwards the path names the old file whole or the
// new one whole, never a third thing.
#include <tonari/io/file_writer.hpp>

#include <cstring>
#include <string>
#include <vector>

#include <tonari/io/file_reader.hpp>

#include "crash/simulated_disk.hpp"
#include "support/catch.hpp"

namespace {

using namespace tonari;
using test::Fault;
using test::SimulatedDisk;

const std::string path = "data/books.tnr";

/// A file whose bytes all depend on `seed`; larger than the writer's buffer, so that it is written in several steps.
Status save(SimulatedDisk& disk, std::uint64_t seed) {
    Result<FileWriter> writer = FileWriter::create(path, {}, disk);
    if (!writer) return writer.status();
    std::vector<std::uint64_t> rows(200'000);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = hash(seed, i);
    if (Status s = writer->sections().add_record("seed", 1, seed); !s) return s;
    if (Status s = writer->sections().add_array<std::uint64_t>("rows", 1, rows); !s) return s;
    if (Status s = writer->sections().begin("tail", 1); !s) return s;
    for (int i = 0; i < 10; ++i) {
        if (Status s = writer->sections().append(std::as_bytes(std::span(rows).first(10))); !s) return s;
    }
    if (Status s = writer->sections().end(); !s) return s;
    return writer->finish();
}

/// The seed of the file that is there, every byte of it compared.
Result<std::uint64_t> seed_of(SimulatedDisk& disk, Residency residency = Residency::map) {
    const Result<FileReader> reader = FileReader::open(path, residency, disk, Check::all);
    if (!reader) return reader.error();
    return reader->sections().record<std::uint64_t>("seed");
}

std::size_t steps_of_saving() {
    SimulatedDisk disk;
    save(disk, 1).value();
    const std::size_t before = disk.steps();
    save(disk, 2).value();
    return disk.steps() - before;
}

std::size_t leftovers(const SimulatedDisk& disk) {
    std::size_t count = 0;
    for (const std::string& name : disk.names()) count += name != path;
    return count;
}

}  // namespace

TEST_CASE("a power cut at any step leaves the old file or the new one") {
    const std::size_t steps = steps_of_saving();
    REQUIRE(steps >= 6);
    std::size_t old_seen = 0;
    std::size_t new_seen = 0;
    for (std::size_t cut = 0; cut <= steps; ++cut) {  // the last round: no fault during saving, power lost just after
        for (std::uint64_t draw = 0; draw < 24; ++draw) {
            CAPTURE(cut, draw);
            SimulatedDisk disk;
            save(disk, 1).value();
            disk.set_fault(Fault::power_cut, cut);
            const Status saved = save(disk, 2);
            CHECK(saved.ok() == (cut == steps));
            disk.recover(hash(cut, draw));

            const Result<std::uint64_t> seed = seed_of(disk);
            REQUIRE(seed.ok());
            CHECK((*seed == 1 || *seed == 2));
            if (saved.ok()) CHECK(*seed == 2);  // what was acknowledged stays
            (*seed == 1 ? old_seen : new_seen) += 1;

            // Life goes on: the next save works and clears away what the cut left behind.
            REQUIRE(save(disk, 3).ok());
            CHECK(seed_of(disk, Residency::load).value() == 3);
            CHECK(leftovers(disk) == 0);
        }
    }
    CHECK(old_seen > 0);
    CHECK(new_seen > 0);
}

TEST_CASE("the first save, cut at any step, leaves no file or a whole one") {
    const std::size_t steps = steps_of_saving();
    for (std::size_t cut = 0; cut <= steps; ++cut) {
        for (std::uint64_t draw = 0; draw < 8; ++draw) {
            CAPTURE(cut, draw);
            SimulatedDisk disk;
            disk.set_fault(Fault::power_cut, cut);
            const Status saved = save(disk, 1);
            disk.recover(hash(draw, cut));
            const Result<std::uint64_t> seed = seed_of(disk);
            if (saved.ok()) REQUIRE(seed.ok());
            if (seed.ok())
                CHECK(*seed == 1);
            else
                CHECK(seed.error().code == ErrorCode::not_found);
        }
    }
}

TEST_CASE("a disk that lies about syncing breaks the promise, and this test would notice") {
    bool broken = false;
    for (std::uint64_t draw = 0; draw < 50 && !broken; ++draw) {
        SimulatedDisk disk;
        save(disk, 1).value();
        disk.lie_about_sync();
        save(disk, 2).value();
        disk.recover(draw);
        const Result<std::uint64_t> seed = seed_of(disk);
        broken = !seed.ok() || *seed != 2;
    }
    CHECK(broken);
}

TEST_CASE("a full disk or a failing one leaves the old file and no litter") {
    const Fault fault = GENERATE(Fault::disk_full, Fault::io_error);
    const std::size_t steps = steps_of_saving();
    for (std::size_t at = 0; at < steps; ++at) {
        CAPTURE(static_cast<int>(fault), at);
        SimulatedDisk disk;
        save(disk, 1).value();
        disk.set_fault(fault, at);
        const Status saved = save(disk, 2);
        REQUIRE_FALSE(saved.ok());
        CHECK(saved.error().code == ErrorCode::io);

        const std::uint64_t expected = at + 1 == steps ? 2 : 1;  // the last step syncs the folder: the rename is done
        CHECK(seed_of(disk).value() == expected);
        CHECK(leftovers(disk) == 0);
    }
}

TEST_CASE("a writer that is dropped leaves everything as it was") {
    SimulatedDisk disk;
    save(disk, 1).value();
    {
        Result<FileWriter> writer = FileWriter::create(path, {}, disk);
        REQUIRE(writer.ok());
        REQUIRE(writer->sections().add_record("seed", 1, std::uint64_t{2}).ok());
    }
    CHECK(seed_of(disk).value() == 1);
    CHECK(leftovers(disk) == 0);
    CHECK(save(disk, 3).ok());  // the lock is free again
}

TEST_CASE("files of others beside it are left alone") {
    SimulatedDisk disk;
    for (const std::string& other : {path + ".tmp-1", path + ".tmp-x-1", path + ".tmp-1-",
                                     std::string("data/other.tnr.tmp-1-2"), path + ".lock2"}) {
        disk.put(other, {});
    }
    disk.put(path + ".tmp-123-0", {});
    save(disk, 1).value();
    CHECK(leftovers(disk) == 5);
}
