// SPDX-License-Identifier: GPL-2.0-or-later
// The hello as the helper writes it: one line, without what gdb would read as a packet, and the host command reads the
// same values out of it.
#include "core/words/hello.hpp"

#include <string>

#include "base/words.hpp"
#include "fuzz.hpp"
#include "wire/greeting.hpp"

using namespace gdbdebug;

FUZZ(hello) {
  auto rest = input;
  const auto exe = take_word(rest, '\n');
  const auto build_id = take_word(rest, '\n');
  const auto line = compose_hello({"0.1.0", "held", exe, build_id, "x86_64"});
  const auto text = line.view();
  CHECK(text.find_first_of("$%+-#\003") == std::string_view::npos);
  // What is given is hexadecimal digits; a longer line could be cut.
  if (build_id.find_first_not_of("0123456789abcdef") != std::string_view::npos) return;
  CHECK(text.ends_with("\r\n") && text.find('\n') == text.size() - 1);
  const auto greeting = client::read_greeting(text.substr(0, text.size() - 2));
  CHECK(greeting);
  CHECK(greeting->state == "held" && greeting->machine == "x86_64" && greeting->build_id == build_id.substr(0, 64));
  const auto name = exe.substr(0, 200);
  CHECK(greeting->exe == (client::has_control(name) ? std::string_view() : name));
}
