// SPDX-License-Identifier: GPL-2.0-or-later
// arriving: how far the records of a log are that is still being written. Pure: text in, value out.
//
//   kNothing --> kReport --> kReportEnded --> kCore --> kCoreEnded
//                kHang   --> kHangEnded ------^
//
// kNothing      no record has come.
// kReport       the crash report is being written; kHang: that of a boot that hangs.
// kReportEnded  its last line is here, and so is that of kHangEnded: a core may follow.
// kCore         a core is being written.
// kCoreEnded    its last line is here, and nothing follows.
//
// Lines are lost, and the first records can be those of a core: what comes next always counts.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gdbdebug::client {

class Arriving {
 public:
  enum class State : std::uint8_t { kNothing, kReport, kReportEnded, kHang, kHangEnded, kCore, kCoreEnded };

  /// What has come, in parts of any length. Whether a record was in it.
  bool take(std::string_view bytes);
  [[nodiscard]] State state() const { return state_; }
  /// After so long without another record none is to be expected; nothing: any time.
  [[nodiscard]] std::optional<std::chrono::milliseconds> patience() const;

 private:
  bool take_line(std::string_view line);

  State state_ = State::kNothing;
  std::string line_;  ///< what there is of the last one
};

}  // namespace gdbdebug::client
