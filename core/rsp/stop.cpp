// SPDX-License-Identifier: GPL-2.0-or-later
// stop: see stop.hpp.
#include "core/rsp/stop.hpp"

#include "core/base/text.hpp"

namespace gdbdebug {

bool is_fatal(unsigned gdb_signal) {
  switch (gdb_signal) {
    case kGdbSigquit:
    case kGdbSigill:
    case kGdbSigtrap:
    case kGdbSigabrt:
    case kGdbSigfpe:
    case kGdbSigbus:
    case kGdbSigsegv:
    case kGdbSigsys:
      return true;
    default:
      return false;
  }
}

std::optional<Stop> parse_stop(std::string_view payload) {
  if (payload.size() < 3 || (payload.front() != 'T' && payload.front() != 'S')) return std::nullopt;
  const int high = hex_value(payload[1]);
  const int low = hex_value(payload[2]);
  if (high < 0 || low < 0) return std::nullopt;
  Stop stop;
  stop.signal = static_cast<unsigned>(high * 16 + low);
  if (payload.front() == 'S') return stop;
  for (auto rest = payload.substr(3); !rest.empty();) {
    auto pair = take_word(rest, ';');
    const auto name = take_word(pair, ':');
    for (const std::string_view event : {"exec", "fork", "vfork", "vforkdone", "syscall_entry", "syscall_return",
                                         "create", "library", "watch", "rwatch", "awatch", "swbreak", "hwbreak"}) {
      if (name == event) {
        stop.event = name;
        stop.value = pair;
      }
    }
    // `p1.1` with the multiprocess extensions, `1` without them.
    if (name == "thread") {
      stop.thread = parse_number<unsigned>(pair.substr(pair.find('.') + 1), 16).value_or(1);
      if (pair.starts_with('p')) stop.process = parse_process(pair);
    }
  }
  return stop;
}

std::optional<unsigned> parse_end(std::string_view payload) {
  if (!payload.starts_with('W') && !payload.starts_with('X')) return std::nullopt;
  // gdbserver writes no leading zero.
  if (!parse_number<unsigned>(payload.substr(1, payload.find(';') - 1), 16)) return std::nullopt;
  constexpr std::string_view kProcess = ";process:";
  const auto at = payload.find(kProcess);
  if (at == std::string_view::npos) return 1;
  return parse_number<unsigned>(payload.substr(at + kProcess.size()), 16).value_or(0);
}

unsigned parse_process(std::string_view id) {
  if (id.starts_with('p')) id.remove_prefix(1);
  return parse_number<unsigned>(id.substr(0, id.find('.')), 16).value_or(0);
}

}  // namespace gdbdebug
