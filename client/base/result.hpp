// SPDX-License-Identifier: GPL-2.0-or-later
// result: errors as values on the host's side, and the exit codes that gdbdebug(1) promises.
// An error is made where it is met, passed up untouched, and told once, by main().
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace gdbdebug::client {

/// The exit codes of gdbdebug(1), section EXIT STATUS. `attach` and `vm` otherwise pass on the debugger's own.
enum class Exit : int {
  success = 0,
  failure = 1,      ///< Something could not be done; the message says what.
  usage = 2,        ///< The command line of gdbdebug itself is wrong.
  found_fault = 3,  ///< `check` looked, and something is missing or wrong.
  no_answer = 4,    ///< No target answered within --timeout.
  partial = 5,      ///< `report` has told what there is, and a part of it is missing.
};

/// What went wrong: `step 'subject': reason; next`. `next` is what the user can do about it, and can be empty.
struct Error {
  std::string step;
  std::string subject;
  std::string reason;
  std::string next = {};
  Exit code = Exit::failure;

  [[nodiscard]] std::string text() const {
    std::string line = step;
    if (!subject.empty()) line += " '" + subject + "'";
    line += ": " + reason;
    if (!next.empty()) line += "; " + next;
    return line;
  }
};

/// An Error whose reason is the system's word for `number` (an errno).
inline Error system_error(std::string step, std::string subject, int number, std::string next = {}) {
  return Error{std::move(step), std::move(subject), std::strerror(number), std::move(next)};
}

/// A value, or the Error that kept it from being made. Ask ok() before value().
template <typename T>
class [[nodiscard]] Result {
 public:
  // Not explicit, for `return value;` and `return Error{...};`. cppcheck does not know explicit(false) yet.
  // cppcheck-suppress noExplicitConstructor
  explicit(false) Result(T value) : state_(std::move(value)) {}
  // cppcheck-suppress noExplicitConstructor
  explicit(false) Result(Error error) : state_(std::move(error)) {}

  [[nodiscard]] bool ok() const { return std::holds_alternative<T>(state_); }
  [[nodiscard]] T& value() { return std::get<T>(state_); }
  [[nodiscard]] const T& value() const { return std::get<T>(state_); }
  [[nodiscard]] const Error& error() const { return std::get<Error>(state_); }

 private:
  std::variant<T, Error> state_;
};

/// Success, or an Error.
class [[nodiscard]] Status {
 public:
  Status() = default;
  // cppcheck-suppress noExplicitConstructor; as in Result
  // cppcheck-suppress passedByValue ; it is moved
  // cppcheck-suppress functionStatic ; a constructor
  explicit(false) Status(Error error) : error_(std::move(error)) {}

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  [[nodiscard]] const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace gdbdebug::client
