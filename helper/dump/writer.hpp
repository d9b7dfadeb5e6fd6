// SPDX-License-Identifier: GPL-2.0-or-later
// writer: packs the pieces of a core into blocks, and the blocks into records. Pure but for where the records go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/words/core_record.hpp"

namespace gdbdebug::dump {

/// Where the records go.
class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  /// Whether there may be more.
  virtual bool say(std::string_view record) = 0;

 protected:
  ~Sink() = default;
};

/// There is one at a time, for its buffer.
class Writer {
 public:
  Writer(Sink& sink, std::uint32_t id) : sink_(sink), id_(id) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// From here on the blocks have the numbers from `number` on. What is added once more is cut into the same blocks.
  void restart(std::uint32_t number);
  /// Adds a piece. One of memory or of maps may come out as several. Whether the sink takes more.
  bool add(core_record::Kind kind, std::uint64_t at, std::span<const unsigned char> bytes);
  /// Says what is still held back.
  bool flush();
  /// A record that is finished here.
  bool say(core_record::Record& record);

  [[nodiscard]] std::uint32_t id() const { return id_; }
  [[nodiscard]] std::uint32_t next() const { return next_; }
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  /// What is held back of a piece: this, and its bytes.
  struct Held {
    std::uint64_t at = 0;
    std::uint32_t length = 0;
    core_record::Kind kind{};
  };
  bool say_block();
  [[nodiscard]] static Held held(std::size_t at);
  static void hold(std::size_t at, const Held& held);
  [[nodiscard]] static std::size_t cut(std::size_t wanted);
  [[nodiscard]] static std::size_t encode(std::size_t size, std::span<unsigned char> block);
  void drop(std::size_t size);

  std::size_t size_ = 0;
  Sink& sink_;
  std::uint32_t id_;
  std::uint32_t next_ = 0;
  bool stopped_ = false;
};

}  // namespace gdbdebug::dump
