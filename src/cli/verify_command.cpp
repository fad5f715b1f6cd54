// tonari verify: is every byte of a segment file what was written?
#include <cstdio>
#include <memory>
#include <string>

#include <tonari/segment/segment.hpp>

#include "cli/command.hpp"
#include "cli/failure.hpp"
#include "cli/progress.hpp"
#include "cli/text.hpp"

namespace tonari::cli {

Command add_verify(CLI::App& tonari) {
    const auto path = std::make_shared<std::string>();
    CLI::App* app = tonari.add_subcommand("verify", "Read every byte of a segment file and compare every checksum");
    app->add_option("FILE", *path, "A segment file")->required();
    app->footer("Exit status 0: all is as it was written; 1: it is not, and the line says which section.");
    return {app, [path] {
                std::size_t bytes = 0;
                double seconds = 0;
                {
                    Progress progress("verifying " + *path);
                    const auto update = [&](std::size_t done, std::size_t total) {
                        bytes = total;
                        progress.update(done, total);
                    };
                    require(verify_segment(*path, update), *path);
                    seconds = progress.seconds();
                }
                const std::string read =
                    bytes == 0 ? std::string()
                               : human_bytes(static_cast<double>(bytes)) + " read in " + human_seconds(seconds) + ", ";
                std::printf("%s: ok, %severy checksum agrees\n", path->c_str(), read.c_str());
            }};
}

}  // namespace tonari::cli
