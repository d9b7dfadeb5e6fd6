// SPDX-License-Identifier: GPL-2.0-or-later
// tree: see tree.hpp.
#include "image/tree.hpp"

#include <vector>

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

std::string printable(std::string_view name) {
  std::string text;
  for (const char c : name.substr(0, 200)) text += (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) ? '?' : c;
  if (name.size() > 200) text += "...";
  return text;
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
  Walk at{from, false, {}};
  std::vector<std::string> missing;  // names after the last node that exists
  if (path.starts_with('/')) at.node = root_.get();
  const auto parts = components(path);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto part = parts[i];
    if (part == "..") {
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
      if (links_left-- <= 0) {
        missing.emplace_back(part);
        continue;
      }
      const Walk target = walk(at.node, next->target, true, links_left);
      at.climbed = at.climbed || target.climbed;
      if (target.node == nullptr) {
        at.node = root_.get();
        for (const auto piece : components(target.text)) missing.emplace_back(piece);
      } else {
        at.node = target.node;
      }
      continue;
    }
    at.node = next;
  }
  at.text = at.node == nullptr || at.node->parent == nullptr ? "" : at.node->path();
  for (const auto& name : missing) at.text += "/" + name;
  if (at.text.empty()) at.text = "/";
  if (!missing.empty()) at.node = nullptr;
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
  std::string up;
  for (const Node* node = link.parent; node != nullptr && node->parent != nullptr; node = node->parent) up += "../";

  int links_left = kMaxLinks;
  const Walk target = walk(link.parent, link.target, false, links_left);
  // Most links are relative and stay inside: those are kept letter by letter.
  if (!link.target.starts_with('/') && !target.climbed) return link.target;
  const std::string below = target.text.substr(1);
  if (up.empty() && below.empty()) return ".";
  return up + below;
}

Status Tree::put(std::string_view name, std::unique_ptr<Node> node) {
  const std::string shown = printable(name);
  if (name.starts_with('/')) {
    return Error{std::string(kStep), shown, "it is absolute, and an initramfs has relative names only"};
  }
  if (name.size() > kMaxPath) return Error{std::string(kStep), shown, "longer than 4095 bytes"};
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
      const std::string link = next->path() + "' -> '" + printable(next->target);
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
