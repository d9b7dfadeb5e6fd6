// SPDX-License-Identifier: GPL-2.0-or-later
// gdbdebug: the host command. Reads its command line, and hands over to the verb.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "interrupt.hpp"
#include "verbs.hpp"

namespace {

using namespace gdbdebug::client;

constexpr const char* kFooter =
    "gdbdebug(1) explains each of them, and gdbdebug.cmdline(7) what the target's kernel command line can say.";

// Sizes as people write them: 512M, 4G. CLI11 turns them into bytes.
CLI::Option* add_max_size(CLI::App& verb, std::uint64_t& bytes) {
  return verb.add_option("--max-size", bytes, "Refuse an image that unpacks to more than this (1G unless told)")
      ->transform(CLI::AsSizeValue(false))
      ->type_name("SIZE");
}

void add_sysroot(CLI::App& app, SysrootOptions& options) {
  auto* verb = app.add_subcommand("sysroot", "Unpack an initramfs of any generator and compression");
  verb->add_option("IMAGE", options.image, "The initramfs, or a UKI that has one")->required();
  verb->add_option("DIR", options.directory, "Where to: a directory that is empty or does not exist yet")->required();
  add_max_size(*verb, options.limits.unpacked);
}

void add_check(CLI::App& app, CheckOptions& options) {
  auto* verb = app.add_subcommand("check", "Say what is in an image and what is missing");
  verb->add_option("IMAGE", options.image, "The initramfs, or a UKI that has one")->required();
  verb->add_flag("--json", options.json, "For programs: one line of JSON");
  add_max_size(*verb, options.limits.unpacked);
}

int tell(const Error& error) {
  std::fprintf(stderr, "gdbdebug: %s\n", error.text().c_str());
  return static_cast<int>(error.code);
}

// The verb's own exit status, or that of the error it ended with.
int finish(const Result<int>& result) {
  return result.ok() ? result.value() : tell(result.error());
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_descriptors();
  CLI::App app("Debug PID 1 of an initramfs from its very first instruction", "gdbdebug");
  app.set_version_flag("--version", "gdbdebug " GDBDEBUG_VERSION);
  app.require_subcommand(1);
  app.footer(kFooter);

  SysrootOptions sysroot;
  add_sysroot(app, sysroot);
  CheckOptions check;
  add_check(app, check);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "gdbdebug: %s; `gdbdebug --help` lists the verbs, `gdbdebug VERB --help` their options\n",
                 error.what());
    return static_cast<int>(Exit::usage);
  }

  if (app.got_subcommand("sysroot")) return finish(run_sysroot(sysroot));
  if (app.got_subcommand("check")) return finish(run_check(check));
  return static_cast<int>(Exit::usage);
}
