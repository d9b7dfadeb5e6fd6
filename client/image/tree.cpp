// SPDX-License-Identifier: GPL-2.0-or-later
// tree: see tree.hpp.
#include "image/tree.hpp"

#include <vector>

#include "base/words.hpp"

namespace gdbdebug::client {
namespace {

constexpr int kMaxLinks = 40;               // as the kernel's MAXSYMLINKS
constexpr std::size_t kMaxComponent = 255;  // NAME_MAX
constexpr std::size_t kMaxPath = 4095;      // PATH_MAX without its NUL
constexpr std::size_t kMaxDepth =
    256;  // ours: one descriptor a level is open while a tree is written; real ones have 20
constexpr std::string_view kStep = "reading the name";

std::vector<std::string_view> components(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.push_back(part);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return parts;
}

// How many ".." a relative path begins with; nothing if there is another one behind a name.
std::optional<std::size_t> leading_climbs(std::string_view path) {
  std::size_t count = 0;
  bool goes_down = false;
  for (const auto part : components(path)) {
    if (part != "..") {
      goes_down = true;
    } else if (goes_down) {
      return std::nullopt;
    } else {
      ++count;
    }
  }
  return count;
}

// For a message: what a terminal can take, and not more of it than one can read.
std::string in_message(std::string_view name) {
  constexpr std::size_t kShown = 200;
  const auto text = printable(name);
  return std::string(cut(text, kShown)) + (text.size() > kShown ? "..." : "");
}

}  // namespace

std::string Node::path() const {
  if (parent == nullptr) return "/";
  std::string text;
  for (const Node* node = this; node->parent != nullptr; node = node->parent) text.insert(0, "/" + node->name);
  return text;
}

Tree::Tree() : root_(std::make_unique<Node>()) {
}

Tree::Walk Tree::walk(const Node* from, std::string_view path, bool follow_last, int& links_left) const {
  Walk at{from, false, false, {}};
  std::vector<std::string> missing;  // names after the last node that exists
  bool there = true;                 // so far; the text goes on where the kernel does not
  const auto is_directory = [&] { return at.node->kind == Node::Kind::directory; };
  if (path.starts_with('/')) at.node = root_.get();
  const auto parts = components(path);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto part = parts[i];
    if (part == "..") {
      there = there && missing.empty() && is_directory();
      if (!missing.empty()) {
        missing.pop_back();
      } else if (at.node->parent != nullptr) {
        at.node = at.node->parent;
      } else {
        at.climbed = true;
      }
      continue;
    }
    const auto child = missing.empty() ? at.node->children.find(part) : at.node->children.end();
    if (!missing.empty() || child == at.node->children.end()) {
      missing.emplace_back(part);
      continue;
    }
    const Node* next = child->second.get();
    const bool last = i + 1 == parts.size();
    if (next->kind == Node::Kind::link && (!last || follow_last)) {
      const Walk target =
          links_left-- > 0 ? walk(at.node, next->target, true, links_left) : Walk{nullptr, false, true, {}};
      at.climbed = at.climbed || target.climbed;
      if (target.too_many_links) return {nullptr, at.climbed, true, {}};
      if (target.node == nullptr) {
        there = false;
        at.node = root_.get();
        for (const auto piece : components(target.text)) missing.emplace_back(piece);
      } else {
        at.node = target.node;
      }
      continue;
    }
    at.node = next;
  }
  // What a slash or a dot follows has to be a directory.
  if (path.ends_with('/') || path.ends_with("/.")) there = there && is_directory();
  at.text = at.node == nullptr || at.node->parent == nullptr ? "" : at.node->path();
  for (const auto& name : missing) at.text += "/" + name;
  if (at.text.empty()) at.text = "/";
  if (!there || !missing.empty()) at.node = nullptr;
  return at;
}

const Node* Tree::find(std::string_view path, bool follow_last) const {
  int links_left = kMaxLinks;
  return walk(root_.get(), path, follow_last, links_left).node;
}

std::optional<Bytes> Tree::read(std::string_view path) const {
  const Node* node = find(path);
  if (node == nullptr || node->kind != Node::Kind::file) return std::nullopt;
  return node->content->bytes;
}

