// SPDX-License-Identifier: GPL-2.0-or-later
// snippets: what to paste into an IDE so that it debugs through `gdbdebug serve`.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "debugger/debugger.hpp"

namespace gdbdebug::client {

inline constexpr std::array<std::string_view, 5> kSnippets{"vscode", "dap", "clion", "emacs", "gdb"};

/// The snippet `name` (one of kSnippets): for Visual Studio Code's cppdbg, for a client of gdb's own DAP interface, for
/// CLion, for Emacs, and for gdb by hand. `address` is ADDRESS:PORT. An error if a name would become something else
/// there.
Result<std::string> snippet(std::string_view name, const Debugger& debugger, const Plan& plan,
                            const std::string& address);

}  // namespace gdbdebug::client
