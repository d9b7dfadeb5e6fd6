// SPDX-License-Identifier: GPL-2.0-or-later
// result: errors are values. An Error knows the step, what it was about, and why it failed.
#pragma once

#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

namespace gdbdebug {

/// `step 'subject': reason`. The reason is `err` (an errno) in words, unless `reason` says it better.
/// The texts must outlive the error: literals, or words of the command line.
struct Error {
  Error() = default;
  /// Not inline: errors are made in a hundred places, and each would cost some 80 bytes of code.
  Error(const char* the_step, std::string_view the_subject, int number = 0, const char* words = "");

  std::string_view step;
  std::string_view subject;
  int err = 0;
  std::string_view reason;
};

/// The error of a system call that has just failed.
Error failed(const char* step, std::string_view subject);

/// A value, or the reason why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  // Not explicit, so that `return value;` and `return failed(...);` read as what they are.
  // cppcheck-suppress noExplicitConstructor
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  // cppcheck-suppress noExplicitConstructor
  Result(const Error& error) : error_(error) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return value_.has_value(); }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  const Error& error() const { return error_; }

 private:
  std::optional<T> value_;
  Error error_;
};

struct Done {};
using Status = Result<Done>;

}  // namespace gdbdebug
