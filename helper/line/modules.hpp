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

class Modules {
 public:
  /// `image`: the root of the image, for as long as modules are to be loaded from it.
  Modules(const Request& request, UniqueFd image) : request_(request), image_(std::move(image)) {}

  /// Loads those that `modules=` names, the first time. What cannot be loaded is said.
  void load_named();
  /// Loads drivers for devices that have appeared since the last call; whether there were any.
  bool load_for_line();
  /// The words of `lines=` in the image's /etc/gdbdebug.conf: what it was built for.
  Text<256> lines() const;
  /// Lets go of the image, so that its memory can be given back.
  void done() { image_.reset(); }
  bool usable() const { return static_cast<bool>(image_); }

 private:
  struct Batch;
  bool wants(std::string_view modalias) const;
  std::span<const std::string_view> no_device() const;
  bool once(std::string_view modalias);
  Status run(char* const* argv);

  const Request& request_;
  UniqueFd image_;
  bool named_ = false;
  std::optional<std::uint64_t> deadline_;  ///< for all of them together, from the first on
  std::array<std::uint64_t, 512> seen_{};  ///< hashes of the modaliases that were asked for
  std::size_t seen_count_ = 0;
};

}  // namespace gdbdebug
