// SPDX-License-Identifier: GPL-2.0-or-later
// modules: loads the kernel modules that a line needs, with the image's own modprobe in the image's own root, the way
// udev's coldplug would: by the modaliases in sysfs, but only of the buses and classes that the line can be on.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/fd.hpp"
#include "core/base/result.hpp"
#include "core/base/text.hpp"
#include "core/request/request.hpp"

namespace gdbdebug {

/// Where kernel modules come from: the image, or what an overlay has brought into it.
struct ModulesPlace {
  UniqueFd image;                 ///< its root, for as long as modules are to be loaded
  std::string_view overlay = {};  ///< the folder in it, which ends with a zero byte; empty: the image itself
};

class Modules {
 public:
  Modules(const Request& request, ModulesPlace place) : request_(request), place_(std::move(place)) {}
  Modules(const Modules&) = delete;
  Modules& operator=(const Modules&) = delete;
  ~Modules() { done(); }

  /// Loads those that `modules=` names, the first time. What cannot be loaded is said.
  void load_named();
  /// Loads drivers for devices that have appeared since the last call; whether there were any.
  bool load_for_line();
  /// The words of `lines=` in the /etc/gdbdebug.conf of the image or of the overlay: what it was built for.
  Text<256> lines() const;
  /// Lets go of the image, so that its memory can be given back. An overlay that brought modules goes with it.
  void done();
  bool usable() const { return static_cast<bool>(place_.image); }

 private:
  struct Batch;
  bool wants(std::string_view modalias) const;
  std::span<const std::string_view> no_device() const;
  bool once(std::string_view modalias);
  Status run(char* const* argv);

  const Request& request_;
  ModulesPlace place_;
  bool named_ = false;
  std::optional<std::uint64_t> deadline_;  ///< for all of them together, from the first on
  std::array<std::uint64_t, 512> seen_{};  ///< hashes of the modaliases that were asked for
  std::size_t seen_count_ = 0;
};

}  // namespace gdbdebug
