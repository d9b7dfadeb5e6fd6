// SPDX-License-Identifier: GPL-2.0-or-later
// wire: the open end of the debug line on this side.
#pragma once

#include <sys/types.h>

#include <chrono>

#include "base/file.hpp"
#include "wire/target.hpp"

struct sockaddr_un;

namespace gdbdebug::client {

/// How long a connection may take unless told: a SYN into nowhere takes two minutes otherwise.
inline constexpr std::chrono::milliseconds kConnectLimit{10000};

/// Non-blocking descriptors to read from and write to; the same one twice except with ssh, whose process is `helper`.
/// When it goes, the descriptors are closed and ssh ends. A device keeps its settings, as after gdb.
class Wire {
 public:
  Wire() = default;
  Wire(Wire&& other) noexcept { swap(other); }
  Wire& operator=(Wire&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Wire();

  [[nodiscard]] int input() const { return input_.get(); }
  [[nodiscard]] int output() const { return output_ ? output_.get() : input_.get(); }
  [[nodiscard]] bool open() const { return static_cast<bool>(input_); }

  friend Result<Wire> open_wire(const Target& target, bool& may_come, std::chrono::milliseconds limit);

 private:
  void swap(Wire& other);

  UniqueFd input_;
  UniqueFd output_;
  pid_t helper_ = -1;
};

/// Whether `target` is a Unix socket whose owner serves somebody else and lets others wait, as QEMU does. They are
/// connected all the same, and nothing that they say is read.
bool is_busy(const Target& target);

/// Opens the line to `target`. A device is made raw, with its speed, and is ours alone. A TCP connection may take
/// `limit`. On error `may_come` tells whether trying again later makes sense: the socket is not there yet, nobody
/// listens yet. What can never be a socket, by what is there under its name or by the name's length, is an error with
/// Exit::usage. A signal that asks for the end (interrupt.hpp) ends it too, with interrupted_error().
Result<Wire> open_wire(const Target& target, bool& may_come, std::chrono::milliseconds limit = kConnectLimit);

/// Makes the Unix socket `path` into an address for connect() and bind(), also where it is longer than the 107 bytes
/// that fit: then `directory` holds it, and must stay open until the call is done. Errors: the directory cannot be
/// opened; the last part alone is too long (Exit::usage).
Status unix_address(const std::string& path, ::sockaddr_un& address, UniqueFd& directory);

}  // namespace gdbdebug::client
