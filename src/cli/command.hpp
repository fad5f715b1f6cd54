// One subcommand: its options, and what it does once they are read.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

namespace tonari::cli {

struct Command {
    CLI::App* app = nullptr;
    std::function<void()> run;
};

Command add_bench(CLI::App& tonari);
Command add_build(CLI::App& tonari);
Command add_search(CLI::App& tonari);
Command add_info(CLI::App& tonari);
Command add_verify(CLI::App& tonari);
Command add_convert(CLI::App& tonari);
Command add_generate(CLI::App& tonari);

/// The whole command line; the exit status of the process.
int run(int argc, const char* const* argv);

}  // namespace tonari::cli
