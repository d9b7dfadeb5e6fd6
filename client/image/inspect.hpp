// SPDX-License-Identifier: GPL-2.0-or-later
// inspect: what an image has of gdbdebug, and what it lacks. Looks at the image and at nothing else, except for the
// list of drivers that are built into the kernel, which few images carry.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/layout.hpp"
#include "image/elf.hpp"
#include "image/image.hpp"

namespace gdbdebug::client {

/// The real init: what PID 1 becomes.
struct RealInit {
  std::string name;     ///< Where it is looked for: layout::kRealInit, or /init in an image without the helper.
  std::string file;     ///< Where that leads, links followed; empty if to nothing.
  std::string program;  ///< What the kernel runs: the file itself, or a script's interpreter.
  bool script = false;
  std::optional<Elf> elf;          ///< Of the program.
  std::vector<Library> libraries;  ///< The program's.
};

/// Finds the real init of an image, with the helper in it or without.
RealInit find_real_init(const Files& files);

/// Whether the file at /init is gdbdebug's helper: an ELF file with the name of the parameter in it.
bool has_helper(const Files& files);
/// Whether an overlay is beside the image: its helper is an ELF file with the name of the parameter in it.
bool has_overlay(const Files& files);
/// Whether that helper is the agent too, as gdbdebug 0.1 made it: it names no other program.
bool has_one_program(const Files& files);

/// One kind of line, by its word in gdbdebug.conf.
struct LineFacts {
  std::string word;
  bool works = false;
  bool wanted = false;  ///< The image's configuration asks for it.
  bool known = true;    ///< False: it depends on what the kernel has built in, and nobody here knows that.
  std::string why;      ///< "8250 is built into the kernel", "no usbserial in the image"
};

/// The kernel's drivers, by the names that modprobe knows them by: _ for -, no suffix.
struct Drivers {
  std::map<std::string, std::string> modules;  ///< Name to path, in the image.
  std::vector<std::string> aliases;            ///< The patterns of modules.alias, which modprobe takes too.
  std::set<std::string> built_in;
  bool built_in_known = false;
};

struct Facts {
  bool helper = false;   ///< In the image or in an overlay.
  bool overlay = false;  ///< The kernel must be told rdinit=/gdbdebug/init to run it.
  std::string helper_build_id;
  std::string helper_machine;
  bool one_program = false;  ///< As gdbdebug 0.1 made it: the helper is the agent too.
  RealInit real_init;
  std::vector<std::string> manifest;
  std::string gdbserver;  ///< Its path; empty without one.
  std::string gdbserver_build_id;
  std::vector<Library> libraries;  ///< gdbserver's.
  std::string thread_db;           ///< Path of libthread_db; empty without one.
  std::string default_value;       ///< Of a bare rd.gdbdebug.
  std::vector<LineFacts> lines;
  Drivers drivers;
  std::uint64_t growth = 0;           ///< Bytes of files that nothing but gdbdebug needs, unpacked.
  int x86_level = 0;                  ///< Of the processor that the real init and gdbserver need, x86-64-vN; 0: any.
  std::vector<std::string> faults;    ///< What keeps rd.gdbdebug= from working; each says what to do.
  std::vector<std::string> broken;    ///< What keeps the real init from running: a debugger can still look at that.
  std::vector<std::string> warnings;  ///< What takes something away from it.
};

/// Drivers built into the kernel `version`, as modules.builtin lists them, one path a line; nothing if nobody knows.
using BuiltIn = std::function<std::optional<std::string>(const std::string& version)>;

/// This machine's /lib/modules/VERSION/modules.builtin.
std::optional<std::string> built_in_here(const std::string& version);

/// Whether `modprobe NAME` can find something in the image, or has nothing to do.
bool has_module(const Drivers& drivers, std::string_view name);

Facts inspect(const Image& image, const BuiltIn& built_in);

}  // namespace gdbdebug::client
