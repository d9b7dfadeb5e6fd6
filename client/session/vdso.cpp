// SPDX-License-Identifier: GPL-2.0-or-later
// vdso: see vdso.hpp.
#include "session/vdso.hpp"

#include "core/base/text.hpp"
#include "session/payload.hpp"

namespace gdbdebug::client {

Step Vdso::on_request(std::string_view request) {
  constexpr std::string_view kOurs = "7ffffff0";  // no descriptor of gdbserver's
  if (!request.starts_with("vFile:")) return Step::pass();
  auto rest = request.substr(std::string_view("vFile:").size());
  const auto verb = take_word(rest, ':');
  const auto first = take_word(rest, ',');
  if (verb == "open" && !whole_) {
    const auto name = bytes_of_hex(first).value_or("");
    if (!name.starts_with("/proc/") || name.find("/task/") == std::string::npos || !name.ends_with("/maps"))
      return Step::pass();
    return Step::answer("F" + std::string(kOurs));
  }
  if (first != kOurs) return Step::pass();
  return Step::answer(verb == "pread" ? "F0;" : verb == "close" ? "F0" : "F-1,16");  // 0x16: EINVAL
}

std::string Vdso::without(std::string_view request, std::string_view reply) const {
  constexpr std::string_view kEnd = "/>";
  std::string text(reply);
  // Only of a list that came in one piece: where the next would begin is counted in the bytes that came before.
  if (whole_ || !reply.starts_with('l') || !request.starts_with("qXfer:libraries-svr4:read:") ||
      request.find(":0,") == std::string_view::npos)
    return text;
  for (const auto* name : {"<library name=\"linux-vdso", "<library name=\"linux-gate"}) {
    const auto begin = text.find(name);
    const auto end = begin == std::string::npos ? begin : text.find(kEnd, begin);
    if (end != std::string::npos) text.erase(begin, end + kEnd.size() - begin);
  }
  return text;
}

}  // namespace gdbdebug::client