std::string Tree::relative_target(const Node& link) const {
  std::size_t depth = 0;
  for (const Node* node = link.parent; node != nullptr && node->parent != nullptr; node = node->parent) ++depth;

  // Most links are relative, and climb no further than to the root before they go down: those are kept letter by
  // letter. Where each link is such a one, no path leads out, whatever links it goes through and however many: each
  // begins in a real directory inside, climbs by real directories, and from then on goes down.
  if (!link.target.starts_with('/') && leading_climbs(link.target).value_or(depth + 1) <= depth) return link.target;

  int links_left = kMaxLinks;
  const Walk target = walk(link.parent, link.target, false, links_left);
  if (target.too_many_links) return link.name;  // a link to itself: what the kernel says of both is ELOOP
  std::string up;
  for (std::size_t i = 0; i < depth; ++i) up += "../";
  auto text = up + target.text.substr(1);
  if (text.empty()) return ".";
  return text.size() <= kMaxPath ? text : link.name;  // one that grew too long: leads nowhere, likewise
}

Status Tree::put(std::string_view name, std::unique_ptr<Node> node) {
  const std::string shown = in_message(name);
  if (name.starts_with('/')) {
    return Error{std::string(kStep), shown, "it is absolute, and an initramfs has relative names only"};
  }
  if (name.size() > kMaxPath) return Error{std::string(kStep), shown, "longer than 4095 bytes"};
  if (has_control(name)) return Error{std::string(kStep), shown, "it has a control character in it"};
  if (node->kind == Node::Kind::link && has_control(node->target)) {
    return Error{std::string(kStep), shown,
                 "it is a link to '" + in_message(node->target) + "', which has a control character in it"};
  }
  if (node->kind == Node::Kind::link && node->target.empty()) {
    return Error{std::string(kStep), shown, "it is a link to an empty name"};
  }
  if (node->target.size() > kMaxPath) {  // the kernel leaves it out
    return Error{std::string(kStep), shown, "it is a link to a name that is longer than 4095 bytes"};
  }
  const auto parts = components(name);
  if (parts.size() > kMaxDepth) return Error{std::string(kStep), shown, "it is more than 256 directories deep"};
  for (const auto part : parts) {
    if (part == "..") return Error{std::string(kStep), shown, "it has '..' in it, which leads out of the image"};
    if (part.size() > kMaxComponent) return Error{std::string(kStep), shown, "a part of it is longer than 255 bytes"};
  }
  if (parts.empty()) {  // "." is the root itself
    root_->mode = node->mode;
    return {};
  }

  Node* directory = root_.get();
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    const auto found = directory->children.find(parts[i]);
    if (found == directory->children.end()) {
      auto implied = std::make_unique<Node>();
      implied->implied = true;
      implied->name = parts[i];
      implied->parent = directory;
      directory = directory->children.emplace(std::string(parts[i]), std::move(implied)).first->second.get();
      continue;
    }
    Node* next = found->second.get();
    if (next->kind == Node::Kind::link) {
      int links_left = kMaxLinks;
      const Walk target = walk(directory, next->target, true, links_left);
      const std::string link = next->path() + "' -> '" + in_message(next->target);
      if (target.climbed) return Error{std::string(kStep), shown, "the link '" + link + "' leads out of the image"};
      if (target.node == nullptr) {
        return Error{std::string(kStep), shown, "the link '" + link + "' leads to nothing in the image"};
      }
      next = const_cast<Node*>(target.node);  // the tree is ours, and not const here
    }
    if (next->kind != Node::Kind::directory) {
      return Error{std::string(kStep), shown, "'" + next->path() + "' on its way is not a directory"};
    }
    directory = next;
  }

  auto& place = directory->children[std::string(parts.back())];
  if (place && place->kind == Node::Kind::directory) {
    if (node->kind == Node::Kind::directory) {  // said twice: the later mode counts
      place->mode = node->mode;
      place->implied = place->implied && node->implied;
      return {};
    }
    if (!place->children.empty()) {
      return Error{std::string(kStep), shown, "it is a directory with content, and then something else"};
    }
  }
  node->name = parts.back();
  node->parent = directory;
  place = std::move(node);
  return {};
}

}  // namespace gdbdebug::client
