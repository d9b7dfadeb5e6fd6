// SPDX-License-Identifier: GPL-2.0-or-later
// ps: the verb that lists the processes that a target holds.
#include <cstdio>

#include "base/display.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "base/words.hpp"
#include "core/base/text.hpp"
#include "verbs/attach.hpp"

namespace gdbdebug::client {
namespace {

std::string in_words(const std::string& why) {
  if (why == "start") return "at its first instruction";
  if (why == "end") return "where it would have died";
  if (why == "debugger") return "where a debugger left it";
  return why;
}

unsigned long number(const std::string& digits) {
  return parse_number<std::uint32_t>(digits).value_or(0);
}

void print_json(const Greeting& greeting) {
  Json json;
  json.open('{').key("version").value(greeting.version).key("next").open('{');
  json.key("pid").value(number(greeting.pid)).key("state").value(greeting.state).key("exe").value(greeting.exe);
  json.close('}').key("held").open('[');
  for (const auto& held : greeting.held) {
    json.open('{').key("pid").value(number(held.pid)).key("name").value(held.name).key("why").value(held.why);
    json.close('}');
  }
  json.close(']').close('}');
  std::printf("%s\n", json.text().c_str());
}

void print_list(const Greeting& greeting) {
  if (greeting.held.empty()) {
    const bool runs = greeting.state == "running";
    std::printf("nothing is held; PID %s %s\n", greeting.pid.c_str(), runs ? "runs" : ("is " + greeting.state).c_str());
  }
  for (const auto& held : greeting.held) {
    const bool next = held.pid == greeting.pid;
    std::printf("%-7s %-15s held %s%s\n", held.pid.c_str(), printable(held.name).c_str(), in_words(held.why).c_str(),
                next ? "; it is the next debugger's" : "");
  }
}

}  // namespace

Result<int> run_ps(const PsOptions& options) {
  catch_interrupts();
  const auto target = parse_target(options.target);
  if (!target.ok()) return target.error();
  Display display;
  const auto arrival = await_target(target.value(), {kAdvice, options.timeout, false, {}}, display);
  display.clear();
  if (!arrival.ok()) return arrival.error();
  const auto& greeting = arrival.value().greeting;
  if (!greeting) {
    return Error{"asking what is held on", options.target, "a gdbserver answers that is not gdbdebug's",
                 "it has one process, which a debugger gets"};
  }
  if (options.json) {
    print_json(*greeting);
  } else {
    print_list(*greeting);
  }
  return 0;
}

}  // namespace gdbdebug::client
