// The `tonari` command. Everything it does is in the files beside this one.
#include "cli/command.hpp"

int main(int argc, char** argv) { return tonari::cli::run(argc, argv); }
