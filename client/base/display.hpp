// SPDX-License-Identifier: GPL-2.0-or-later
// display: what the command is doing right now, on standard error: one line that changes on a terminal, a line for each
// change where there is none.
#pragma once

#include <chrono>
#include <string>

namespace gdbdebug::client {

class Display {
 public:
  Display();
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;
  ~Display() { clear(); }

  /// What is going on now. On a terminal the time since then is shown with it, as often as this is called.
  void doing(const std::string& what);
  /// Something worth keeping: a line of its own.
  void say(const std::string& what);
  /// Takes the changing line away.
  void clear();

 private:
  bool terminal_;
  bool shown_ = false;
  std::string what_;
  std::chrono::steady_clock::time_point since_;
};

}  // namespace gdbdebug::client
