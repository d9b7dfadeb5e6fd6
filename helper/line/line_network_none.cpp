// SPDX-License-Identifier: GPL-2.0-or-later
// line_network_none: the helper of an image that was built without lines=net and ssh.
#include "line/line_network.hpp"

namespace gdbdebug {

// cppcheck-suppress constParameter ; as line_network.cpp needs it
// cppcheck-suppress constParameterReference ; the same, as cppcheck 2.17 calls it
Status open_network_line(const Request& request, Modules& modules, std::string_view, NetworkLine&) {
  static Text<400> reason("the image was built with lines=\"");  // an error's texts must outlive it
  reason.add(modules.lines()).add("\" in /etc/gdbdebug.conf; build it with lines=net, or ssh");
  return Error{"opening the line", request.line.text, 0, reason.c_str()};
}

Status pass_to_ssh(UniqueFd) {
  return Done{};
}
void reap_ssh() {
}
std::optional<int> run_network_tool(int, char**) {
  return std::nullopt;
}

}  // namespace gdbdebug
