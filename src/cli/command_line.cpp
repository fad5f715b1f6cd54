// The command line as a whole: subcommands, --help, --version, and one line on stderr for whatever goes wrong.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include <tonari/simd/level.hpp>
#include <tonari/version.hpp>

#include "cli/command.hpp"
#include "cli/failure.hpp"

namespace tonari::cli {
namespace {

int say(Exit code, std::string message) {
    for (char& c : message) {
        if (c == '\n' || c == '\r') c = ' ';
    }
    std::fprintf(stderr, "tonari: %s\n", message.c_str());
    return static_cast<int>(code);
}

/// "tonari bench" for the subcommand that was being read, for "see ... --help".
std::string where(const CLI::App& tonari) {
    const auto chosen = tonari.get_subcommands();
    return chosen.empty() ? std::string("tonari") : "tonari " + chosen.front()->get_name();
}

/// Options that count something take digits: else a -3 becomes a number of twenty digits, a number too long for 64 bits
/// the largest that fits them, and 010 is read as octal.
void check_whole_numbers(CLI::App& command) {
    const CLI::Validator whole(
        [](std::string& text) -> std::string {
            std::uint64_t value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            if (end != text.data() + text.size() || error == std::errc::invalid_argument) {
                return "expected a whole number of 0 or more, got " + text;
            }
            if (error != std::errc{}) return "expected a whole number below 2^64, got " + text;
            text = std::to_string(value);
            return {};
        },
        "");
    for (CLI::Option* option : command.get_options()) {
        const std::string type = option->get_type_name();
        if (type == "UINT" || type == "N" || type == "LIST") option->transform(whole);
        if (type == "UINT") option->type_name("N");
    }
}

int dispatch(const std::vector<Command>& commands) {
    for (const Command& command : commands) {
        if (!command.app->parsed()) continue;
        require(simd::check_level());
        command.run();
        // A full disk or a closed pipe shows only when the last of it is written.
        if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
            fail_world("standard output: expected to write to it, got an error; is the disk full?");
        }
    }
    return 0;
}

}  // namespace

int run(int argc, const char* const* argv) {
    CLI::App tonari("tonari: nearest-neighbour search on vectors, built, measured and looked into from the shell.\n",
                    "tonari");
    tonari.require_subcommand(1);
    tonari.set_version_flag("--version", std::string("tonari ") + std::string(version()), "Print the version and exit");
    tonari.get_formatter()->column_width(38);
    tonari.footer(
        "Try:  tonari bench generated:n=100000,d=128 --index Flat --index HNSW32 --html bench.html\n"
        "More: tonari COMMAND --help\n"
        "Exit status: 0 done, 1 the files or the machine would not, 2 the arguments make no sense.");
    const std::vector<Command> commands = {add_bench(tonari),   add_build(tonari),  add_search(tonari),
                                           add_info(tonari),    add_verify(tonari), add_convert(tonari),
                                           add_generate(tonari)};
    for (const Command& command : commands) check_whole_numbers(*command.app);
    try {
        tonari.parse(argc, argv);
        return dispatch(commands);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return tonari.exit(error);  // --help, --version
        if (tonari.get_subcommands().empty() && argc > 1 && argv[1][0] != '-') {
            std::string known;
            for (const Command& command : commands) known += (known.empty() ? "" : ", ") + command.app->get_name();
            return say(Exit::arguments,
                       "expected a command, one of " + known + ", got '" + argv[1] + "'; see 'tonari --help'");
        }
        return say(Exit::arguments, std::string(error.what()) + "; see '" + where(tonari) + " --help'");
    } catch (const Failure& failure) {
        return say(failure.code, failure.message);
    } catch (const std::bad_alloc&) {
        return say(Exit::world, "memory: expected more of it, got none; use fewer rows (--rows) or a larger machine");
    } catch (const std::exception& error) {
        return say(Exit::world, error.what());
    }
}

}  // namespace tonari::cli
