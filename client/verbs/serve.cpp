// SPDX-License-Identifier: GPL-2.0-or-later
// serve: the verb that gives an IDE the target's line as a port of this machine.
#include <cstdio>

#include "base/interrupt.hpp"
#include "core/base/text.hpp"
#include "debugger/snippets.hpp"
#include "session/session.hpp"
#include "verbs/attach.hpp"

namespace gdbdebug::client {
namespace {

// `PORT` or `ADDRESS:PORT`, an IPv6 address in brackets.
Result<Listener> listen_on(const std::string& text) {
  std::string_view rest = text;
  std::string address = "127.0.0.1";
  if (const auto colon = rest.rfind(':'); colon != std::string_view::npos) {
    address = rest.substr(0, colon);
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    rest.remove_prefix(colon + 1);
  }
  const auto port = parse_number<std::uint16_t>(rest);
  if (!port) {
    return Error{"listening on", text, "this is neither PORT nor ADDRESS:PORT", "2345 is one, 0 lets the system choose",
                 Exit::usage};
  }
  return Listener::on_port(address, *port);
}

}  // namespace

Result<int> run_serve(const AttachOptions& options, const std::string& listen,
                      const std::vector<std::string>& snippets) {
  catch_interrupts();
  const auto target = parse_target(options.target);
  if (!target.ok()) return target.error();
  auto listener = listen_on(listen);
  if (!listener.ok()) return listener.error();
  Display display;
  const auto symbols = find_symbols(options.initrd, options.sysroot, options.limits, display);
  if (!symbols.ok()) return symbols.error();
  auto arrival =
      await_target(target.value(), {kAdvice, options.timeout, options.crashed, {}, options.process}, display);
  display.clear();
  if (!arrival.ok()) return arrival.error();

  const auto program = compare(arrival.value().greeting, symbols.value(), display);
  const auto machine = arrival.value().greeting ? arrival.value().greeting->machine : "";
  // The debugger may be on another machine: then its name is a guess, and the first connection fetches a description.
  const auto found = find_debugger(options.debugger, machine);
  const auto debugger = found.ok() ? found.value() : Debugger{Debugger::Kind::gdb, "gdb", 0};
  const auto plan = make_plan(options, symbols.value(), arrival.value().greeting, program, debugger.kind, display);
  for (const auto& name : snippets) {
    const auto text = snippet(name, debugger, plan, listener.value().name());
    if (!text.ok()) return text.error();
    std::printf("%s\n", text.value().c_str());
  }
  std::fflush(stdout);
  display.say(
      "serving '" + target.value().text + "' on " + listener.value().name() +
      (snippets.empty() ? "; `target remote " + listener.value().name() + "` in gdb, or --snippet for an IDE" : "") +
      "; Ctrl-C ends it");

  auto knowledge = know(options, arrival.value().greeting, symbols.value(), program);
  if (found.ok()) knowledge.descriptions.more = [&] { return make_descriptions(debugger, machine); };
  Session session{target.value(), std::move(arrival.value().wire), listener.value(), knowledge, display};
  // An IDE shows the text as a debugger gives it; where it is wanted elsewhere, it goes there.
  Console console;
  const auto& greeting = arrival.value().greeting;
  if (greeting && greeting->wire == "shared" && !options.console_to.empty()) {
    if (auto opened = console.open(options.console_to); !opened.ok()) return opened.error();
    session.console = &console;
  }
  const auto status = run_session(session);
  if (options.stats) {
    display.say(std::to_string(session.traffic.from_target) + " bytes came from the target, " +
                std::to_string(session.traffic.to_target) + " went to it");
  }
  return status;
}

}  // namespace gdbdebug::client
