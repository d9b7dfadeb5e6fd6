// SPDX-License-Identifier: GPL-2.0-or-later
// check: the verb that says what is in an image and what is missing.
#include <cstdio>

#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "base/words.hpp"
#include "core/request/kernel_line.hpp"
#include "core/request/request.hpp"
#include "image/describe.hpp"
#include "image/inspect.hpp"
#include "verbs/lint.hpp"
#include "verbs/verbs.hpp"

namespace gdbdebug::client {
namespace {

void row(const char* name, const std::string& text) {
  std::printf("%-14s %s\n", name, printable(text).c_str());
}

std::string with_build_id(const std::string& text, const std::string& build_id) {
  return text + (build_id.empty() ? " (no build ID)" : " (build ID " + build_id + ")");
}

std::string overlay_word() {
  return std::string("rdinit=") + layout::kOverlayInit;
}

void print_facts(const std::vector<std::string>& paths, const Image& image, const Facts& facts) {
  row("image", names_of(paths) + " (" + describe(image) + ")");
  if (!image.kernel.empty()) row("kernel", image.kernel);
  const std::string helper = facts.overlay ? layout::kOverlayInit : "/init";
  row("helper",
      facts.helper ? with_build_id(helper + ", " + facts.helper_machine, facts.helper_build_id) : "not in this image");
  if (facts.overlay) row("overlay", "behind the image; the kernel command line must begin with " + overlay_word());
  const auto& init = facts.real_init;
  if (!init.file.empty()) {
    std::string text = init.name + (init.file == init.name ? "" : " -> " + init.file);
    if (init.script) text += ", a script for " + init.program;
    row("real init", with_build_id(text, init.elf ? init.elf->build_id : ""));
    for (const auto& library : init.libraries) {
      if (library.path.empty()) row("", library.name + ": missing");
    }
  }
  if (facts.x86_level != 0) row("processor", "x86-64-v" + std::to_string(facts.x86_level) + " or newer");
  if (!facts.gdbserver.empty()) {
    row("gdbserver", with_build_id(facts.gdbserver, facts.gdbserver_build_id));
    for (const auto& library : facts.libraries) {
      row("", library.path.empty() ? library.name + ": missing" : library.path);
    }
    row("libthread_db", facts.thread_db.empty() ? "not in this image" : facts.thread_db);
  }
  if (facts.helper) {
    row("default", facts.default_value + " (for a bare rd.gdbdebug)");
    row("growth", human_size(facts.growth) + " of files that nothing else in the image needs, unpacked");
  }
  for (const auto& line : facts.lines) {
    const std::string_view verdict = line.works ? "can work" : line.known ? "cannot work" : "may work";
    row(("line " + line.word).c_str(), std::string(verdict) + ": " + line.why);
  }
  for (const auto& warning : facts.warnings) row("warning", warning);
  for (const auto& fault : facts.faults) row("fault", fault);
  for (const auto& fault : facts.broken) row("fault", fault);
  if (facts.faults.empty() && facts.broken.empty()) row("result", "this image can be debugged");
}

void text_or_null(Json& json, std::string_view key, const std::string& text) {
  json.key(key);
  if (text.empty()) {
    json.null();
  } else {
    json.value(text);
  }
}

void texts(Json& json, std::string_view key, const std::vector<std::string>& list) {
  json.key(key).open('[');
  for (const auto& text : list) json.value(text);
  json.close(']');
}

void add_libraries(Json& json, const std::vector<Library>& libraries) {
  json.key("libraries").open('[');
  for (const auto& library : libraries) {
    json.open('{').key("name").value(library.name);
    text_or_null(json, "path", library.path);
    json.key("wanted_by").value(library.wanted_by).close('}');
  }
  json.close(']');
}

void add_facts(Json& json, const std::vector<std::string>& paths, const Image& image, const Facts& facts) {
  json.key("image").value(names_of(paths));
  texts(json, "images", paths);
  json.key("size").value(image.size).key("unpacked").value(image.unpacked);
  text_or_null(json, "generator", image.generator);
  text_or_null(json, "kernel", image.kernel);
  json.key("uki").value(image.uki).key("squash").value(image.squash);
  json.key("archives").open('[');
  for (const auto& segment : image.segments) {
    json.open('{').key("file").value(segment.file).key("offset").value(segment.offset).key("size").value(segment.size);
    json.key("compression").value(name_of(segment.compression)).key("unpacked").value(segment.unpacked);
    json.key("entries").value(segment.entries).close('}');
  }
  json.close(']').key("helper");
  if (facts.helper) {
    json.open('{');
    text_or_null(json, "build_id", facts.helper_build_id);
    text_or_null(json, "machine", facts.helper_machine);
    json.key("overlay").value(facts.overlay).close('}');
  } else {
    json.null();
  }
  const auto& init = facts.real_init;
  json.key("real_init").open('{').key("name").value(init.name);
  text_or_null(json, "file", init.file);
  text_or_null(json, "program", init.program);
  json.key("script").value(init.script);
  text_or_null(json, "build_id", init.elf ? init.elf->build_id : "");
  text_or_null(json, "machine", init.elf ? init.elf->machine : "");
  add_libraries(json, init.libraries);
  json.close('}').key("gdbserver");
  if (facts.gdbserver.empty()) {
    json.null();
  } else {
    json.open('{').key("path").value(facts.gdbserver);
    text_or_null(json, "build_id", facts.gdbserver_build_id);
    add_libraries(json, facts.libraries);
    json.close('}');
  }
  text_or_null(json, "libthread_db", facts.thread_db);
  texts(json, "manifest", facts.manifest);
  json.key("default").value(facts.default_value).key("lines").open('[');
  for (const auto& line : facts.lines) {
    json.open('{').key("name").value(line.word).key("works").value(line.works).key("wanted").value(line.wanted);
    json.key("known").value(line.known).key("why").value(line.why).close('}');
  }
  json.close(']').key("growth").value(facts.growth);
  texts(json, "warnings", facts.warnings);
  text_or_null(json, "processor", facts.x86_level == 0 ? "" : "x86-64-v" + std::to_string(facts.x86_level));
  auto faults = facts.faults;
  faults.insert(faults.end(), facts.broken.begin(), facts.broken.end());
  texts(json, "faults", faults);
}

// Whether the image has what the line of the command line needs: a fault if not, a warning if nobody here can tell.
void judge(const Lint& linted, Facts& facts) {
  for (const auto& line : facts.lines) {
    if (line.word != linted.line_word || line.works) continue;
    const auto wanted = "the command line wants the line '" + line.word + "', ";
    if (line.known) {
      facts.faults.push_back(wanted + "but " + line.why);
    } else {
      facts.warnings.push_back(wanted + "which works only if the kernel has its driver built in: " + line.why);
    }
  }
  const auto& drivers = facts.drivers;
  for (const auto& module : linted.modules) {
    if (has_module(drivers, module)) continue;
    const auto missing = "the command line wants the module '" + module + "', which is not in the image";
    facts.warnings.push_back(missing +
                             (drivers.built_in_known ? "" : ", and what is built into the kernel is not known here") +
                             "; add it when the image is built");
  }
}

// Whether the overlay and the kernel command line belong together.
void judge_overlay(std::string_view cmdline, Facts& facts) {
  const auto rdinit = find_value(cmdline, "rdinit");
  const bool wanted = rdinit == std::string_view(layout::kOverlayInit);
  if (wanted && !facts.overlay) {
    facts.faults.push_back("the command line has " + overlay_word() +
                           ", but there is no overlay behind the image: the kernel would panic; name the overlay too, "
                           "behind the image");
  }
  // The value of rd.gdbdebug= alone is no command line.
  if (facts.overlay && !rdinit && find_setting(cmdline)) {
    facts.faults.push_back("the overlay is loaded, but without " + overlay_word() +
                           " on the command line the kernel starts the image's own /init");
  }
}

// What the command line inside a UKI comes to; nothing if it has none, or none that is about us.
std::optional<Lint> judge_own_line(const Image& image, bool another, Facts& facts) {
  if (image.cmdline.empty()) return std::nullopt;
  if (another) {
    facts.warnings.emplace_back(
        "the UKI has a command line of its own; with Secure Boot its stub takes that one and not the one of --cmdline");
  }
  if (!find_setting(image.cmdline)) {
    facts.warnings.push_back("the UKI's own command line has no rd.gdbdebug=: '" + image.cmdline +
                             "'; with Secure Boot its stub takes no other, so it has to be in there or in an add-on");
    return std::nullopt;
  }
  auto linted = lint(image.cmdline, facts.default_value);
  if (facts.helper) judge(linted, facts);
  for (const auto& remark : linted.remarks) {
    if (remark.fault) facts.faults.push_back("the UKI's own command line: " + remark.reason);
  }
  return linted;
}

// What a bare rd.gdbdebug would come to.
void judge_default(Facts& facts) {
  for (const auto& remark : lint("rd.gdbdebug", facts.default_value).remarks) {
    auto& place = remark.fault ? facts.faults : facts.warnings;
    place.push_back(remark.reason + (remark.hint.empty() ? "" : "; right would be " + remark.hint));
  }
}

void add_lint(Json& json, std::string_view key, const Lint& linted) {
  json.key(key).open('{').key("text").value(linted.text);
  text_or_null(json, "meaning", linted.meaning);
  text_or_null(json, "line", linted.line_word);
  json.key("remarks").open('[');
  for (const auto& remark : linted.remarks) {
    json.open('{')
        .key("fault")
        .value(remark.fault)
        .key("column")
        .value(remark.column)
        .key("length")
        .value(remark.length);
    json.key("reason").value(remark.reason);
    text_or_null(json, "hint", remark.hint);
    json.close('}');
  }
  json.close(']').close('}');
}

}  // namespace

Result<int> run_check(const CheckOptions& options) {
  catch_interrupts();
  if (options.image.empty() && options.cmdline.empty()) {
    return Error{"reading the command line", "check", "there is neither an IMAGE nor a --cmdline to look at", "",
                 Exit::usage};
  }
  std::optional<Image> image;
  std::optional<Facts> facts;
  if (!options.image.empty()) {
    auto read = read_image(options.image, options.limits, scratch_directory());
    if (!read.ok()) return read.error();
    image = std::move(read.value());
    facts = inspect(*image, built_in_here);
    if (facts->helper) judge_default(*facts);
  }
  const auto own = facts ? judge_own_line(*image, !options.cmdline.empty(), *facts) : std::nullopt;
  std::optional<Lint> linted;
  if (!options.cmdline.empty()) {
    linted = lint(options.cmdline, facts ? std::string_view(facts->default_value) : kDefaultValue);
    if (facts) judge_overlay(options.cmdline, *facts);
    if (facts && facts->helper) judge(*linted, *facts);
  }
  const bool sound = (!facts || (facts->faults.empty() && facts->broken.empty())) && (!own || own->remarks.empty()) &&
                     (!linted || linted->remarks.empty());

  if (options.json) {
    Json json;
    json.open('{');
    if (facts) add_facts(json, options.image, *image, *facts);
    if (own) add_lint(json, "uki_cmdline", *own);
    if (linted) add_lint(json, "cmdline", *linted);
    json.key("ok").value(sound).close('}');
    std::printf("%s\n", json.text().c_str());
  } else {
    if (facts) print_facts(options.image, *image, *facts);
    if (own) std::printf("The UKI's own command line:\n%s", printable(in_words(*own), true).c_str());
    if (linted) std::fputs(printable(in_words(*linted), true).c_str(), stdout);
  }
  return static_cast<int>(sound ? Exit::success : Exit::found_fault);
}

}  // namespace gdbdebug::client
