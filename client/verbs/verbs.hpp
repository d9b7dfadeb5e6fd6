// SPDX-License-Identifier: GPL-2.0-or-later
// verbs: what the verbs of gdbdebug are given, and the functions that carry them out. Each returns its exit status, or
// the error to tell.
#pragma once

#include <string>
#include <vector>

#include "image/image.hpp"

namespace gdbdebug::client {

struct SysrootOptions {
  std::vector<std::string> image;  ///< Its files, in boot order, as everywhere below.
  std::string directory;
  Limits limits;
};
Result<int> run_sysroot(const SysrootOptions& options);

struct CheckOptions {
  std::vector<std::string> image;  ///< None: only the command line is looked at.
  std::string cmdline;             ///< A kernel command line, or the value of rd.gdbdebug alone; empty: only the image.
  bool json = false;
  Limits limits;
};
Result<int> run_check(const CheckOptions& options);

struct AttachOptions {
  std::string target;
  std::vector<std::string> initrd;
  std::string sysroot;
  std::string debugger;  ///< Empty: found by itself.
  std::vector<std::string> debugger_arguments;
  std::vector<std::string> debug_dirs;
  std::vector<std::string> breaks;
  bool main = false;
  bool crashed = false;  ///< Wait until PID 1 is held because it was about to die.
  std::string process;   ///< Wait until this one is held, a number or the name of a program; empty: any.
  int timeout = 0;       ///< Seconds to wait for the target; 0: no limit.
  bool stats = false;
  bool whole_vdso = false;
  bool verbose = false;
  std::string console_to;  ///< Where the console's text of one wire goes; empty: to the debugger.
  Limits limits;
};
Result<int> run_attach(const AttachOptions& options);

/// Serves the target's line on `listen`, PORT or ADDRESS:PORT, and prints these snippets.
Result<int> run_serve(const AttachOptions& options, const std::string& listen,
                      const std::vector<std::string>& snippets);

struct ReportOptions {
  std::string log;  ///< `-` for standard input.
  std::vector<std::string> initrd;
  std::string sysroot;
  std::vector<std::string> debug_dirs;
  std::string core;  ///< Where to write the core of the log; empty: nowhere.
  bool json = false;
  Limits limits;
};
Result<int> run_report(const ReportOptions& options);

struct ConsoleOptions {
  std::string target;
  std::string socket;  ///< For a debugger; empty: one that is told.
};
Result<int> run_console(const ConsoleOptions& options);

struct PsOptions {
  std::string target;
  int timeout = 0;  ///< As above.
  bool json = false;
};
Result<int> run_ps(const PsOptions& options);

struct VmOptions {
  AttachOptions attach;             ///< Without a target; its initrd is what is booted.
  std::string kernel;               ///< Empty, and so is initrd: the newest of this machine.
  std::string overlay;              ///< Loaded behind an image without gdbdebug; empty: it is made.
  std::vector<std::string> append;  ///< More words for the kernel command line.
  std::string value;                ///< Of rd.gdbdebug=; empty: the machine's line, and wait.
  std::string accel = "auto";       ///< auto, kvm or tcg.
  std::string memory = "1G";
  std::string console;  ///< A file; empty: one that goes away at the end.
  std::string socket;   ///< Likewise.
  std::string qemu;     ///< The program; empty: the one for the image's machine.
  std::vector<std::string> qemu_arguments;
  bool one_wire = false;  ///< The console's port is the debug line.
  bool no_debugger = false;
  bool keep = false;  ///< Go on when the debugger has ended, until the machine does.
};
Result<int> run_vm(const VmOptions& options);

/// Opens /dev/null for whichever of the descriptors 0 to 2 is closed, so that no file of ours takes its number.
void hold_standard_descriptors();

}  // namespace gdbdebug::client
